// What the launcher was asked and has not answered: how the agent finds out that it hangs or is stopped. A connection
// is answered by what the launcher knows, a start by its beginning or end, a stop by the end, for which the attempt has
// its grace first. No clock and no thread: the engine says what happens, and looks when it is time. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/queue_event.h"

namespace cromt {

class LauncherWatch {
 public:
  // An answer takes milliseconds; the end of what is stopped up to five seconds more than its grace
  // (launcher/attempt.h).
  static constexpr Duration kPatience = seconds(10);

  // To a launcher, which will say what it knows; `pid` 0 = not known.
  void Connected(uint32_t pid, Mono now);
  void Started(Ticket ticket, Mono now) { starts_.emplace(ticket, now + kPatience); }
  void Stopped(Ticket ticket, Duration grace, Mono now) { stops_.emplace(ticket, now + grace + kPatience); }
  // Ends wait for as long as the launcher can't write output, and it has said so.
  void OutputHeldBack() { stops_.clear(); }
  // Anything that the queue is told; only what the launcher says counts.
  void Heard(const QueueEvent& event);

  // Looks whether an answer is overdue. To be called when something was heard, and at NextDeadline.
  void Look(Mono now);
  std::optional<Mono> NextDeadline() const { return silence_.empty() ? EarliestDue() : std::nullopt; }
  // In words, as of the last Look, what is wrong; empty = nothing. The same words for as long as it lasts.
  const std::string& silence() const { return silence_; }

 private:
  std::optional<Mono> EarliestDue() const;

  uint32_t pid_ = 0;
  std::optional<Mono> hello_;      // when each answer is overdue
  std::map<Ticket, Mono> starts_;  // no more than there are slots
  std::map<Ticket, Mono> stops_;   // likewise
  std::string silence_;
};

}  // namespace cromt
