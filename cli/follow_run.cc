#include "cli/follow_run.h"

#include <fmt/format.h>

namespace cromt::cli {
namespace {

std::unique_ptr<LogView> MakeLog(Session& session, const FollowWish& wish) {
  if (!wish.show_output || session.format() == Format::kQuiet) return std::make_unique<NoLog>();
  const World& world = session.world();
  if (session.format() == Format::kJson)
    return std::make_unique<TextLog>([&session](std::string_view text) { session.messages().Pass(text); },
                                     TextLog::Options{.terminal = world.err_is_terminal}, session.messages().palette());
  return std::make_unique<TextLog>([&world](std::string_view text) { world.out.Write(text); },
                                   TextLog::Options{.terminal = world.out_is_terminal}, session.palette());
}

void TellStopped(Session& session, const FollowWish& wish, FollowEnd end) {
  const std::string_view doing = wish.show_output ? "following" : "waiting";
  const std::string why =
      end == FollowEnd::kTimedOut ? fmt::format("the timeout of {} passed: ", FormatDuration(*wish.timeout)) : "";
  session.messages().Say(
      fmt::format("{}stopped {}; run {} goes on ('cromt logs {} --follow' shows it, 'cromt cancel "
                  "{}' ends it)",
                  why, doing, wish.run, wish.run, wish.run));
}

ExitCode CodeFor(FollowEnd end, const RunStatus& status) {
  if (end == FollowEnd::kInterrupted) return ExitCode::kInterrupted;
  if (end == FollowEnd::kTimedOut) return ExitCode::kTimedOut;
  return status.outcome == RunOutcome::kSucceeded ? ExitCode::kDone : ExitCode::kNotSucceeded;
}

}  // namespace

Result<ExitCode> FollowStarted(Session& session, Control& control, InterruptCount& interrupts, const FollowWish& wish) {
  const auto log = MakeLog(session, wish);
  RunProgress progress(
      session.messages(), *log,
      {.each_task = wish.show_output, .fetches_code = wish.fetches_code, .can_show_logs = wish.can_show_logs});
  const FollowParts parts{control, progress, *log, session.messages(), interrupts, session.world().interrupts};
  FollowOptions options;
  options.run = wish.run;
  options.author = session.world().user;
  options.logs = wish.show_output && session.format() != Format::kQuiet;
  options.timeout = wish.timeout;
  options.stop = wish.stop;
  options.retries = wish.retries;
  options.pause = session.world().retry_pause;
  CROMT_ASSIGN(const FollowEnd end, Follow(parts, options));
  if (end != FollowEnd::kFinished && wish.stop == FollowOptions::Stop::kFollowing) TellStopped(session, wish, end);
  if (session.format() == Format::kJson) {
    CROMT_ASSIGN(const RunView view, control.GetRun(wish.run, session.world().user));
    session.output().ShowRun(view);
  }
  return CodeFor(end, progress.begun() ? progress.status() : RunStatus());
}

}  // namespace cromt::cli
