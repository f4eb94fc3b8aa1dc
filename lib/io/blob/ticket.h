// Tickets: who presents the ticket of a blob may fetch it from the host that gave it out. A ticket is a keyed hash of
// the blob's name, so that a host needs to remember none, and nobody without its key can make one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/model.h"

namespace cromt {

class TicketKey {
 public:
  // Reads the key from `path`, or makes one there (0600).
  static Result<TicketKey> Open(const std::string& path);

  // 64 lower-case hex digits: HMAC-SHA256 (RFC 2104) of the digest's hash and size.
  std::string TicketFor(const Digest& digest) const;
  // In a time that does not depend on how much of `ticket` is right.
  bool Admits(std::string_view ticket, const Digest& digest) const;

 private:
  explicit TicketKey(std::string key) : key_(std::move(key)) {}
  std::string key_;
};

}  // namespace cromt
