#include "coordinator/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "coordinator/store/stamp.h"

namespace cromt {
namespace {

constexpr char kReason[] = "lost: store restored";
// Far more than there are between any backup and now.
constexpr uint64_t kMostEpochs = (uint64_t{1} << 20) * kMostEpochStep;
constexpr uint64_t kMostCommits = uint64_t{1} << 44;
constexpr uint64_t kMostAttempts = 1'000'000;  // of one task

struct Found {
  const InspectedAgent* agent = nullptr;
  InventoryItem item;
};

// A task of an unfinished run and what an agent has of it; null if none has.
class TaskRecovery {
 public:
  TaskRecovery(AttemptId id, TaskStatus status, const Found* found, Wall now)
      : id_(std::move(id)), status_(std::move(status)), found_(found), now_(now) {}

  // Where it stands then.
  TaskStatus Decide(Recovery& out) {
    if (found_ && Fits()) {
      if (!Known()) Adopt(out);
    } else if (InFlight(status_.state)) {
      Lose(out);
    }
    return status_;
  }
  // It may be that attempt: its gate was open, and neither was a later attempt made nor this one's end taken up, which
  // would not be said again.
  bool Fits() const {
    if (status_.state == TaskState::kWaiting || status_.state == TaskState::kFinished) return false;
    return found_->item.id.attempt >= status_.attempt + (InFlight(status_.state) ? 0 : 1);
  }

 private:
  bool Known() const {
    return InFlight(status_.state) && status_.attempt == found_->item.id.attempt &&
           status_.agent == found_->agent->hello.agent;
  }
  void Adopt(Recovery& out) {
    const bool begun = found_->item.phase != InventoryItem::Phase::kLeased;
    status_.attempt = found_->item.id.attempt;
    status_.agent = found_->agent->hello.agent;
    status_.journal = found_->agent->hello.journal;
    // Who wished that it stops meant the task, whichever attempt of it goes on.
    status_.state = status_.stop_wanted ? TaskState::kStopping : begun ? TaskState::kRunning : TaskState::kLeased;
    if (begun && !status_.started_at) status_.started_at = now_;  // what the agent says later is better
    if (!status_.stop_wanted) status_.reason.clear();
    status_.retry_at.reset();
    out.adopted.push_back(found_->item.id);
  }
  void Lose(Recovery& out) {
    status_.state = TaskState::kFinished;
    status_.outcome = TaskOutcome::kLost;
    status_.reason = kReason;
    status_.finished_at = now_;
    out.lost.push_back({id_.run, id_.task, status_.attempt});
  }

  const AttemptId id_;
  TaskStatus status_;
  const Found* found_;
  const Wall now_;
};

// Whether the agent may have been leased this attempt of the run.
bool MayHave(const InspectedAgent& agent, const StoredRun& run, const AttemptId& id) {
  if (id.task >= run.tasks.size()) return false;
  const TaskStatus& task = run.tasks[id.task];
  if (id.attempt > uint64_t{task.attempt} + kMostAttempts) return false;
  return task.agent == agent.hello.agent ||
         std::ranges::find(agent.addresses, run.plan->host(id.task).address) != agent.addresses.end();
}

// The newest attempt of each task that its agent has; the others in `rest`.
std::map<std::pair<RunId, TaskIndex>, Found> Newest(const StoredState& state, std::span<const InspectedAgent> agents,
                                                    std::vector<Found>& rest) {
  std::map<RunId, const StoredRun*> runs;
  for (const StoredRun& run : state.runs) runs.emplace(run.header.id, &run);
  std::map<std::pair<RunId, TaskIndex>, Found> newest;
  for (const InspectedAgent& agent : agents) {
    for (const InventoryItem& item : agent.inventory) {
      Found other{&agent, item};
      const auto run = runs.find(item.id.run);
      if (run == runs.end() || !MayHave(agent, *run->second, item.id)) {
        rest.push_back(std::move(other));
        continue;
      }
      Found& found = newest[{item.id.run, item.id.task}];
      if (!found.agent || found.item.id.attempt < item.id.attempt) std::swap(found, other);
      if (other.agent) rest.push_back(std::move(other));
    }
  }
  return newest;
}

// What counts as succeeded though it was lost is decided as the scheduler does it when a task ends.
void Forgive(const Plan& plan, std::vector<TaskStatus>& tasks) {
  auto failed = [](const TaskStatus& task) { return task.outcome && IsFailure(*task.outcome); };
  for (const PlannedInstance& instance : plan.instances) {
    const std::span all(tasks.begin() + instance.first_task, instance.task_count);
    if (std::ranges::none_of(all, [](const TaskStatus& task) { return task.reason == kReason; })) continue;
    const bool allowed = instance.ignore_failure || std::ranges::count_if(all, failed) <= instance.max_failures;
    for (TaskStatus& task : all)
      if (failed(task)) task.ignored = allowed;
  }
}

// The output that is there by a task's next number is of an attempt that the store has lost, and would be taken for its
// own.
void PassOver(const std::map<TaskIndex, uint32_t>& attempts, std::vector<TaskStatus>& tasks) {
  for (const auto& [task, attempt] : attempts)
    if (task < tasks.size() && tasks[task].state != TaskState::kFinished && !InFlight(tasks[task].state))
      tasks[task].attempt = std::max(tasks[task].attempt, attempt);
}

// Reports that were acknowledged are not said again, though this store has not applied them.
void TakeUpReports(const StoredState& state, const InspectedAgent& agent, Recovery& out) {
  AgentSeen seen{agent.hello.agent, agent.hello.journal, agent.addresses.front(), 0, agent.hello.labels};
  for (const AgentSeen& before : state.agents)
    if (before.agent == seen.agent && before.journal == seen.journal) seen.applied_sequence = before.applied_sequence;
  seen.applied_sequence = std::max(seen.applied_sequence, agent.hello.acked_sequence);
  out.records.push_back(std::move(seen));
}

// What ticks since then have started, this store does not know: none of them starts anything now.
void LeaveTicks(ScheduleSet schedule, Wall now, Recovery& out) {
  const Wall until = std::chrono::floor<seconds>(now);
  if (schedule.handled < until)
    out.records.push_back(TickSettled{.project = schedule.project,
                                      .revision = schedule.revision,
                                      .first = schedule.handled,
                                      .last = until,
                                      .count = 0,
                                      .outcome = TickOutcome::kMissed,
                                      .run = {},
                                      .why = "the store was restored, and what started then is not known",
                                      .at = now});
  schedule.handled = std::max(schedule.handled, until);  // the clock may have been put back
  schedule.waiting.reset();
  out.records.push_back(std::move(schedule));
}

// Nor which pushes: what a ref names when it is looked at next starts nothing.
void LeavePushes(TriggerSet trigger, Wall now, Recovery& out) {
  if (!trigger.waiting.empty())
    out.records.push_back(TickSettled{
        .project = trigger.project,
        .revision = 0,
        .first = trigger.since,
        .last = trigger.since,
        .outcome = TickOutcome::kSkipped,
        .run = {},
        .why = "the store was restored, and whether the push of " + trigger.waiting + " has started a run is not known",
        .at = now});
  trigger.seen.clear();
  trigger.waiting.clear();
  trigger.hooked = false;
  out.records.push_back(std::move(trigger));
}

}  // namespace

Status CheckSeen(const AgentHello& hello, uint64_t epoch, uint64_t commit) {
  if (hello.seen_epoch <= epoch + kMostEpochs && hello.seen_commit <= commit + kMostCommits &&
      hello.acked_sequence <= kMostCommits)
    return {};
  return Fail(
      ErrorCode::kInvalid,
      fmt::format("it says that it has seen commit {} of epoch {} and that {} of its reports were acknowledged, "
                  "and no coordinator can have been there",
                  hello.seen_commit, hello.seen_epoch, hello.acked_sequence));
}

Recovery PlanRecovery(const StoredState& state, std::span<const InspectedAgent> agents, uint64_t commit, Wall now,
                      const AttemptsWithOutput& output) {
  Recovery out{.epoch = state.epoch,
               .commit = std::max(state.commit, commit),
               .records = {},
               .adopted = {},
               .lost = {},
               .kept = {}};
  for (const InspectedAgent& agent : agents) {
    out.epoch = std::max(out.epoch, agent.hello.seen_epoch);
    out.commit = std::max(out.commit, agent.hello.seen_commit);
    TakeUpReports(state, agent, out);
  }
  ++out.epoch;
  std::vector<Found> rest;
  auto newest = Newest(state, agents, rest);
  for (const StoredRun& run : state.runs) {
    std::vector<TaskStatus> tasks = run.tasks;
    for (TaskIndex task = 0; task < run.tasks.size(); ++task) {
      auto found = newest.find({run.header.id, task});
      TaskRecovery recovery({run.header.id, task, 0}, run.tasks[task], found == newest.end() ? nullptr : &found->second,
                            now);
      tasks[task] = recovery.Decide(out);
      // A task that has ended, or an attempt before its last one: what its agent still has is stopped as ever.
      const bool settled = found != newest.end() && found->second.item.id.attempt <= run.tasks[task].attempt;
      if (found == newest.end()) continue;
      if (recovery.Fits() || settled)
        newest.erase(found);
      else if (tasks[task].state != TaskState::kFinished)
        // What is kept has its number for itself: a lease under it would be taken for the one that is there.
        tasks[task].attempt = found->second.item.id.attempt;
    }
    Forgive(*run.plan, tasks);
    if (const auto attempts = output.find(run.header.id); attempts != output.end()) PassOver(attempts->second, tasks);
    for (TaskIndex task = 0; task < run.tasks.size(); ++task)
      if (!(tasks[task] == run.tasks[task])) out.records.push_back(TaskChanged{run.header.id, task, tasks[task]});
  }
  for (const ScheduleSet& schedule : state.schedules) LeaveTicks(schedule, now, out);
  for (const TriggerSet& trigger : state.triggers) LeavePushes(trigger, now, out);
  for (auto& [key, found] : newest) rest.push_back(std::move(found));
  for (const Found& found : rest) out.kept.push_back({found.agent->hello.agent, found.item.id});
  return out;
}

std::vector<AgentId> MissingAgents(const StoredState& state, std::span<const InspectedAgent> agents) {
  std::set<AgentId> missing;
  for (const StoredRun& run : state.runs)
    for (const TaskStatus& task : run.tasks)
      if (InFlight(task.state)) missing.insert(task.agent);
  for (const InspectedAgent& agent : agents) missing.erase(agent.hello.agent);
  return {missing.begin(), missing.end()};
}

std::vector<std::string> AgentAddresses(const StoredState& state) {
  std::set<std::string> addresses;
  for (const AgentSeen& agent : state.agents) addresses.insert(agent.address);
  for (const StoredRun& run : state.runs)
    for (const PlannedHost& host : run.plan->hosts) addresses.insert(host.address);
  return {addresses.begin(), addresses.end()};
}

}  // namespace cromt
