// What `run`, `start --follow` and `start --wait` have in common: a started run is followed, then its exit code found.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/exit_code.h"
#include "cli/follow.h"
#include "cli/session.h"

namespace cromt::cli {

struct FollowWish {
  std::string run;  // its id
  FollowOptions::Stop stop = FollowOptions::Stop::kFollowing;
  bool show_output = true;  // false: only waits
  bool is_local = false;    // of `cromt run`: `cromt logs` finds it with --local
  std::optional<Duration> timeout;
  uint32_t retries = 60;
};

// Text: the jobs' output on standard output, what happens on standard error; where that is a terminal, the tasks are
// drawn below it (live_run.h). JSON: the run as `show` gives it, once it has ended or is not followed any more, on
// standard output; the jobs' output as text on standard error. Quiet: nothing.
Result<ExitCode> FollowStarted(Session& session, Control& control, InterruptCount& interrupts, const FollowWish& wish);

}  // namespace cromt::cli
