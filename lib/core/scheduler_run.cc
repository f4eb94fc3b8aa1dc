// Runs, gates and groups: what may start, and what an end means for the rest.
#include <fmt/format.h>

#include <algorithm>

#include "core/scheduler_state.h"

namespace cromt {
namespace {

GateResult ResultOf(const TaskStatus& status) {
  if (status.ignored) return GateResult::kOk;
  switch (*status.outcome) {
    case TaskOutcome::kSucceeded: return GateResult::kOk;
    case TaskOutcome::kStoppedEarly: return GateResult::kPruned;
    default: return GateResult::kFailed;
  }
}

std::string Where(const Run& run, TaskIndex task) {
  const TaskSpec& spec = run.plan->spec(task);
  const std::string& host = run.plan->host(task).id;
  return host.empty() ? fmt::format("'{}'", spec.project) : fmt::format("'{}' on {}", spec.project, host);
}

// What dependents are told of an ended task: "'db' on hostA failed: exit code 5".
std::string CauseOf(const Run& run, TaskIndex task) {
  const TaskStatus& status = run.tasks[task];
  if (*status.outcome == TaskOutcome::kStoppedEarly) return Where(run, task) + " requested an early end";
  std::string text = Where(run, task) + " " + std::string(ToString(*status.outcome));
  return status.reason.empty() ? text : text + ": " + status.reason;
}

// A failing pure gate hands on why; anything longer than this is cut, so that a chain can't grow a sentence.
constexpr size_t kMaxCause = 400;

void CutCause(std::string& text) {
  if (text.size() <= kMaxCause) return;
  size_t end = kMaxCause;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not within a UTF-8 sequence
  text.resize(end);
}

// What `ended` ended as is handed on to `waiting`, unless that knows of worse.
void Block(InstanceProgress& waiting, const InstanceProgress& ended) {
  if (waiting.unwanted || ended.result <= waiting.blocked) return;
  waiting.blocked = ended.result;
  waiting.blocked_by = ended.cause;
}

// Of a run that has succeeded all the same: who did not; "" if everybody did.
std::string AllowedText(const Run& run) {
  constexpr size_t kMostNamed = 5;
  std::string names;
  size_t count = 0;
  for (TaskIndex t = 0; t < run.tasks.size(); ++t) {
    if (!run.tasks[t].ignored || ++count > kMostNamed) continue;
    names += (names.empty() ? "" : ", ") + Where(run, t);
  }
  if (count == 0) return "";
  if (count > kMostNamed) names += fmt::format(" and {} more", count - kMostNamed);
  return fmt::format("without {}, as the job file allows", names);
}

bool SameTask(const TaskRef& a, const TaskRef& b) {
  return a.run == b.run && a.task == b.task;
}

// The first that still waits in this line; null if nobody does. Entries of tasks that have moved on are dropped.
const TaskRef* FirstOf(Group& group) {
  while (!group.line.empty()) {
    const TaskRef& first = group.line.front();
    if (first.run->tasks[first.task].state == TaskState::kReady) return &first;
    group.line.pop_front();  // canceled in the line
  }
  return nullptr;
}

// Before the next attempt when so many have failed or were lost.
Duration RetryDelay(const RetryPolicy& policy, uint32_t attempts) {
  double delay = static_cast<double>(policy.delay.count());
  for (uint32_t i = 1; i < attempts && delay > 0 && delay < static_cast<double>(kMaxRetryDelay.count()); ++i)
    delay *= policy.backoff_permille / 1000.0;
  return std::min(Duration(static_cast<int64_t>(delay)), Duration(kMaxRetryDelay));
}

}  // namespace

// By the wall clock, which may have jumped since: never longer than the whole pause.
Duration RetryWait(const RetryPolicy& policy, const TaskStatus& status, Wall now) {
  const Duration pause = RetryDelay(policy, status.tries + status.losses);
  return std::clamp<Duration>(status.retry_at.value_or(now) - now, Duration(0), pause);
}

void Scheduler::State::Changed(const TaskRef& ref) {
  out.records.push_back(TaskChanged{ref.run->header.id, ref.task, ref.run->tasks[ref.task]});
}

void Scheduler::State::Changed(const std::shared_ptr<Run>& run) {
  out.records.push_back(RunChanged{run->header.id, run->status});
}

std::shared_ptr<Run> Scheduler::State::Adopt(RunHeader header, RunStatus status, std::shared_ptr<const Plan> plan,
                                             std::vector<TaskStatus> tasks, std::vector<ArtifactsPublished> artifacts) {
  auto run = std::make_shared<Run>();
  run->header = std::move(header);
  run->status = std::move(status);
  run->plan = std::move(plan);
  run->tasks = std::move(tasks);
  for (ArtifactsPublished& published : artifacts) run->published.insert_or_assign(published.task, std::move(published));
  run->holds.resize(run->tasks.size());
  run->instances.resize(run->plan->instances.size());
  run->instances_left = static_cast<uint32_t>(run->instances.size());
  run->tasks_left = static_cast<uint32_t>(std::count_if(
      run->tasks.begin(), run->tasks.end(), [](const TaskStatus& t) { return t.state != TaskState::kFinished; }));
  for (InstanceIndex i = 0; i < run->instances.size(); ++i) {
    const PlannedInstance& planned = run->plan->instances[i];
    InstanceProgress& progress = run->instances[i];
    progress.unmet += static_cast<uint32_t>(planned.needs.size());
    progress.tasks_left = planned.task_count;
    progress.after_left = static_cast<uint32_t>(planned.after.size());
    for (InstanceIndex need : planned.needs) run->instances[need].dependents.push_back(i);
    for (InstanceIndex child : planned.after) {
      run->instances[child].after_of = i;
      ++run->instances[child].unmet;
    }
  }
  for (const PlannedGroup& planned : run->plan->groups) {
    run->groups.push_back(planned.mesh_wide ? LaneNamed(planned.name) : std::make_shared<Group>());
    run->groups.back()->depth = planned.depth;
  }
  run->bytes = BytesOf(*run->plan);
  bytes += run->bytes;
  most_bytes = std::max(most_bytes, run->bytes);
  runs.emplace(run->header.id, run);
  runs_of[run->header.project].push_back(run->header.id);
  requests.emplace(run->header.request, run->header.id);
  tasks_left += run->tasks_left;
  if (const auto& limit = run->plan->run_timeout; limit && !run->status.timed_out) {
    // By the wall clock, which may have jumped since: never longer than the whole of it.
    const Duration left = std::clamp<Duration>(run->header.created_at + *limit - now.wall, Duration(0), *limit);
    run_timers.insert({now.mono + left, run->header.id});
  }
  for (const TaskStatus& task : run->tasks) last_queued = std::max(last_queued, task.queued_at.value_or(Wall{}));
  return run;
}

std::shared_ptr<Group> Scheduler::State::LaneNamed(const std::string& name) {
  if (auto known = lanes.find(name); known != lanes.end())
    if (auto group = known->second.lock()) return group;
  auto group = std::make_shared<Group>();
  std::erase_if(lanes, [](const auto& lane) { return lane.second.expired(); });
  lanes[name] = group;
  return group;
}

void Scheduler::State::AskForSources(const std::shared_ptr<Run>& run) {
  std::vector<SourceWanted> wanted;
  for (const TaskSpec& spec : run->plan->specs)
    if (!spec.source.resolved()) wanted.push_back({spec.source.repository, spec.source.ref, spec.source.commit});
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  if (wanted.empty()) return Begin(run);
  out.effects.push_back(ResolveSources{run->header.id, std::move(wanted)});
}

// Opens what waits for nothing. After a restart the same steps run over tasks that have moved on already.
void Scheduler::State::Begin(const std::shared_ptr<Run>& run) {
  if (run->status.state == RunState::kQueued) {
    run->status.state = RunState::kRunning;
    run->status.started_at = now.wall;
    Changed(run);
  }
  for (InstanceIndex i = 0; i < run->instances.size(); ++i)
    if (run->instances[i].unmet == 0) opened.emplace_back(run, i);
  WorkOffGates();
  FinishRunIfDone(run);
}

void Scheduler::State::WorkOffGates() {
  while (!opened.empty()) {
    auto [run, instance] = std::move(opened.front());
    opened.pop_front();
    if (run->status.state == RunState::kFinished) continue;
    OpenGate(run, instance);
  }
}

void Scheduler::State::OpenGate(const std::shared_ptr<Run>& run, InstanceIndex instance) {
  const PlannedInstance& planned = run->plan->instances[instance];
  InstanceProgress& progress = run->instances[instance];
  progress.open = true;
  if (planned.task_count == 0) {
    progress.result = progress.unwanted ? GateResult::kOk : progress.blocked;
    progress.cause = progress.blocked_by;
    return TasksDone(run, instance);
  }
  for (TaskIndex t = planned.first_task; t < planned.first_task + planned.task_count; ++t) {
    TaskRef ref{run, t};
    if (run->tasks[t].state == TaskState::kFinished)
      AccountEnd(run, t);
    else if (run->tasks[t].state != TaskState::kWaiting)
      PlaceTask(ref);
    else if (progress.unwanted)
      EndTask(ref, TaskOutcome::kSkipped, progress.blocked_by);
    else if (IsCanceled(*run, instance))
      EndTask(ref, TaskOutcome::kCanceled, run->status.reason);
    else if (progress.blocked != GateResult::kOk)
      EndTask(ref, TaskOutcome::kSkipped, progress.blocked_by);
    else
      PlaceTask(ref);
  }
}

// A task whose gate is open gets ready, unless (restored) an agent has it already.
void Scheduler::State::PlaceTask(const TaskRef& ref) {
  TaskStatus& status = ref.run->tasks[ref.task];
  if (status.state == TaskState::kWaiting) {
    status.state = TaskState::kReady;
    status.queued_at = last_queued = std::max(now.wall, last_queued + Duration(1));
    Changed(ref);
  }
  if (status.state == TaskState::kRetryWait) return WaitForRetry(ref);
  if (status.state != TaskState::kReady) return;
  if (restored)
    restored->push_back(ref);
  else
    JoinGroups(ref);
}

// Restored: an agent has these attempts, or will say that it has not.
void Scheduler::State::ClaimInFlight(const std::shared_ptr<Run>& run) {
  for (TaskIndex task = 0; task < run->tasks.size(); ++task) {
    const TaskStatus& status = run->tasks[task];
    if (!InFlight(status.state)) continue;
    for (uint32_t g : run->plan->tasks[task].groups) run->groups[g]->Restore();
    run->holds[task] = true;
    auto agent = AgentOf(status.agent);
    Hold({run, task});
    if (auto route = RouteAt(run->plan->host(task).address); !route->agent) Bind(route, agent);
    SetTimer(agent);
  }
}

// In the order in which they became ready, over all runs.
void Scheduler::State::JoinRestored() {
  std::vector<TaskRef> ready = *std::exchange(restored, std::nullopt);
  auto queued_at = [](const TaskRef& ref) { return ref.run->tasks[ref.task].queued_at.value_or(Wall{}); };
  std::stable_sort(ready.begin(), ready.end(),
                   [&](const TaskRef& a, const TaskRef& b) { return queued_at(a) < queued_at(b); });
  for (const TaskRef& ref : ready) JoinGroups(ref);
}

// Tasks join all their lines at one moment, so the order is the same in each: whoever is first over all is first in
// each of its own, and no two tasks wait for each other.
void Scheduler::State::JoinGroups(const TaskRef& ref) {
  const auto& groups = ref.run->plan->tasks[ref.task].groups;
  if (groups.empty()) return Enqueue(ref);
  for (uint32_t g : groups) ref.run->groups[g]->line.push_back(ref);
  AdvanceGroups(ref);
}

// Lets pass whoever may, after something changed in this task's groups. Each that passes makes another one first in
// its lines, so those are looked at again.
void Scheduler::State::AdvanceGroups(const TaskRef& ref) {
  std::vector<Group*> changed;
  for (uint32_t g : ref.run->plan->tasks[ref.task].groups) changed.push_back(ref.run->groups[g].get());
  Advance(std::move(changed));
}

void Scheduler::State::Advance(std::vector<Group*> changed) {
  while (!changed.empty()) {
    Group& group = *changed.back();
    changed.pop_back();
    while (PassFirst(group, changed)) {
    }
  }
}

// Only who is first in each of its lines, and finds room in each of its groups, passes.
bool Scheduler::State::PassFirst(Group& group, std::vector<Group*>& changed) {
  const TaskRef* first = FirstOf(group);
  if (!first) return false;
  TaskRef ref = *first;
  const auto& mine = ref.run->plan->tasks[ref.task].groups;
  for (uint32_t g : mine) {
    Group& other = *ref.run->groups[g];
    const TaskRef* front = FirstOf(other);
    if (!front || !SameTask(*front, ref) || other.running >= other.depth) return false;
  }
  for (uint32_t g : mine) {
    Group& other = *ref.run->groups[g];
    other.line.pop_front();
    ++other.running;
    if (&other != &group) changed.push_back(&other);
  }
  ref.run->holds[ref.task] = true;
  Enqueue(ref);
  return true;
}

// Whether it held its place or still waited in the lines, those behind it may now move up.
void Scheduler::State::LeaveGroups(const TaskRef& ref) {
  const auto& mine = ref.run->plan->tasks[ref.task].groups;
  if (ref.run->holds[ref.task])
    for (uint32_t g : mine) ref.run->groups[g]->Leave();
  ref.run->holds[ref.task] = false;
  AdvanceGroups(ref);
}

// Whether a task that ends so counts as succeeded by its project's rules. Of those that `max_failures` allows, none is
// once there are more.
bool Scheduler::State::IsAllowed(const std::shared_ptr<Run>& run, TaskIndex task, TaskOutcome outcome) {
  if (!IsFailure(outcome)) return false;
  const InstanceIndex instance = run->plan->tasks[task].instance;
  const PlannedInstance& planned = run->plan->instances[instance];
  if (planned.ignore_failure) return true;
  const uint32_t before = run->instances[instance].failures;
  if (before < planned.max_failures) return true;
  if (before > planned.max_failures || before == 0) return false;
  for (TaskIndex t = planned.first_task; t < planned.first_task + planned.task_count; ++t) {
    TaskStatus& other = run->tasks[t];
    if (!other.outcome || !IsFailure(*other.outcome) || !other.ignored) continue;
    other.ignored = false;
    Changed(TaskRef{run, t});
  }
  return false;
}

// Ends a task for good, wherever it was. `allowed`: it counts as succeeded however it ended.
void Scheduler::State::EndTask(const TaskRef& ref, TaskOutcome outcome, std::string reason, bool allowed) {
  TaskStatus& status = ref.run->tasks[ref.task];
  LetGo(ref);
  status.state = TaskState::kFinished;
  status.outcome = outcome;
  status.reason = std::move(reason);
  status.ignored = allowed || IsAllowed(ref.run, ref.task, outcome);
  status.stop_wanted = false;
  status.retry_at.reset();
  if (!status.finished_at) status.finished_at = now.wall;
  Changed(ref);
  --ref.run->tasks_left;
  --tasks_left;
  LeaveGroups(ref);
  // Ended before its gate opened: the gate counts it when it does.
  if (ref.run->instances[ref.run->plan->tasks[ref.task].instance].open) AccountEnd(ref.run, ref.task);
}

// A known end of an attempt by itself: the task's, unless it has failed and may be tried again.
void Scheduler::State::EndTry(const TaskRef& ref, TaskOutcome outcome, std::string reason) {
  TaskStatus& status = ref.run->tasks[ref.task];
  const RetryPolicy& policy = ref.run->plan->spec(ref.task).retry;
  if (!IsFailure(outcome) || status.stop_wanted || status.tries >= policy.retries)
    return EndTask(ref, outcome, std::move(reason));
  ++status.tries;
  // An attempt that was lost is none of these tries.
  reason += fmt::format("; try {} of {} follows", status.tries + 1, policy.retries + 1);
  if (status.losses > 0) reason += fmt::format(", besides {} lost", status.losses);
  TryAgain(ref, std::move(reason), true);
}

// The attempt is over and counted, and another follows. Without a delay it keeps its place in its lines, if it may.
void Scheduler::State::TryAgain(const TaskRef& ref, std::string reason, bool keeps_place) {
  TaskStatus& status = ref.run->tasks[ref.task];
  LetGo(ref);
  const Duration delay = RetryDelay(ref.run->plan->spec(ref.task).retry, status.tries + status.losses);
  status.reason = std::move(reason);
  status.agent = {};
  status.journal = {};
  status.exit.reset();
  status.started_at.reset();
  status.finished_at.reset();
  status.log_bytes = 0;
  if (delay == Duration(0)) {
    status.state = TaskState::kReady;
    if (!keeps_place) status.queued_at = last_queued = std::max(now.wall, last_queued + Duration(1));
    Changed(ref);
    if (keeps_place) return Enqueue(ref);
    LeaveGroups(ref);
    return JoinGroups(ref);
  }
  status.state = TaskState::kRetryWait;
  status.retry_at = now.wall + delay;
  Changed(ref);
  LeaveGroups(ref);
  WaitForRetry(ref);
}

void Scheduler::State::WaitForRetry(const TaskRef& ref) {
  const Duration wait = RetryWait(ref.run->plan->spec(ref.task).retry, ref.run->tasks[ref.task], now.wall);
  retry_timers.insert({now.mono + wait, ref.run->header.id, ref.task});
}

void Scheduler::State::RetryDue(const RetryTimer& timer) {
  auto run = runs.find(timer.run);
  if (run == runs.end() || run->second->tasks[timer.task].state != TaskState::kRetryWait) return;
  TaskRef ref{run->second, timer.task};
  TaskStatus& status = ref.run->tasks[ref.task];
  status.state = TaskState::kReady;
  status.retry_at.reset();
  status.queued_at = last_queued = std::max(now.wall, last_queued + Duration(1));
  Changed(ref);
  JoinGroups(ref);
}

// Tells the task's instance that it has ended; once a task.
void Scheduler::State::AccountEnd(const std::shared_ptr<Run>& run, TaskIndex task) {
  const TaskStatus& status = run->tasks[task];
  InstanceIndex instance = run->plan->tasks[task].instance;
  InstanceProgress& progress = run->instances[instance];
  run->any_failed |= status.failed();
  progress.failures += IsFailure(*status.outcome);
  // A skipped task hands on what its instance was blocked by, with its severity.
  const bool was_blocked = *status.outcome == TaskOutcome::kSkipped && !status.ignored;
  GateResult result = was_blocked ? std::max(progress.blocked, GateResult::kPruned) : ResultOf(status);
  if (result > progress.result && !progress.unwanted) {
    progress.result = result;
    progress.cause = was_blocked ? status.reason : CauseOf(*run, task);
    CutCause(progress.cause);
  }
  if (--progress.tasks_left == 0) TasksDone(run, instance);
}

void Scheduler::State::TasksDone(const std::shared_ptr<Run>& run, InstanceIndex instance) {
  for (InstanceIndex child : run->plan->instances[instance].after) ReleaseAfter(run, instance, child);
  if (run->instances[instance].after_left == 0) InstanceDone(run, instance);
}

void Scheduler::State::InstanceDone(const std::shared_ptr<Run>& run, InstanceIndex instance) {
  // An after instance's end may be its parent's, and so on upwards: a loop, not recursion.
  for (std::optional<InstanceIndex> current = instance; current;) {
    InstanceProgress& progress = run->instances[*current];
    --run->instances_left;
    for (InstanceIndex dependent : progress.dependents) {
      Block(run->instances[dependent], progress);
      Met(run, dependent);
    }
    std::optional<InstanceIndex> parent = progress.after_of;
    if (!parent) break;
    InstanceProgress& above = run->instances[*parent];
    if (progress.result > above.result) {
      above.result = progress.result;
      above.cause = progress.cause;
    }
    current = --above.after_left == 0 ? parent : std::nullopt;
  }
  FinishRunIfDone(run);
}

// The tasks of `parent` have ended.
void Scheduler::State::ReleaseAfter(const std::shared_ptr<Run>& run, InstanceIndex parent, InstanceIndex child) {
  const InstanceProgress& ended = run->instances[parent];
  InstanceProgress& progress = run->instances[child];
  const When when = run->plan->instances[child].when;
  progress.is_cleanup = ended.is_cleanup || when != When::kSuccess;
  if (ended.unwanted || (when == When::kFailure && ended.result != GateResult::kFailed)) {
    progress.unwanted = true;
    progress.blocked_by = ended.unwanted
                              ? ended.blocked_by
                              : fmt::format("'{}' runs on failure only, and '{}' has not failed",
                                            run->plan->instances[child].project, run->plan->instances[parent].project);
  } else if (when == When::kSuccess) {
    Block(progress, ended);
  }
  Met(run, child);
}

// One thing less holds it back.
void Scheduler::State::Met(const std::shared_ptr<Run>& run, InstanceIndex waiting) {
  if (--run->instances[waiting].unmet == 0) opened.emplace_back(run, waiting);
}

void Scheduler::State::RequestStop(const TaskRef& ref, const std::string& reason) {
  TaskStatus& status = ref.run->tasks[ref.task];
  switch (status.state) {
    case TaskState::kFinished: return;
    case TaskState::kWaiting:
    case TaskState::kReady:
    case TaskState::kRetryWait: return EndTask(ref, TaskOutcome::kCanceled, reason);
    default: break;
  }
  if (status.stop_wanted) return;
  status.stop_wanted = true;
  if (status.state != TaskState::kUnreachable) status.state = TaskState::kStopping;
  status.reason = reason;
  Changed(ref);
  const KnownAgent& agent = *agents.at(status.agent);
  if (agent.up()) out.effects.push_back(SendStop{agent.via, {ref.run->header.id, ref.task, status.attempt}});
}

void Scheduler::State::FinishRunIfDone(const std::shared_ptr<Run>& run) {
  if (run->tasks_left > 0 || run->status.state == RunState::kFinished) return;
  // A run that is canceled before it began opens no gates.
  if (run->instances_left > 0 && run->status.state != RunState::kQueued) return;
  if (run->status.timed_out) return EndRun(run, RunOutcome::kTimedOut, run->status.reason);
  if (run->status.cancel != CancelWish::kNone) return EndRun(run, RunOutcome::kCanceled, run->status.reason);
  if (run->any_failed) return EndRun(run, RunOutcome::kFailed, "");
  EndRun(run, RunOutcome::kSucceeded, AllowedText(*run));
}

// Stops what has not ended as far as the wish says.
void Scheduler::State::StopRun(const std::shared_ptr<Run>& run, CancelWish wish, const std::string& reason) {
  if (run->status.cancel == CancelWish::kNone) run->status.reason = reason;
  run->status.cancel = wish;
  Changed(run);
  for (TaskIndex task = 0; task < run->tasks.size(); ++task) {
    // Of what waits for its gate, the gate decides when it opens.
    bool has_gate = run->tasks[task].state == TaskState::kWaiting && run->status.state == RunState::kRunning;
    if (!has_gate && IsCanceled(*run, run->plan->tasks[task].instance)) RequestStop({run, task}, reason);
  }
  FinishRunIfDone(run);
}

void Scheduler::State::RunTimedOut(const std::shared_ptr<Run>& run) {
  if (run->status.cancel != CancelWish::kNone) return;
  run->status.timed_out = true;
  StopRun(run, CancelWish::kAllButCleanups,
          fmt::format("the run took longer than its run_timeout of {}", FormatDuration(*run->plan->run_timeout)));
}

// The run never begins: its sources can't be had.
void Scheduler::State::EndUnstarted(const std::shared_ptr<Run>& run, const std::string& reason) {
  for (TaskIndex task = 0; task < run->tasks.size(); ++task)
    if (run->tasks[task].state != TaskState::kFinished) EndTask({run, task}, TaskOutcome::kSkipped, reason);
  EndRun(run, RunOutcome::kFailed, reason);
}

void Scheduler::State::EndRun(const std::shared_ptr<Run>& run, RunOutcome outcome, std::string reason) {
  run->status.state = RunState::kFinished;
  run->status.outcome = outcome;
  run->status.reason = std::move(reason);
  run->status.finished_at = now.wall;
  Changed(run);
  requests.erase(run->header.request);
  bytes -= run->bytes;
  auto same = runs_of.find(run->header.project);
  std::erase(same->second, run->header.id);
  if (same->second.empty()) runs_of.erase(same);
  runs.erase(run->header.id);  // the last: `run` may be what stands there
}

}  // namespace cromt
