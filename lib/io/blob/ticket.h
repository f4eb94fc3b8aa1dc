// Tickets: who presents the ticket of a blob may fetch it from the host that gave it out. A ticket is a keyed hash of
// the blob's name, so that a host needs to remember none, and nobody without its key can make one. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "core/model.h"

namespace cromt {

class TicketKey {
 public:
  // The key lies at `path` and is made there (0600) when it is first needed.
  explicit TicketKey(std::string path) : path_(std::move(path)) {}

  // 64 lower-case hex digits: HMAC-SHA256 (RFC 2104) of the digest's hash and size.
  Result<std::string> TicketFor(const Digest& digest) const CROMT_EXCLUDES(mutex_);
  // kDenied if the ticket is another; the time does not depend on how much of it is right.
  Status Check(std::string_view ticket, const Digest& digest) const CROMT_EXCLUDES(mutex_);

 private:
  const std::string path_;
  mutable Mutex mutex_;
  mutable std::string key_ CROMT_GUARDED_BY(mutex_);  // once it was needed
};

}  // namespace cromt
