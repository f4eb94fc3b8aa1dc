"""What starts by itself: schedules, pushes, hooks and pauses."""

from mutation import Mutation

SCHEDULES = "lib/core/schedules.cc"
TRIGGERS = "lib/core/triggers.cc"
POLLS = "lib/core/polls.cc"
STARTS = "coordinator/engine_starts.cc"

MUTATIONS = [
    Mutation("tick-is-not-handled", "That a tick has started its run is not kept in mind.", SCHEDULES,
             "entry.row.handled = std::max(entry.row.handled, tick);", "entry.row.handled = std::max(entry.row.handled, tick - seconds(60));", 20),
    Mutation("clock-the-wrong-way", "A tick counts as handled only if the clock was put back.", SCHEDULES,
             "  if (tick <= now + kPutBack) entry.row.handled", "  if (tick > now + kPutBack) entry.row.handled", 20),
    Mutation("pause-is-not-heeded", "What is paused starts all the same.", SCHEDULES,
             "    if (pause == pauses_.end() || (pause", "    if (pause != pauses_.end() || (pause", 10),
    Mutation("overlap-is-not-heeded", "A tick whose project is to run alone starts beside the run before.", SCHEDULES,
             "  if (entry.schedule->overlap == Overlap::kAllow) return \"\";", "  if (entry.schedule->overlap != Overlap::kSkip) return \"\";\n  if (entry.schedule->cron.minutes != 0) return \"\";", 100),
    Mutation("all-ticks-are-one", "All ticks of a project are one request.", SCHEDULES,
             "fmt::format(\"tick/{}/{}/{}\", tick.project, tick.revision, Micros(tick.at))", "fmt::format(\"tick/{}/{}\", tick.project, tick.revision)", 20),
    Mutation("line-without-a-tick", "A tick that is skipped gets no line.", SCHEDULES,
             "  Settle(tick, TickOutcome::kSkipped, {}, why, now);\n  Settled(tick, now);", "  (void)why;\n  Settled(tick, now);", 200),
    Mutation("splay-is-forgotten", "A project's ticks come without its splay, and nothing is due then.", SCHEDULES,
             "    if (due) *due += entry.splay;\n", "", 10),
    Mutation("gap-is-many-lines", "However many ticks were missed, each gets a line.", SCHEDULES,
             "  if (missed.count > kMissedLines) return", "  if (missed.count > 100 * kMissedLines) return", 200),
    Mutation("few-ticks-are-a-gap", "Two ticks that were missed are told of as one.", SCHEDULES,
             "  if (missed.count > kMissedLines) return", "  if (missed.count > 1) return", 100),
    Mutation("gap-of-one-more", "The line of a gap tells of a tick more than was missed.", SCHEDULES,
             "                   missed.count,", "                   missed.count + 1,", 200),
    Mutation("schedules-begin-anew", "A coordinator that comes up knows of no tick before.", SCHEDULES,
             "  for (const ScheduleSet& row : schedules) {\n", "  for (const ScheduleSet& row : schedules) {\n    if (!row.waiting) continue;\n", 300),
    Mutation("commit-is-new-again", "A commit is new each time that somebody looks.", TRIGGERS,
             "  row.seen = commit;\n  Save(entry);", "  Save(entry);", 20),
    Mutation("push-starts-twice", "The commit that has started a run still waits.", TRIGGERS,
             "const std::string commit = std::exchange(row.waiting, \"\");", "const std::string commit = run.empty() ? std::exchange(row.waiting, \"\") : row.waiting;", 20),
    Mutation("first-sight-starts", "What a ref names when it is first seen starts a run.", TRIGGERS,
             "if (commit != row.seen && (hooked || !row.seen.empty())) {", "if (commit != row.seen) {", 100),
    Mutation("push-beside-its-run", "A push whose project is to run alone starts beside the run before.", TRIGGERS,
             "  return run.has_value();\n", "  return run.has_value() && entry.trigger->overlap == Overlap::kSkip;\n", 100),
    Mutation("pushes-are-forgotten", "A coordinator that comes up has seen no commit.", TRIGGERS,
             "    entries_[row.project].row = row;\n", "    entries_[row.project].row = row;\n    entries_[row.project].row.seen.clear();\n", 300),
    Mutation("no-look-after-a-failure", "A ref is not looked at again when that has failed once.", POLLS,
             "  if (entry.failures == 0 && !entry.interval) return std::nullopt;", "  if (entry.failures > 0 || !entry.interval) return std::nullopt;", 100),
    Mutation("hook-in-mid-look-is-lost", "A hook that comes while somebody looks is forgotten.", POLLS,
             "  const bool again = std::exchange(entry.again, false);", "  const bool again = std::exchange(entry.again, false) && entry.failures > 1;", 2000),
    Mutation("tick-of-a-paused-one", "A tick that was planned when its project was paused starts.", STARTS,
             "  std::string why = schedules_.Refusal(tick, now_.wall, Unfinished());", "  std::string why;", 60),
    Mutation("records-of-starts-are-dropped", "What is known of schedules is in no commit.", STARTS,
             "  for (Record& record : schedules_.TakeRecords()) records_.push_back(std::move(record));\n", "  (void)schedules_.TakeRecords();\n", 20),
]
