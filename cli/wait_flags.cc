#include "cli/wait_flags.h"

#include "cli/follow_run.h"
#include "cli/start_flags.h"

namespace cromt::cli {

void WaitFlags::Declare(Arguments& arguments) {
  arguments.Flag("--follow", follow_, "show the jobs' output until the run has ended; Ctrl-C only stops showing it");
  arguments.Flag("--wait", wait_, "wait for the end of the run; exit code 1 if it did not succeed");
  arguments.Option("--timeout", "D", timeout_, "stop waiting after this time, exit code 4: 90, 90s, 5m, 2h");
}

Status WaitFlags::Check() const {
  CROMT_ASSIGN(const auto timeout, ReadDuration("--timeout", timeout_));
  if (follow_ && wait_) return Fail(ErrorCode::kInvalid, "--follow and --wait exclude each other");
  if (timeout && !follow_ && !wait_) return Fail(ErrorCode::kInvalid, "--timeout needs --wait or --follow");
  return {};
}

Result<ExitCode> WaitFlags::AfterStart(Session& session, Control& control, const RunId& run) const {
  CROMT_ASSIGN(const auto timeout, ReadDuration("--timeout", timeout_));
  InterruptCount interrupts(session.world().interrupts);
  // Where the run is followed, standard output is for what comes of it: the jobs' output, or the run as JSON.
  const bool json = session.format() == Format::kJson;
  const bool quiet = session.format() == Format::kQuiet;
  if (quiet || !(follow_ || (wait_ && json))) session.output().Started(run);
  if (!follow_ && !wait_) return ExitCode::kDone;
  FollowWish wish;
  wish.run = run.text();
  wish.show_output = follow_;
  wish.timeout = timeout;
  return FollowStarted(session, control, interrupts, wish);
}

}  // namespace cromt::cli
