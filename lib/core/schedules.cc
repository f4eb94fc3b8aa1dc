#include "core/schedules.h"

#include <fmt/format.h>

#include <utility>

#include "core/ticks.h"

namespace cromt {
namespace {

constexpr char kNoCoordinator[] = "no coordinator was running then";

// Ticks are whole seconds.
Wall Seconds(Wall t) {
  return std::chrono::floor<seconds>(t);
}

}  // namespace

std::string_view ToString(CatchUp catch_up) {
  return catch_up == CatchUp::kLast ? "last" : "none";
}

std::string_view ToString(Overlap overlap) {
  if (overlap == Overlap::kQueue) return "queue";
  return overlap == Overlap::kSkip ? "skip" : "allow";
}

std::string_view ToString(TickOutcome outcome) {
  if (outcome == TickOutcome::kMissed) return "missed";
  return outcome == TickOutcome::kStarted ? "started" : "skipped";
}

std::optional<TickOutcome> TickOutcomeFrom(std::string_view word) {
  for (TickOutcome outcome : {TickOutcome::kStarted, TickOutcome::kSkipped, TickOutcome::kMissed})
    if (word == ToString(outcome)) return outcome;
  return std::nullopt;
}

RequestId RequestOf(const DueTick& tick) {
  return RequestId(fmt::format("tick/{}/{}/{}", tick.project, tick.revision, Micros(tick.at)));
}

// ---- What is known ----------------------------------------------------------------------------

void Schedules::Restore(const std::vector<ScheduleSet>& schedules, const std::vector<Paused>& pauses, std::string boot,
                        Wall since) {
  boot_ = std::move(boot);
  since_ = last_ = since;
  for (const ScheduleSet& row : schedules) {
    entries_[row.project].row = row;
    if (row.waiting) waiting_.insert(row.project);
  }
  for (const Paused& pause : pauses) pauses_[pause.project] = pause;
}

void Schedules::Set(const std::string& project, uint64_t revision, std::shared_ptr<const Schedule> schedule,
                    const Result<std::shared_ptr<const Zone>>& zone, Wall now) {
  Entry& entry = entries_[project];
  if (entry.row.ticks != schedule->Ticks()) {
    LetGo(entry, "its schedule was changed", now);
    entry.row = {project, revision, schedule->Ticks(), Seconds(now), boot_, {}};
    Save(entry);
  }
  entry.splay = SplayOf(project, schedule->splay);
  entry.schedule = std::move(schedule);
  entry.zone = zone ? *zone : nullptr;
  if (entry.row.handled > now + kPutBack) {  // the clock was put back while nobody looked
    entry.row.handled = Seconds(now);
    Save(entry);
  }
  LineUp(project, entry, now);
}

void Schedules::Drop(const std::string& project) {
  auto found = entries_.find(project);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  LetGo(entry, "the project has no schedule any more", last_);
  Line(project, entry, std::nullopt);
  entries_.erase(found);
  records_.push_back(ScheduleDropped{project});
}

// What is planned or waits gets its line now: nobody expects an answer any more.
void Schedules::LetGo(Entry& entry, const std::string& why, Wall now) {
  const auto planning = std::exchange(entry.planning, std::nullopt);
  const auto waiting = std::exchange(entry.row.waiting, std::nullopt);
  waiting_.erase(entry.row.project);
  if (waiting) Settle({entry.row.project, entry.row.revision, *waiting}, TickOutcome::kSkipped, {}, why, now);
  if (planning && planning != waiting)
    Settle({entry.row.project, entry.row.revision, *planning}, TickOutcome::kSkipped, {}, why, now);
}

std::vector<std::string> Schedules::Projects() const {
  std::vector<std::string> projects;
  for (const auto& [project, entry] : entries_) projects.push_back(project);
  return projects;
}

void Schedules::Pause(Paused pause) {
  records_.push_back(pause);
  std::string project = pause.project;
  pauses_.insert_or_assign(std::move(project), std::move(pause));
}

bool Schedules::Unpause(const std::string& project, Wall now) {
  auto found = pauses_.find(project);
  if (found == pauses_.end()) return false;
  const bool was = !found->second.until || *found->second.until > now;
  pauses_.erase(found);
  records_.push_back(Unpaused{project});
  return was;
}

std::string Schedules::WhyPaused(const std::string& project, Wall now) const {
  for (const std::string& scope : {project, std::string()}) {
    auto pause = pauses_.find(scope);
    if (pause == pauses_.end() || (pause->second.until && *pause->second.until <= now)) continue;
    const std::string& why = pause->second.why;
    return fmt::format("{} by {}{}{}", scope.empty() ? "all projects were paused" : "paused", pause->second.author,
                       why.empty() ? "" : ": ", why);
  }
  return "";
}

std::vector<Record> Schedules::TakeRecords() {
  return std::exchange(records_, {});
}

// ---- What is due ------------------------------------------------------------------------------

std::optional<Wall> Schedules::NextDue() const {
  if (line_.empty()) return std::nullopt;
  return line_.begin()->first;
}

void Schedules::Line(const std::string& project, Entry& entry, std::optional<Wall> due) {
  if (entry.due) line_.erase({*entry.due, project});
  entry.due = due;
  if (due) line_.emplace(*due, project);
}

// Gives it its place in the line.
void Schedules::LineUp(const std::string& project, Entry& entry, Wall now) {
  std::optional<Wall> due;
  if (!entry.planning && entry.schedule && entry.schedule->cron.at_boot) {
    if (entry.row.boot != boot_) due = Seconds(now) + entry.splay;
  } else if (!entry.planning && entry.schedule && entry.zone) {
    due = NextTick(entry.schedule->cron, *entry.zone, entry.row.handled);
    if (due) *due += entry.splay;
  }
  Line(project, entry, due);
}

std::vector<DueTick> Schedules::Advance(Wall now, const Unfinished& unfinished, const std::string& why_late) {
  if (now + kPutBack < last_) BeginAnew(now);
  last_ = now;
  std::vector<DueTick> due;
  std::vector<std::string> projects(waiting_.begin(), waiting_.end());
  for (const std::string& project : projects) {
    Entry& entry = entries_.at(project);
    if (entry.planning || unfinished(project)) continue;
    entry.planning = entry.row.waiting;
    Line(project, entry, std::nullopt);
    due.push_back({project, entry.row.revision, *entry.row.waiting});
  }
  projects.clear();
  for (auto next = line_.begin(); next != line_.end() && next->first <= now; ++next) projects.push_back(next->second);
  for (const std::string& project : projects) {
    Entry& entry = entries_.at(project);
    if (auto tick = Take(entry, now, unfinished, why_late)) due.push_back(std::move(*tick));
    LineUp(project, entry, now);
  }
  return due;
}

// What of this project is due. It settles all of it but the tick that it gives.
std::optional<DueTick> Schedules::Take(Entry& entry, Wall now, const Unfinished& unfinished,
                                       const std::string& why_late) {
  if (entry.schedule->cron.at_boot) return Begin(entry, Seconds(now), now, unfinished);
  const CronSchedule& cron = entry.schedule->cron;
  TickRange ticks = TicksWithin(cron, *entry.zone, entry.row.handled, Seconds(now) - entry.splay);
  if (ticks.count == 0) return std::nullopt;
  const Wall last = ticks.last;
  const bool late = now - (last + entry.splay) > kInTime;
  const bool start = !late || entry.schedule->catch_up == CatchUp::kLast;
  if (start && --ticks.count > 0) ticks.last = LastTick(cron, *entry.zone, last - seconds(1)).value_or(ticks.first);
  if (ticks.count > 0) {
    Miss(entry, ticks, ticks.first < since_ ? kNoCoordinator : why_late, now);
    entry.row.handled = ticks.last;
    Save(entry);
  }
  return start ? Begin(entry, last, now, unfinished) : std::nullopt;
}

void Schedules::Miss(const Entry& entry, const TickRange& missed, const std::string& why, Wall now) {
  TickSettled line{entry.row.project,
                   entry.row.revision,
                   missed.first,
                   missed.last,
                   missed.count,
                   TickOutcome::kMissed,
                   {},
                   why,
                   now};
  if (missed.count > kMissedLines) return records_.push_back(std::move(line));
  line.count = 1;
  for (std::optional<Wall> tick = missed.first; tick && *tick <= missed.last;
       tick = NextTick(entry.schedule->cron, *entry.zone, *tick)) {
    line.first = line.last = *tick;
    records_.push_back(line);
  }
}

// A tick that is due: it is planned, or waits, or is skipped.
std::optional<DueTick> Schedules::Begin(Entry& entry, Wall tick, Wall now, const Unfinished& unfinished) {
  DueTick due{entry.row.project, entry.row.revision, tick};
  if (Wait(due, now, unfinished)) return std::nullopt;
  if (const std::string why = Refusal(due, now, unfinished); !why.empty()) {
    Skipped(due, why, now);
    return std::nullopt;
  }
  entry.planning = tick;
  return due;
}

bool Schedules::Wait(const DueTick& tick, Wall now, const Unfinished& unfinished) {
  Entry& entry = entries_.at(tick.project);
  if (entry.schedule->overlap != Overlap::kQueue || !WhyPaused(tick.project, now).empty()) return false;
  if ((entry.row.waiting && *entry.row.waiting != tick.at) || !unfinished(tick.project)) return false;
  entry.planning.reset();
  entry.row.waiting = tick.at;
  waiting_.insert(tick.project);
  Handled(entry, tick.at, now);
  return true;
}

std::string Schedules::Refusal(const DueTick& tick, Wall now, const Unfinished& unfinished) const {
  if (std::string why = WhyPaused(tick.project, now); !why.empty()) return why;
  const Entry& entry = entries_.at(tick.project);
  if (entry.row.waiting && *entry.row.waiting != tick.at) return "an earlier tick waits already";
  if (entry.schedule->overlap == Overlap::kAllow) return "";
  const auto run = unfinished(tick.project);
  return run ? fmt::format("run {} has not finished", run->text()) : "";
}

bool Schedules::Expects(const DueTick& tick) const {
  auto found = entries_.find(tick.project);
  return found != entries_.end() && found->second.row.revision == tick.revision && found->second.planning == tick.at;
}

void Schedules::Lapsed(const DueTick& tick) {
  Entry& entry = entries_.at(tick.project);
  entry.planning.reset();
  LineUp(tick.project, entry, last_);
}

void Schedules::Started(const DueTick& tick, const RunId& run, Wall now) {
  Settle(tick, TickOutcome::kStarted, run, "", now);
  Settled(tick, now);
}

void Schedules::Skipped(const DueTick& tick, const std::string& why, Wall now) {
  Settle(tick, TickOutcome::kSkipped, {}, why, now);
  Settled(tick, now);
}

void Schedules::Settle(const DueTick& tick, TickOutcome outcome, const RunId& run, std::string why, Wall now) {
  records_.push_back(TickSettled{tick.project, tick.revision, tick.at, tick.at, 1, outcome, run, std::move(why), now});
}

// Its line is written: the schedule goes on behind it.
void Schedules::Settled(const DueTick& tick, Wall now) {
  Entry& entry = entries_.at(tick.project);
  entry.planning.reset();
  if (entry.row.waiting == tick.at) {
    entry.row.waiting.reset();
    waiting_.erase(tick.project);
  }
  Handled(entry, tick.at, now);
}

void Schedules::Handled(Entry& entry, Wall tick, Wall now) {
  if (tick <= now + kPutBack) entry.row.handled = std::max(entry.row.handled, tick);  // else the clock was put back
  entry.row.boot = boot_;
  Save(entry);
  LineUp(entry.row.project, entry, now);
}

// Nothing waits for years until the clock is there again.
void Schedules::BeginAnew(Wall now) {
  for (auto& [project, entry] : entries_) {
    if (entry.row.handled <= now && (!entry.planning || *entry.planning <= now)) continue;
    entry.planning.reset();
    entry.row.handled = std::min(entry.row.handled, Seconds(now));
    Save(entry);
    LineUp(project, entry, now);
  }
}

}  // namespace cromt
