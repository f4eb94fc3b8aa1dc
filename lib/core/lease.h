// The times that leases and silence rest on. Who may assume what:
//
// - The agent may start an attempt until kLeaseTime after it *sent* the newest heartbeat that the coordinator has
//   echoed in this session. It reads CLOCK_BOOTTIME; a new boot id ends all leases.
// - The coordinator may assume that an attempt which has not started never will once kCoordinatorLeaseTime has passed
//   since it last *sent* an echo. The heartbeat was sent before that, so the agent's right ends first, whatever the
//   network did, as long as the two clocks run alike to within 10 %. It needs this at one place only: what is declared
//   lost has been silent for kShortestLost at least, and so can't begin later.
// - Expiry never ends what has started.
#pragma once

#include "base/time.h"

namespace cromt {

inline constexpr Duration kHeartbeatInterval = seconds(2);
inline constexpr Duration kLeaseTime = seconds(20);
inline constexpr Duration kCoordinatorLeaseTime = kLeaseTime + kLeaseTime / 10;
// Nothing heard for this long: the session is ended; its attempts are shown as unreachable.
inline constexpr Duration kUnreachableAfter = seconds(10);
// on_lost: no attempt is called lost before so long a silence: until then it might yet begin.
inline constexpr Duration kShortestLost = seconds(40);
// on_lost: retry. A lost task is tried again so many times; `retries` has no say in it and loses none by it.
inline constexpr uint32_t kLostRetries = 3;
// An agent that gives a lease back (it drains, or is full) gets no other for this long.
inline constexpr Duration kReturnPause = seconds(1);
// Reports share messages, and so commits: after a message with reports there is none for at least the first of these,
// and for so much longer as there were more of them, up to the second.
inline constexpr Duration kReportPause = milliseconds(2);
inline constexpr Duration kLongestReportPause = milliseconds(10);
inline constexpr Duration kPausePerReport = milliseconds(1);
// The start of an attempt, for which nothing waits, gives its end this long to come along.
inline constexpr Duration kStartPause = milliseconds(10);
static_assert(kShortestLost > kCoordinatorLeaseTime + kUnreachableAfter);

}  // namespace cromt
