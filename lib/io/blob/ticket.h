// Who may fetch a blob from the host that holds it, without anything to remember and without asking that host again:
//
//   holder's key ──HMAC(digest)──▶ grant ──HMAC(expiry, consumer, digest)──▶ ticket
//
// The holder tells a grant along with what was published, to the coordinator alone. The coordinator makes tickets of
// it: for each lease one that is of use to one agent and for a while. The holder derives both again. Nobody gets from a
// ticket to its grant, or to a ticket for somebody else or for longer (as macaroons are made narrower).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "core/model.h"

namespace cromt {

// How long an agent's ticket is good, by the holder's clock. A lease may wait behind other tasks for hours before what
// it takes is fetched, and a host's clock may be off by a whole time zone, 14 h at most: a day leaves ten hours to
// wait. What has run out costs no task: the coordinator then brings the bytes. Less would gain little, since a ticket
// is of use only to who was given these very bytes.
inline constexpr Duration kTicketLife = std::chrono::hours(24);

// For a consumer (empty: the coordinator itself); a pure function. Without `expires_at` it is good for ever: so are the
// coordinator's own, who could make another at any time, and who must get the bytes where clocks differ by days.
BlobTicket MakeTicket(std::string_view grant, const Digest& digest, const AgentId& consumer,
                      std::optional<Wall> expires_at);

// What a host gives grants by and checks tickets with. Thread-safe.
class HolderKey {
 public:
  // The key lies at `path` and is made there (0600) when it is first needed.
  explicit HolderKey(std::string path) : path_(std::move(path)) {}

  // 64 lower-case hex digits: HMAC-SHA256 (RFC 2104) of the digest's hash and size.
  Result<std::string> GrantFor(const Digest& digest) const CROMT_EXCLUDES(mutex_);
  // kDenied if it is no ticket for these bytes (the time does not depend on how much of it is right), or has run out.
  // Whether the caller is its consumer is for who knows the caller to check.
  Status Check(const BlobTicket& ticket, const Digest& digest, Wall now) const CROMT_EXCLUDES(mutex_);

 private:
  const std::string path_;
  mutable Mutex mutex_;
  mutable std::string key_ CROMT_GUARDED_BY(mutex_);  // once it was needed
};

}  // namespace cromt
