// The scheduler's invariants (core/scheduler.h), walked from end to end.
#include <fmt/format.h>

#include <algorithm>

#include "core/scheduler_state.h"

namespace cromt {
namespace {

// How often each unfinished task stands in a line; entries of tasks that have moved on do not count.
struct Lines {
  using Counts = std::unordered_map<const Run*, std::unordered_map<TaskIndex, size_t>>;
  Counts in_groups;
  Counts in_routes;

  static void Add(Counts& counts, const TaskRef& ref) {
    if (ref.run->tasks[ref.task].state == TaskState::kReady) ++counts[ref.run.get()][ref.task];
  }
  static size_t Count(const Counts& counts, const Run& run, TaskIndex task) {
    auto found = counts.find(&run);
    if (found == counts.end()) return 0;
    auto times = found->second.find(task);
    return times == found->second.end() ? 0 : times->second;
  }
};

// Invariant 1, for one task. `agent` is who it says it was leased to; null if nobody knows that agent.
std::string CheckTask(const KnownAgent* agent, const Run& run, TaskIndex task, const Lines& lines) {
  const TaskStatus& status = run.tasks[task];
  const PlannedTask& planned = run.plan->tasks[task];
  AttemptId attempt{run.header.id, task, status.attempt};
  bool held = agent && agent->attempts.contains(attempt);
  if (InFlight(status.state) != held)
    return fmt::format("{} is {} but its agent {} it", ToString(attempt), ToString(status.state),
                       held ? "holds" : "does not hold");
  if (status.state == TaskState::kReady) {
    bool passed = planned.groups.empty() || run.holds[task];
    size_t in_groups = Lines::Count(lines.in_groups, run, task);
    size_t in_routes = Lines::Count(lines.in_routes, run, task);
    if (in_groups != (passed ? 0 : planned.groups.size()) || in_routes != (passed ? 1 : 0))
      return fmt::format("{} is ready and stands in {} lines of groups and {} of agents", ToString(attempt), in_groups,
                         in_routes);
  }
  bool open = run.instances[planned.instance].open;
  if (status.state != TaskState::kFinished && open == (status.state == TaskState::kWaiting))
    return fmt::format("{} is {} and its gate is {}", ToString(attempt), ToString(status.state),
                       open ? "open" : "closed");
  bool may_hold = InFlight(status.state) || status.state == TaskState::kReady;
  if (run.holds[task] && !may_hold)
    return fmt::format("{} is {} and holds its groups", ToString(attempt), ToString(status.state));
  if (!run.holds[task] && InFlight(status.state) && !planned.groups.empty())
    return fmt::format("{} is {} and does not hold its groups", ToString(attempt), ToString(status.state));
  return {};
}

// Invariant 3: of tasks, within one run.
std::string CheckCounters(const Run& run) {
  uint32_t unfinished = 0;
  for (const TaskStatus& status : run.tasks) unfinished += status.state != TaskState::kFinished;
  if (unfinished != run.tasks_left)
    return fmt::format("run {}: {} tasks left, counted {}", run.header.id.text(), run.tasks_left, unfinished);
  for (InstanceIndex i = 0; i < run.instances.size(); ++i) {
    const PlannedInstance& planned = run.plan->instances[i];
    uint32_t left = 0;
    for (TaskIndex t = planned.first_task; t < planned.first_task + planned.task_count; ++t)
      left += !run.instances[i].open || run.tasks[t].state != TaskState::kFinished;
    if (left != run.instances[i].tasks_left)
      return fmt::format("run {}: instance {} has {} tasks left, counted {}", run.header.id.text(), i,
                         run.instances[i].tasks_left, left);
  }
  return {};
}

// The attempts that hold a group, those that are only held after a loss with a '?'.
std::string Holders(const Scheduler::State& state, const Group* group) {
  std::string names;
  for (const auto& [id, run] : state.runs)
    for (TaskIndex t = 0; t < run->tasks.size(); ++t)
      for (uint32_t g : run->plan->tasks[t].groups)
        if (run->holds[t] && run->groups[g].get() == group)
          names +=
              fmt::format(" {} ({})", ToString(AttemptId{id, t, run->tasks[t].attempt}), ToString(run->tasks[t].state));
  for (const auto& [id, agent] : state.agents)
    for (const auto& [attempt, held] : agent->held)
      for (const auto& one : held.groups)
        if (one.get() == group) names += fmt::format(" {}?", ToString(attempt));
  return names;
}

}  // namespace

std::string Scheduler::Check() const {
  Lines lines;
  std::unordered_map<const Group*, uint32_t> running;
  for (const auto& [address, route] : state_->routes)
    for (const auto& [priority, line] : route->ready.lines())
      for (const ReadyLine::Ready& ready : line) Lines::Add(lines.in_routes, ready.ref);
  for (const auto& [id, run] : state_->runs) {
    for (const auto& group : run->groups)
      if (running.emplace(group.get(), 0).second)
        for (const TaskRef& ref : group->line) Lines::Add(lines.in_groups, ref);
    for (TaskIndex t = 0; t < run->tasks.size(); ++t)
      if (run->holds[t])
        for (uint32_t g : run->plan->tasks[t].groups) ++running[run->groups[g].get()];
  }
  for (const auto& [id, agent] : state_->agents)
    for (const auto& [attempt, held] : agent->held)
      for (const auto& group : held.groups) ++running[group.get()];
  auto agent_of = [this](const Run& run, TaskIndex task) -> const KnownAgent* {
    auto agent = state_->agents.find(run.tasks[task].agent);
    return agent == state_->agents.end() ? nullptr : agent->second.get();
  };
  size_t left = 0, retries = 0;
  for (const auto& timer : state_->retry_timers) {
    auto run = state_->runs.find(timer.run);
    retries += run != state_->runs.end() && run->second->tasks[timer.task].state == TaskState::kRetryWait;
  }
  for (const auto& [id, run] : state_->runs) {
    for (const TaskStatus& status : run->tasks) retries -= status.state == TaskState::kRetryWait;
    if (std::string problem = CheckCounters(*run); !problem.empty()) return problem;
    left += run->tasks_left;
    if (run->status.state == RunState::kRunning)
      for (TaskIndex t = 0; t < run->tasks.size(); ++t)
        if (std::string problem = CheckTask(agent_of(*run, t), *run, t, lines); !problem.empty()) return problem;
    for (const auto& group : run->groups) {
      if (group->running > std::max(group->depth, group->restored))
        return fmt::format("a group of depth {} runs {}: {}", group->depth, group->running,
                           Holders(*state_, group.get()));
      if (group->running != running[group.get()])
        return fmt::format("a group runs {}, counted {}", group->running, running[group.get()]);
    }
  }
  if (retries != 0) return "tasks that wait for a retry and their timers are not the same number";
  if (left != state_->tasks_left) return fmt::format("{} tasks left in all, counted {}", state_->tasks_left, left);
  for (const auto& [id, agent] : state_->agents) {
    for (const auto& [attempt, ref] : agent->attempts)
      if (!state_->runs.contains(attempt.run))
        return id.text() + " holds " + ToString(attempt) + " of a run that is gone";
    for (const std::string& address : agent->addresses)
      if (state_->routes.at(address)->agent != agent) return address + " does not lead to " + id.text();
    if (agent->up() && !agent->addresses.contains(agent->via))
      return id.text() + " is reached by " + agent->via + ", which does not lead to it";
  }
  for (const SchedulerTimer& timer : state_->timers) {
    auto route = state_->routes.find(timer.address);
    auto agent = state_->agents.find(timer.agent);
    bool of_route = route != state_->routes.end() && route->second->timer == timer.at;
    bool of_agent = agent != state_->agents.end() && agent->second->timer == timer.at;
    if (!of_route && !of_agent) return "a timer of " + timer.address + timer.agent.text() + " is nobody's";
  }
  return {};
}

std::vector<StoredRun> Scheduler::Unfinished() const {
  std::vector<StoredRun> unfinished;
  for (const auto& [id, run] : state_->runs) {
    StoredRun one{run->header, run->status, run->plan, run->tasks, {}};
    for (const auto& [task, published] : run->published) one.artifacts.push_back(published);
    unfinished.push_back(std::move(one));
  }
  std::sort(unfinished.begin(), unfinished.end(),
            [](const StoredRun& a, const StoredRun& b) { return a.header.id < b.header.id; });
  return unfinished;
}

std::string Scheduler::Leftover() const {
  if (!state_->runs.empty()) return "";
  if (state_->tasks_left != 0 || state_->bytes != 0)
    return fmt::format("{} tasks of {} bytes are counted", state_->tasks_left, state_->bytes);
  if (!state_->requests.empty() || !state_->runs_of.empty()) return "requests or projects of runs are known";
  std::unordered_map<const Group*, uint32_t> held;
  for (const auto& [id, agent] : state_->agents) {
    if (!agent->attempts.empty()) return id.text() + " has attempts";
    for (const auto& [attempt, lanes] : agent->held)
      for (const auto& group : lanes.groups) ++held[group.get()];
  }
  for (const auto& [name, lane] : state_->lanes)
    if (const auto group = lane.lock(); group && group->running != held[group.get()])
      return fmt::format("lane {} is taken {} times and kept for {} lost attempts", name, group->running,
                         held[group.get()]);
  return "";
}

}  // namespace cromt
