#include "tests/sim/commit_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/lease.h"

namespace cromt::sim {
namespace {

// Clocks run alike to within 8 %.
bool Early(Duration waited, Duration due) {
  return waited + milliseconds(2) < due * 9 / 10;
}

bool HasEnded(const TaskStatus& status) {
  return status.state == TaskState::kFinished;
}

// It, or something that it comes after, runs whether or not what comes before has succeeded.
bool CleansUp(const Plan& plan, InstanceIndex instance) {
  for (;;) {
    if (plan.instances[instance].when != When::kSuccess) return true;
    const auto parent = std::ranges::find_if(
        plan.instances, [&](const PlannedInstance& i) { return std::ranges::count(i.after, instance) > 0; });
    if (parent == plan.instances.end()) return false;
    instance = static_cast<InstanceIndex>(parent - plan.instances.begin());
  }
}

Duration RetryPause(const RetryPolicy& policy, uint32_t ended) {
  const double factor = std::pow(policy.backoff_permille / 1000.0, ended - 1);
  const double pause = static_cast<double>(policy.delay.count()) * factor;
  return Duration(static_cast<int64_t>(std::min(pause, static_cast<double>(Duration(kMaxRetryDelay).count()))));
}

// What a task may go over into.
bool MayFollow(TaskState before, TaskState after) {
  using S = TaskState;
  if (before == after || after == S::kFinished) return true;
  switch (before) {
    case S::kWaiting: return after == S::kReady;
    case S::kReady: return after == S::kLeased;
    case S::kRetryWait: return after == S::kReady;
    case S::kLeased:
      return after == S::kRunning || after == S::kStopping || after == S::kUnreachable || after == S::kReady ||
             after == S::kRetryWait;
    case S::kRunning:
      return after == S::kStopping || after == S::kUnreachable || after == S::kReady || after == S::kRetryWait;
    case S::kStopping: return after == S::kUnreachable;
    case S::kUnreachable: return after != S::kWaiting;
    default: return false;
  }
}

}  // namespace

const CommitCheck::RunOf* CommitCheck::Find(const RunId& run) const {
  auto found = runs_.find(run);
  return found == runs_.end() ? nullptr : &found->second;
}

// What has gone wrong once mostly does so again; others want to be heard, too.
void CommitCheck::Violation(const std::string& what) {
  constexpr int kEnough = 3;
  if (++told_ <= kEnough) ledger_.Violation(what);
}

// ---- What is committed ------------------------------------------------------------------------

void CommitCheck::See(std::span<const Record> records, uint64_t commit) {
  if (commit <= commit_) Violation(fmt::format("commit {} follows commit {}", commit, commit_));
  commit_ = commit;
  for (const Record& record : records) std::visit([this](const auto& r) { On(r); }, record);
}

void CommitCheck::On(const RunCreated& record) {
  CheckAlone(record.header);
  RunOf& run = runs_[record.header.id];
  run = {record.header, {}, record.plan, std::vector<Task>(record.plan->tasks.size())};
}

void CommitCheck::On(const RunPlanned& record) {
  if (auto run = runs_.find(record.run); run != runs_.end()) run->second.plan = record.plan;
}

void CommitCheck::On(const RunChanged& record) {
  auto run = runs_.find(record.run);
  if (run == runs_.end()) return Violation("run " + record.run.text() + " is changed and was not created");
  if (run->second.status.state == RunState::kFinished)
    Violation("run " + record.run.text() + " is changed, and has finished");
  run->second.status = record.status;
}

void CommitCheck::On(const TaskChanged& record) {
  auto found = runs_.find(record.run);
  if (found == runs_.end()) return Violation("a task of run " + record.run.text() + ", which was not created");
  RunOf& run = found->second;
  const Task& before = run.tasks.at(record.task);
  const AttemptId id{record.run, record.task, record.status.attempt};
  CheckChange(run, id, before.status, record.status);
  CheckTime(run, id, before, record.status);
  Update(run, record.task, record.status);
}

void CommitCheck::On(const AgentSeen& record) {
  seen_[record.agent] = record;
}

void CommitCheck::Update(RunOf& run, TaskIndex task, const TaskStatus& status) {
  Task& mine = run.tasks[task];
  const bool was_held = InFlight(mine.status.state);
  if (was_held && (!InFlight(status.state) || status.attempt != mine.status.attempt))
    mine.over[mine.status.attempt] = timeline_.now();
  const AttemptId id{run.header.id, task, status.attempt};
  if (!InFlight(status.state) || status.attempt != mine.status.attempt)
    unsent_stops_.erase({run.header.id, task, mine.status.attempt});
  else if (status.stop_wanted && !mine.status.stop_wanted)
    unsent_stops_[id] = timeline_.now();
  if (status.stop_wanted != mine.status.stop_wanted)
    mine.stop_since = status.stop_wanted ? std::optional(timeline_.now()) : std::nullopt;
  if (mine.status.state != status.state) mine.since = timeline_.now();
  mine.status = status;
  auto& ready = ready_[run.plan->host(task).address];
  if (status.state == TaskState::kReady)
    ready.insert({run.header.id, task});
  else
    ready.erase({run.header.id, task});
}

void CommitCheck::CheckChange(const RunOf& run, const AttemptId& id, const TaskStatus& before,
                              const TaskStatus& after) {
  auto violation = [&](const std::string& what) {
    Violation(fmt::format("{}, which is {}, {}", ToString(id), ToString(before.state), what));
  };
  if (!MayFollow(before.state, after.state)) violation(fmt::format("becomes {}", ToString(after.state)));
  if (HasEnded(before)) {
    TaskStatus same = after;
    same.ignored = before.ignored;  // those that may fail are too many
    if (same != before || after.ignored) violation("changes, and has finished");
  }
  if (after.state == TaskState::kFinished && !after.outcome) violation("ends as nothing");
  const bool in_silence = after.reason.find("silent") != std::string::npos || after.state == TaskState::kUnreachable;
  if (!went_back_.empty() && InFlight(before.state) && before.agent == proven_by_ && !InFlight(after.state) &&
      !in_silence)
    violation(fmt::format("becomes {}, and {}", ToString(after.state), went_back_));
  if (before.stop_wanted && !after.stop_wanted && !HasEnded(after)) violation("is not to be stopped any more");
  const bool leased = after.state == TaskState::kLeased && before.state == TaskState::kReady;
  if (leased) return CheckLease(run, id, before);
  // Its number may have been used up by a second coordinator, or by this one in what its store has lost.
  const AttemptId highest{id.run, id.task, after.attempt};
  const bool is_used_up = ledger_.WasLeasedBefore(highest) || ledger_.IsLeasedBySecond(highest);
  if (before.attempt != after.attempt && !(after.attempt > before.attempt && is_used_up))
    violation("gets another attempt without a lease");
}

void CommitCheck::CheckLease(const RunOf& run, const AttemptId& id, const TaskStatus& before) {
  if (const std::string& address = run.plan->host(id.task).address; drained_.contains(address))
    Violation(fmt::format("{} is leased at {}, which is out of service", ToString(id), address));
  if (id.attempt != before.attempt + 1)
    Violation(fmt::format("invariant 2: {} is leased after attempt {}", ToString(id), before.attempt));
  if (before.stop_wanted) Violation(ToString(id) + " is leased, and was to be stopped");
  const CancelWish cancel = run.status.cancel;
  const bool covered = cancel == CancelWish::kAll || (cancel == CancelWish::kAllButCleanups &&
                                                      !CleansUp(*run.plan, run.plan->tasks[id.task].instance));
  if (covered) Violation(ToString(id) + " is leased, and its run was to be stopped");
  if (drained_.contains(run.plan->host(id.task).address))
    Violation(ToString(id) + " is leased to an agent that is out of service");
  CheckTurn(run, id.task);
}

// Who came first is leased first; one that was given back, or is tried again, may go before those. A line of its own
// has each address; who has groups may wait in theirs.
void CommitCheck::CheckTurn(const RunOf& run, TaskIndex task) {
  const PlannedTask& planned = run.plan->tasks[task];
  const TaskStatus& status = run.tasks[task].status;
  const std::string& address = run.plan->host(task).address;
  const int32_t priority = run.plan->spec(task).priority;
  auto violation = [&](const Key& other, std::string_view why) {
    Violation(fmt::format("invariant 5: {}/{} is leased before {}/{}, {}", run.header.id.text(), task + 1,
                          other.first.text(), other.second + 1, why));
  };
  for (const auto& [at, waiting] : ready_)
    for (const Key& key : waiting) {
      if (key == Key(run.header.id, task)) continue;
      const RunOf& other = runs_.at(key.first);
      const PlannedTask& its = other.plan->tasks[key.second];
      const TaskStatus& waits = other.tasks[key.second].status;
      const bool came_first = waits.queued_at < status.queued_at && status.attempt == 0;
      if (its.groups.empty() && at == address) {
        const int32_t higher = other.plan->spec(key.second).priority;
        if (higher > priority) violation(key, "whose priority is higher");
        if (planned.groups.empty() && higher == priority && came_first) violation(key, "which came first");
      }
      if (its.groups.size() != 1 || planned.groups.size() != 1 || !came_first) continue;
      const PlannedGroup &lane = run.plan->groups[planned.groups[0]], &lane_of_it = other.plan->groups[its.groups[0]];
      if (lane.mesh_wide && lane_of_it.mesh_wide && lane.name == lane_of_it.name && lane.depth == 1)
        violation(key, "which came first in lane " + lane.name);
    }
}

void CommitCheck::CheckTime(const RunOf& run, const AttemptId& id, const Task& before, const TaskStatus& after) {
  const TaskSpec& spec = run.plan->spec(id.task);
  const Duration waited = timeline_.now() - before.since;
  auto early = [&](Duration is, Duration due, std::string_view what) {
    if (Early(is, due))
      Violation(
          fmt::format("{} {} after {}, and {} are due", ToString(id), what, FormatDuration(is), FormatDuration(due)));
  };
  const TaskStatus& was = before.status;
  if (was.state == TaskState::kRetryWait && after.state == TaskState::kReady && !clock_jumped_ && !ledger_.went_back())
    early(waited, RetryPause(spec.retry, was.tries + was.losses), "is tried again");
  const uint32_t tries = after.tries + after.losses;
  if (InFlight(was.state) && after.state == TaskState::kReady && tries > was.tries + was.losses)
    early(Duration(0), RetryPause(spec.retry, tries), "is tried again");
  if (was.state == TaskState::kReady && HasEnded(after) && after.reason.starts_with("no agent could be reached"))
    early(waited, spec.silence.unreachable, "is given up");
  const bool is_lost = InFlight(was.state) && !InFlight(after.state) && after.reason.starts_with("lost: ") &&
                       after.reason.find(" was silent for ") != std::string::npos;
  if (!is_lost) return;
  auto heard = heard_.find(was.agent);
  const Duration since = heard == heard_.end() ? Duration(0) : heard->second;
  early(timeline_.now() - since, std::max(spec.silence.lost, kShortestLost), "is called lost");
}

void CommitCheck::CheckAlone(const RunHeader& header) {
  const bool by_itself =
      header.trigger == Trigger::kCron || header.trigger == Trigger::kScm || header.trigger == Trigger::kHook;
  const Project* project = file_ ? file_->Find(header.project) : nullptr;
  if (!by_itself || !project) return;
  for (const std::string& scope : {header.project, std::string()})
    if (const auto pause = pauses_.find(scope);
        pause != pauses_.end() && (!pause->second.until || *pause->second.until > header.created_at))
      Violation(fmt::format("run {} of {} begins by itself, and {} paused", header.id.text(), header.project,
                            scope.empty() ? "all projects are" : "it is"));
  const Overlap overlap = project->schedule ? project->schedule->overlap : project->push->overlap;
  if (overlap == Overlap::kAllow) return;
  for (const auto& [id, run] : runs_)
    if (run.header.project == header.project && run.status.state != RunState::kFinished)
      Violation(fmt::format("run {} of {} begins while run {} has not finished", header.id.text(), header.project,
                            id.text()));
}

// ---- What is taken up -------------------------------------------------------------------------

void CommitCheck::TakeUp(const StoredState& state) {
  const bool as_committed = !doubt_ && !ledger_.went_back();
  if (as_committed) CheckTakenUp(state);
  doubt_ = false;
  kept_lanes_.clear();
  for (const LaneHeld& held : state.held) kept_lanes_.insert(held.id);
  taken_up_ = commit_ = state.commit;
  acked_.clear();
  went_back_.clear();
  proven_by_ = AgentId();
  pauses_.clear();
  for (const Paused& pause : state.pauses) pauses_[pause.project] = pause;
  files_ = FilesOf(state);
  sessions_.clear();
  for (const AgentSeen& seen : state.agents) seen_[seen.agent] = seen;
  drained_.clear();
  for (const AgentDrained& drained : state.drained) drained_[drained.address] = drained;
  if (as_committed) return;
  std::map<RunId, RunOf> before = std::exchange(runs_, {});
  unsent_stops_.clear();
  ready_.clear();
  for (const StoredRun& stored : state.runs) {
    RunOf& run = runs_[stored.header.id];
    run = {stored.header, stored.status, stored.plan, std::vector<Task>(stored.tasks.size())};
    if (auto known = before.find(stored.header.id); known != before.end()) run.tasks = known->second.tasks;
    for (TaskIndex task = 0; task < stored.tasks.size(); ++task) {
      const bool other = run.tasks[task].status.state != stored.tasks[task].state;
      Update(run, task, stored.tasks[task]);
      if (other) run.tasks[task].since = Duration(0);  // nobody knows since when
    }
  }
  for (auto& [id, run] : before)
    if (run.status.state == RunState::kFinished && !runs_.contains(id)) runs_.emplace(id, std::move(run));
}

std::map<std::string, CommitCheck::Applied> CommitCheck::FilesOf(const StoredState& state) {
  std::map<std::string, Applied> files;
  for (const StoredFile& file : state.files) files[file.file] = {file.revision, file.text};
  return files;
}

void CommitCheck::CheckTakenUp(const StoredState& state) {
  std::set<RunId> stored;
  for (const StoredRun& run : state.runs) {
    stored.insert(run.header.id);
    const RunOf* mine = Find(run.header.id);
    if (!mine || mine->status != run.status) {
      Violation("run " + run.header.id.text() + " is taken up otherwise than it was committed");
      continue;
    }
    for (TaskIndex task = 0; task < run.tasks.size(); ++task)
      if (mine->tasks[task].status != run.tasks[task])
        Violation(fmt::format("{}/{} is taken up otherwise than it was committed: {} and not {}", run.header.id.text(),
                              task + 1, ToString(run.tasks[task].state), ToString(mine->tasks[task].status.state)));
  }
  for (const auto& [id, run] : runs_)
    if (run.status.state != RunState::kFinished && !stored.contains(id))
      Violation("invariant 1: run " + id.text() + " has not finished and is not taken up");
  if (FilesOf(state) != files_) Violation("invariant 1: what was applied is taken up as something else");
}

// ---- What leaves ------------------------------------------------------------------------------

void CommitCheck::Greeted(LinkId link, const AgentHello& hello) {
  // It can know no more of this life than it was told.
  const uint64_t known = std::max(taken_up_, acked_[hello.agent]);
  if (hello.seen_epoch > epoch_ || (hello.seen_commit > known && !ledger_.second_is_heard())) {
    went_back_ = fmt::format("{} has seen commit {} of epoch {}, which is not in the store", hello.agent.text(),
                             hello.seen_commit, hello.seen_epoch);
    proven_by_ = hello.agent;
  }
  sessions_[link] = {hello.agent, hello.journal, timeline_.now()};
}

void CommitCheck::Heard(LinkId link) {
  if (auto session = sessions_.find(link); session != sessions_.end()) heard_[session->second.agent] = timeline_.now();
}

std::optional<Duration> CommitCheck::Over(const AttemptId& id) const {
  const RunOf* run = Find(id.run);
  if (!run || id.task >= run->tasks.size()) return std::nullopt;
  auto over = run->tasks[id.task].over.find(id.attempt);
  if (over == run->tasks[id.task].over.end()) return std::nullopt;
  return over->second;
}

void CommitCheck::Sent(LinkId link, const ToAgent& message) {
  for (const Lease& lease : message.leases) {
    const RunOf* run = Find(lease.id.run);
    if (!run || lease.id.task >= run->tasks.size() || run->tasks[lease.id.task].status.attempt < lease.id.attempt)
      Violation("the lease of " + ToString(lease.id) + " left before it was committed");
  }
  if (message.hello) epoch_ = message.hello->epoch;
  auto session = sessions_.find(link);
  if (session != sessions_.end()) {
    for (const Lease& lease : message.leases)
      if (session->second.stops.contains(lease.id))
        Violation(ToString(lease.id) + " is leased after it was told to stop");
    session->second.stops.insert(message.stops.begin(), message.stops.end());
  }
  if (message.ack && message.ack->commit > commit_)
    Violation(fmt::format("commit {} is acknowledged, and {} is the last", message.ack->commit, commit_));
  if (message.ack && message.ack->sequence > 0 && session != sessions_.end()) {
    auto seen = seen_.find(session->second.agent);
    const bool same = seen != seen_.end() && seen->second.journal == session->second.journal;
    if (!same || seen->second.applied_sequence < message.ack->sequence)
      Violation(fmt::format("report {} of {} was acknowledged before it was committed", message.ack->sequence,
                            session->second.agent.text()));
  }
  if (message.ack && session != sessions_.end())
    acked_[session->second.agent] = std::max(acked_[session->second.agent], message.ack->commit);
  for (const AttemptId& id : message.stops) unsent_stops_.erase(id);
  for (const Verdict& verdict : message.verdicts)
    if (verdict.kind != Verdict::Kind::kKeep) unsent_stops_.erase(verdict.id);
  for (const Lease& lease : message.leases) leased_at_[lease.id] = commit_;
  for (const Verdict& verdict : message.verdicts)
    if (const auto leased = leased_at_.find(verdict.id);
        verdict.kind == Verdict::Kind::kStop && leased != leased_at_.end() && leased->second <= taken_up_)
      ledger_.StopsWithoutProof(verdict.id);
  if (ledger_.went_back()) return;
  for (const AttemptId& id : message.stops)
    if (const RunOf* run = Find(id.run); !run || (!Over(id) && !run->tasks[id.task].status.stop_wanted))
      Violation(ToString(id) + " is told to stop, which nobody has committed");
  for (const Verdict& verdict : message.verdicts) {
    const std::optional<Duration> over = Over(verdict.id);
    const bool long_over = over && session != sessions_.end() && *over < session->second.begun;
    if (verdict.kind == Verdict::Kind::kKeep && (long_over || !Find(verdict.id.run)))
      Violation("invariant 2: " + ToString(verdict.id) + " is kept by a verdict, and is not current");
    const RunOf* run = Find(verdict.id.run);
    if (verdict.kind != Verdict::Kind::kKeep || !run || session == sessions_.end()) continue;
    const auto& stop = run->tasks[verdict.id.task].stop_since;
    if (stop && *stop < session->second.begun)
      Violation(ToString(verdict.id) + " is kept by a verdict, and was to be stopped before");
  }
}

void CommitCheck::Answered(const Event& event, const Result<RunId>& answer) {
  if (!answer) return;
  if (std::holds_alternative<StartRun>(event) && !Find(*answer) && !IsUnsure(*answer) && !ledger_.went_back())
    Violation("invariant 1: run " + answer->text() + " was acknowledged before it was committed");
  const auto* cancel = std::get_if<CancelRun>(&event);
  const RunOf* run = cancel ? Find(cancel->run) : nullptr;
  if (run && run->status.state != RunState::kFinished && run->status.cancel == CancelWish::kNone)
    Violation("the cancel of run " + cancel->run.text() + " was acknowledged before it was committed");
}

void CommitCheck::Answered(const ApplyAnswer& answer) {
  const bool known =
      std::ranges::any_of(files_, [&](const auto& file) { return file.second.revision >= answer.revision; });
  if (!known)
    Violation(fmt::format("invariant 1: revision {} was acknowledged before it was committed", answer.revision));
}

void CommitCheck::ProcessStarts(const AttemptId& id) {
  if (ledger_.went_back() || ledger_.second_is_heard()) return;
  if (const auto over = Over(id))
    Violation(fmt::format("invariant 2: {} begins {} after it was given up", ToString(id),
                          FormatDuration(timeline_.now() - *over)));
}

}  // namespace cromt::sim
