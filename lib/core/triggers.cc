#include "core/triggers.h"

#include <fmt/format.h>

#include <utility>

#include "core/job_file.h"
#include "core/template.h"

namespace cromt {
namespace {

constexpr size_t kShownDigits = 12;
constexpr Duration kPostponed = seconds(30);

std::string Shown(const TriggerSet& row, const std::string& commit) {
  return fmt::format("commit {} of {}", commit.substr(0, kShownDigits), row.ref.empty() ? "HEAD" : row.ref);
}

}  // namespace

Result<WatchedRef> WatchedBy(const JobFile& file, const Project& project) {
  static const Variables kNone;
  TemplateFiller filler(project.set.vars ? *project.set.vars : kNone);
  auto ref = filler.FillWhole(project.source.ref);
  if (!ref) return Fail(fmt::format("{}: project '{}': branch", file.file, project.name), std::move(ref).error());
  return WatchedRef{project.source.repository, *std::move(ref)};
}

// ---- What is known ----------------------------------------------------------------------------

void Triggers::Restore(const std::vector<TriggerSet>& rows) {
  for (const TriggerSet& row : rows) {
    entries_[row.project].row = row;
    if (!row.waiting.empty()) waiting_.insert(row.project);
  }
}

void Triggers::Set(const std::string& project, uint64_t revision, std::shared_ptr<const PushTrigger> trigger,
                   const WatchedRef& ref, const std::string& server, Now now) {
  Entry& entry = entries_[project];
  const WatchedRef before = RefOf(entry);
  if (entry.row.project.empty() || before != ref) {
    Unwatch(entry, "the project watches another ref now", now);
    entry.row = {.project = project, .repository = ref.repository, .ref = ref.ref};
    Save(entry);
  }
  entry.revision = revision;
  entry.trigger = std::move(trigger);
  entry.server = server;
  watchers_[ref].insert(project);
  WatchAgain(ref, now);
}

// As often as the most impatient of its projects wants.
void Triggers::WatchAgain(const WatchedRef& ref, Now now) {
  auto watchers = watchers_.find(ref);
  if (watchers == watchers_.end()) return;
  if (watchers->second.empty()) {
    watchers_.erase(watchers);
    return polls_.Forget(ref);
  }
  std::optional<Duration> interval;
  bool hooked = false;
  for (const std::string& project : watchers->second) {
    const Entry& entry = entries_.at(project);
    const PushTrigger& trigger = *entry.trigger;
    hooked |= entry.row.hooked;
    if (trigger.poll) interval = interval ? std::min(*interval, trigger.interval) : trigger.interval;
  }
  polls_.Watch(ref, entries_.at(*watchers->second.begin()).server, interval, now.mono);
  if (hooked) polls_.Look(ref, now.mono);
}

void Triggers::Unwatch(Entry& entry, const std::string& why, Now now) {
  if (!entry.row.waiting.empty()) Settle(entry, {}, why, now);
  const WatchedRef ref = RefOf(entry);
  if (auto watchers = watchers_.find(ref); watchers != watchers_.end()) {
    watchers->second.erase(entry.row.project);
    WatchAgain(ref, now);
  }
}

void Triggers::Drop(const std::string& project, Now now) {
  auto found = entries_.find(project);
  if (found == entries_.end()) return;
  Unwatch(found->second, "the project watches nothing any more", now);
  entries_.erase(found);
  records_.push_back(TriggerDropped{project});
}

std::vector<std::string> Triggers::Projects() const {
  std::vector<std::string> projects;
  for (const auto& [project, entry] : entries_) projects.push_back(project);
  return projects;
}

std::map<std::string, PushState> Triggers::States() const {
  std::map<std::string, PushState> states;
  for (const auto& [project, entry] : entries_)
    states[project] = {entry.row.seen, entry.row.waiting, entry.postponed.empty() ? entry.trouble : entry.postponed};
  return states;
}

std::vector<Record> Triggers::TakeRecords() {
  return std::exchange(records_, {});
}

// ---- What comes -------------------------------------------------------------------------------

Status Triggers::Hooked(const std::string& project, Now now) {
  auto found = entries_.find(project);
  if (found == entries_.end() || !found->second.trigger)
    return Fail(ErrorCode::kNotFound, fmt::format("no push starts project '{}'", project));
  Entry& entry = found->second;
  if (!std::exchange(entry.row.hooked, true)) Save(entry);
  polls_.Look(RefOf(entry), now.mono);
  return {};
}

void Triggers::Looked(const WatchedRef& ref, const Result<std::string>& commit, Now now) {
  const bool silent =
      !commit && (commit.error().code == ErrorCode::kTimeout || commit.error().code == ErrorCode::kUnavailable);
  const auto end = commit ? Polls::End::kGood : silent ? Polls::End::kSilent : Polls::End::kRefused;
  const bool in_time = polls_.Ended(ref, end, now.mono);
  auto watchers = watchers_.find(ref);
  if (watchers == watchers_.end()) return;
  for (const std::string& project : watchers->second) {
    Entry& entry = entries_.at(project);
    entry.trouble = commit ? "" : commit.error().message;
    if (commit) News(entry, *commit, in_time && entry.row.hooked, now);
  }
}

// What others look for is nothing to a project that waits for its hooks.
void Triggers::News(Entry& entry, const std::string& commit, bool hooked, Now now) {
  if (!hooked && !entry.trigger->poll) return;
  TriggerSet& row = entry.row;
  if (commit == row.seen && !hooked) return;
  if (hooked) row.hooked = false;
  if (commit != row.seen && (hooked || !row.seen.empty())) {
    if (!row.waiting.empty()) Settle(entry, {}, fmt::format("{} came before it could start", Shown(row, commit)), now);
    row.waiting = commit;
    row.trigger = hooked ? Trigger::kHook : Trigger::kScm;
    row.since = now.wall;
    waiting_.insert(row.project);
  }
  row.seen = commit;
  Save(entry);
}

std::vector<DuePush> Triggers::Advance(const WhyPaused& paused, const Unfinished& unfinished, Now now) {
  std::vector<DuePush> due;
  const std::vector<std::string> projects(waiting_.begin(), waiting_.end());
  for (const std::string& project : projects) {
    Entry& entry = entries_.at(project);
    if (entry.planning || !entry.trigger || MustWait(entry, paused, unfinished, now)) continue;
    entry.planning = true;
    due.push_back({project, RefOf(entry), entry.row.waiting, entry.row.trigger});
  }
  return due;
}

// A pause keeps the newest commit for its end; so does a run, unless the file says that it is to be passed over.
bool Triggers::MustWait(Entry& entry, const WhyPaused& paused, const Unfinished& unfinished, Now now) {
  if (now.mono < entry.not_before || !paused(entry.row.project).empty()) return true;
  if (entry.trigger->overlap == Overlap::kAllow) return false;
  const auto run = unfinished(entry.row.project);
  if (run && entry.trigger->overlap == Overlap::kSkip)
    Settle(entry, {}, fmt::format("run {} has not finished", run->text()), now);
  return run.has_value();
}

// ---- What is settled --------------------------------------------------------------------------

bool Triggers::Expects(const DuePush& push) const {
  auto found = entries_.find(push.project);
  return found != entries_.end() && found->second.planning && found->second.row.waiting == push.commit &&
         RefOf(found->second) == push.ref;
}

bool Triggers::Wait(const DuePush& push, const WhyPaused& paused, const Unfinished& unfinished, Now now) {
  Entry& entry = entries_.at(push.project);
  if (!MustWait(entry, paused, unfinished, now)) return false;
  entry.planning = false;
  return true;
}

void Triggers::Lapsed(const DuePush& push) {
  entries_.at(push.project).planning = false;
}

void Triggers::Postponed(const DuePush& push, const std::string& why, Now now) {
  Entry& entry = entries_.at(push.project);
  entry.planning = false;
  entry.not_before = now.mono + kPostponed;
  entry.postponed = why;
}

void Triggers::Started(const DuePush& push, const RunId& run, Now now) {
  Settle(entries_.at(push.project), run, "", now);
}

void Triggers::Skipped(const DuePush& push, const std::string& why, Now now) {
  Settle(entries_.at(push.project), {}, why, now);
}

// What waited gets its line.
void Triggers::Settle(Entry& entry, const RunId& run, std::string why, Now now) {
  TriggerSet& row = entry.row;
  const std::string commit = std::exchange(row.waiting, "");
  waiting_.erase(row.project);
  entry.planning = false;
  entry.not_before = {};
  entry.postponed.clear();
  std::string what = Shown(row, commit);
  if (!why.empty()) what += ": " + why;
  records_.push_back(TickSettled{row.project, entry.revision, row.since, row.since, 1,
                                 run.empty() ? TickOutcome::kSkipped : TickOutcome::kStarted, run, std::move(what),
                                 now.wall});
  Save(entry);
}

}  // namespace cromt
