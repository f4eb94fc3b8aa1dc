// Follows a run to its end: what happens in it and what its jobs print, on a thread each, while the caller's waits for
// whatever comes first: the end, a Ctrl-C, a timeout.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/interrupts.h"
#include "cli/log_view.h"
#include "cli/messages.h"
#include "cli/run_progress.h"
#include "core/control.h"

namespace cromt::cli {

struct FollowOptions {
  std::string run;  // its id
  std::string author;
  std::string task;                 // whose output; empty = all
  bool logs = true;                 // false: only waits
  bool summary = true;              // tells how the run ended
  std::optional<Duration> timeout;  // of the waiting
  // What a Ctrl-C or the timeout means: an end of following, or of the run.
  enum class Stop { kFollowing, kRun } stop = Stop::kFollowing;
  // A connection that breaks is tried again, with a pause, until so many tries in a row brought nothing.
  uint32_t retries = 60;
  Duration pause = milliseconds(500);
  // Of output that should still come after the run has ended. Then it is given up.
  Duration log_patience = seconds(60);
};

enum class FollowEnd { kFinished, kInterrupted, kTimedOut };

// All of it outlives the call; its threads end with it.
struct FollowParts {
  Control& control;
  RunProgress& progress;
  LogView& log;
  Messages& messages;
  InterruptCount& interrupts;
  Interrupts& program;
};

// The error is that of the connection, once it broke for good.
//
// With Stop::kRun the first Ctrl-C cancels the run, the second also its clean-ups, and the call goes on until it has
// ended; with Stop::kFollowing the call returns soon, and a second Ctrl-C ends the program where it doesn't.
Result<FollowEnd> Follow(const FollowParts& parts, const FollowOptions& options);

}  // namespace cromt::cli
