#include "cli/follow_run.h"

#include <fmt/format.h>

#include "cli/live_run.h"

namespace cromt::cli {
namespace {

std::unique_ptr<LogView> MakeLog(Session& session, const FollowWish& wish, LiveRun* live) {
  if (!wish.show_output || session.format() == Format::kQuiet) return std::make_unique<NoLog>();
  const World& world = session.world();
  if (session.format() == Format::kJson)
    return std::make_unique<TextLog>([&session](std::string_view text) { session.messages().Pass(text); },
                                     TextLog::Options{.terminal = world.err_is_terminal}, session.messages().palette());
  Writer& out = live ? live->out() : world.out;
  return std::make_unique<TextLog>([&out](std::string_view text) { out.Write(text); },
                                   TextLog::Options{.terminal = world.out_is_terminal, .unfinished = !live},
                                   session.palette());
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

Result<FollowEnd> FollowWith(Session& session, Control& control, InterruptCount& interrupts, const FollowWish& wish,
                             LiveRun* live, RunStatus& status) {
  Messages live_messages(live ? live->err() : session.world().err, true, session.messages().palette());
  Messages& messages = live ? live_messages : session.messages();
  const auto log = MakeLog(session, wish, live);
  std::optional<LiveLog> live_log;
  if (live) live_log.emplace(*log, *live);
  LogView& shown = live_log ? *live_log : *log;
  RunProgress progress(messages, shown,
                       {.each_task = wish.show_output,
                        .starts = !live,
                        .is_local = wish.is_local,
                        .also = live ? [live](const RunUpdate& update) { live->Learn(update); } : RunProgress::Also()});
  LiveInterrupts program(session.world().interrupts, live);
  const FollowParts parts{control, progress, shown, messages, interrupts, program};
  FollowOptions options;
  options.run = wish.run;
  options.author = session.world().user;
  options.logs = wish.show_output && session.format() != Format::kQuiet;
  options.timeout = wish.timeout;
  options.stop = wish.stop;
  options.retries = wish.retries;
  options.pause = session.world().retry_pause;
  auto end = Follow(parts, options);
  if (progress.begun()) status = progress.status();
  return end;
}

}  // namespace

Result<ExitCode> FollowStarted(Session& session, Control& control, InterruptCount& interrupts, const FollowWish& wish) {
  std::optional<LiveRun> live;
  if (wish.show_output && session.format() == Format::kText && CanShowLive(session.world()))
    live.emplace(session.world(), session.messages().palette());
  RunStatus status;
  auto end = FollowWith(session, control, interrupts, wish, live ? &*live : nullptr, status);
  live.reset();
  if (!end) return tl::unexpected<Error>(std::move(end).error());
  if (*end != FollowEnd::kFinished && wish.stop == FollowOptions::Stop::kFollowing) TellStopped(session, wish, *end);
  if (session.format() == Format::kJson) {
    CROMT_ASSIGN(const RunView view, control.GetRun(wish.run, session.world().user));
    session.output().ShowRun(view);
  }
  return CodeFor(*end, status);
}

}  // namespace cromt::cli
