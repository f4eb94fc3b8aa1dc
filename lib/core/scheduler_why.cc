// Why something waits, from the scheduler's own state: who holds what it waits for, down to the first cause.
#include <fmt/format.h>

#include <algorithm>

#include "core/lease.h"
#include "core/scheduler_state.h"

namespace cromt {
namespace {

constexpr size_t kMostLinks = 20;   // of a chain of projects that wait for each other
constexpr size_t kMostNamed = 5;    // of those that hold something
constexpr size_t kMostCauses = 20;  // of a run
constexpr size_t kMostAsked = 50;   // tasks of a run: each may cost a look at all who wait with it

std::string Named(const Run& run, TaskIndex task) {
  const std::string& host = run.plan->host(task).id;
  const std::string& project = run.plan->spec(task).project;
  return host.empty() ? fmt::format("'{}'", project) : fmt::format("'{}' on {}", project, host);
}

std::string OfRun(const Run& run, const Run& asked) {
  return &run == &asked ? "" : fmt::format(" of run {}", run.header.id.text());
}

std::string Since(const std::optional<Wall>& at, Wall now) {
  return at && *at < now ? " for " + FormatDuration(std::chrono::floor<seconds>(now - *at)) : "";
}

// What is left of a wait, as people say it.
std::string Left(Duration left) {
  return FormatDuration(std::chrono::ceil<seconds>(std::max(Duration(0), left)));
}

// "whose task has not ended", "of whose 5 tasks 2 have not ended".
std::string NotEnded(uint32_t tasks, uint32_t left) {
  if (tasks == 1) return "whose task has not ended";
  return fmt::format("of whose {} tasks {} {} not ended", tasks, left, left == 1 ? "has" : "have");
}

std::string Before(size_t count) {
  return count == 1 ? "1 task is" : fmt::format("{} tasks are", count);
}

std::string Tasks(size_t count) {
  return count == 1 ? "1 task" : fmt::format("{} tasks", count);
}

bool IsDone(const InstanceProgress& progress) {
  return progress.open && progress.tasks_left == 0 && progress.after_left == 0;
}

// Answers for one task. Reads only.
class Asker {
 public:
  Asker(const Scheduler::State& state, Now now, WhyLines& lines) : state_(state), now_(now), lines_(lines) {}

  void Task(const Run& run, TaskIndex task) {
    const TaskStatus& status = run.tasks[task];
    const std::string host = HostText(run.plan->host(task));
    switch (status.state) {
      case TaskState::kWaiting: return Waiting(run, run.plan->tasks[task].instance);
      case TaskState::kReady: return Ready(run, task);
      case TaskState::kRetryWait:
        return Say(WhyKind::kRetry, fmt::format("its next try is due in {}: {}",
                                                Left(status.retry_at.value_or(now_.wall) - now_.wall), status.reason));
      case TaskState::kLeased:
      case TaskState::kPreparing: return Leased(run, task, host);
      case TaskState::kRunning:
      case TaskState::kPublishing: return Running(run, task, host);
      case TaskState::kStopping:
        return Say(WhyKind::kStopping,
                   fmt::format("it was told to stop and {} has not confirmed its end: {}", host, status.reason));
      case TaskState::kUnreachable: return Silent(run, task, host);
      case TaskState::kFinished: break;
    }
    std::string text(ToString(*status.outcome));
    if (!status.reason.empty()) text += ": " + status.reason;
    Say(WhyKind::kEnded, std::move(text));
  }

 private:
  void Say(WhyKind kind, std::string text) { lines_.push_back({kind, std::move(text)}); }

  // Follows who waits for whom to somebody who does not wait for another project.
  void Waiting(const Run& run, InstanceIndex instance) {
    if (run.status.state == RunState::kQueued) return Sources(run);
    const auto& planned = run.plan->instances;
    for (size_t links = 0; links < kMostLinks; ++links) {
      const InstanceProgress& progress = run.instances[instance];
      std::optional<InstanceIndex> cause;
      bool is_parent = false;
      for (InstanceIndex need : planned[instance].needs)
        if (!cause && !IsDone(run.instances[need])) cause = need;
      if (!cause && progress.after_of && run.instances[*progress.after_of].tasks_left > 0) {
        cause = progress.after_of;
        is_parent = true;
      }
      if (!cause) return;  // its gate opens with the next event
      const InstanceProgress& other = run.instances[*cause];
      const std::string& name = planned[instance].project;
      const std::string left = NotEnded(planned[*cause].task_count, other.tasks_left);
      if (is_parent)
        Say(WhyKind::kAfter, fmt::format("'{}' comes after '{}', {}", name, planned[*cause].project, left));
      else if (other.open && other.tasks_left == 0)
        Say(WhyKind::kNeeds, fmt::format("'{}' waits for '{}', whose tasks have ended, but not what comes after it",
                                         name, planned[*cause].project));
      else
        Say(WhyKind::kNeeds, fmt::format("'{}' waits for '{}', {}", name, planned[*cause].project, left));
      instance = *cause;
      if (other.open && other.tasks_left == 0) {
        for (InstanceIndex child : planned[instance].after)
          if (!IsDone(run.instances[child])) instance = child;
        if (instance == *cause) return;
      }
      if (run.instances[instance].open) return First(run, instance);
    }
    Say(WhyKind::kNeeds, "and so on");
  }

  // What the first unfinished task of an instance that is under way waits for.
  void First(const Run& run, InstanceIndex instance) {
    const PlannedInstance& planned = run.plan->instances[instance];
    for (TaskIndex t = planned.first_task; t < planned.first_task + planned.task_count; ++t) {
      if (run.tasks[t].state == TaskState::kFinished) continue;
      const size_t before = lines_.size();
      Task(run, t);
      if (lines_.size() > before) lines_[before].text = fmt::format("{}: {}", Named(run, t), lines_[before].text);
      return;
    }
  }

  void Sources(const Run& run) {
    std::string urls;
    for (const TaskSpec& spec : run.plan->specs) {
      if (spec.source.resolved() || urls.find(spec.source.repository) != urls.npos) continue;
      urls += (urls.empty() ? "" : ", ") + spec.source.repository;
      if (urls.size() > 500) break;
    }
    Say(WhyKind::kSources, "the run has not begun: its repositories are being fetched: " + urls);
  }

  void Ready(const Run& run, TaskIndex task) {
    const PlannedTask& planned = run.plan->tasks[task];
    if (!planned.groups.empty() && !run.holds[task]) {
      for (uint32_t g : planned.groups) InGroup(run, task, run.plan->groups[g], *run.groups[g]);
      return;
    }
    const PlannedHost& host = run.plan->host(task);
    const Route& route = *state_.routes.at(host.address);
    if (!route.agent || !route.agent->up()) {
      const SilencePolicy& policy = run.plan->spec(task).silence;
      for (const auto& [priority, line] : route.ready.lines())
        for (const ReadyLine::Ready& ready : line) {
          if (ready.ref.run.get() != &run || ready.ref.task != task) continue;
          const Duration left = std::max(route.down_since, ready.since) + policy.unreachable - now_.mono;
          return Say(WhyKind::kUnreachable,
                     fmt::format("no agent answers at {}: {}; unless one does, it is {} in {}", HostText(host),
                                 route.down_reason, policy.skip_unreachable ? "skipped" : "failed", Left(left)));
        }
      return;
    }
    const KnownAgent& agent = *route.agent;
    if (now_.mono < agent.paused_until)
      return Say(WhyKind::kPaused,
                 fmt::format("the agent at {} has just given a task back: it drains, or is full", HostText(host)));
    Say(WhyKind::kSlots,
        fmt::format("the agent at {} has {} for its {} slots, and {} more wait for it", HostText(host),
                    Tasks(agent.attempts.size()), agent.hello ? agent.hello->slots : 0, route.ready.size()));
  }

  void InGroup(const Run& run, TaskIndex task, const PlannedGroup& planned, const Group& group) {
    if (group.running >= group.depth && !planned.mesh_wide)
      return Say(WhyKind::kParallel,
                 fmt::format("{} of its project run, which is all that 'parallel' allows", group.running));
    if (planned.mesh_wide) Holders(run, planned.name, group);
    size_t before = 0;
    for (const TaskRef& ref : group.line) {
      if (ref.run.get() == &run && ref.task == task) break;
      before += ref.run->tasks[ref.task].state == TaskState::kReady;
    }
    if (before > 0)
      Say(WhyKind::kBehind, planned.mesh_wide
                                ? fmt::format("{} before it in the queue '{}'", Before(before), planned.name)
                                : fmt::format("{} before it in its project", Before(before)));
  }

  void Holders(const Run& asked, const std::string& lane, const Group& group) {
    for (const auto& [id, run] : state_.runs)
      for (uint32_t g = 0; g < run->groups.size(); ++g) {
        if (run->groups[g].get() != &group) continue;
        for (TaskIndex t = 0; t < run->tasks.size(); ++t) {
          const auto& mine = run->plan->tasks[t].groups;
          if (!run->holds[t] || std::find(mine.begin(), mine.end(), g) == mine.end()) continue;
          Say(WhyKind::kLane,
              fmt::format("the queue '{}' is taken by {}{}, which is {}{}", lane, Named(*run, t), OfRun(*run, asked),
                          ToString(run->tasks[t].state), Since(run->tasks[t].started_at, now_.wall)));
        }
      }
    for (const auto& [id, agent] : state_.agents)
      for (const auto& [attempt, held] : agent->held)
        for (const auto& other : held.groups)
          if (other.get() == &group)
            Say(WhyKind::kLaneLost,
                fmt::format("the queue '{}' is kept for '{}' of run {}, which was lost at {} and may still run there: "
                            "until the agent there says that it has ended, or `cromt agents forget` says that it won't "
                            "come back",
                            lane, held.record.project, attempt.run.text(), held.record.host));
  }

  void Leased(const Run& run, TaskIndex task, const std::string& host) {
    const TaskStatus& status = run.tasks[task];
    auto found = state_.agents.find(status.agent);
    const KnownAgent* agent = found == state_.agents.end() ? nullptr : found->second.get();
    Say(WhyKind::kLeased,
        fmt::format("the agent at {} has it and has not said that it began: it has {} for {} slots, "
                    "or prepares its files",
                    host, Tasks(agent ? agent->attempts.size() : 0), agent && agent->hello ? agent->hello->slots : 0));
  }

  void Running(const Run& run, TaskIndex task, const std::string& host) {
    const TaskStatus& status = run.tasks[task];
    std::string text = fmt::format("it has been running at {}{}", host, Since(status.started_at, now_.wall));
    if (const auto& limit = run.plan->spec(task).timeout)
      text += fmt::format("; its timeout is {}", FormatDuration(*limit));
    else
      text += "; it has no timeout";
    Say(WhyKind::kRunning, std::move(text));
  }

  void Silent(const Run& run, TaskIndex task, const std::string& host) {
    const TaskStatus& status = run.tasks[task];
    const SilencePolicy& policy = run.plan->spec(task).silence;
    const KnownAgent& agent = *state_.agents.at(status.agent);
    const Duration silent = now_.mono - agent.silent_since;
    const Duration left = std::max(policy.lost, kShortestLost) - silent;
    Say(WhyKind::kSilent,
        fmt::format("the agent at {} has been silent for {} ({}), and the task may be running; unless the agent comes "
                    "back, it is {} in {}",
                    host, FormatDuration(std::chrono::floor<seconds>(silent)), agent.silent_reason,
                    policy.retry_lost ? "tried again" : "lost", Left(left)));
  }

  const Scheduler::State& state_;
  const Now now_;
  WhyLines& lines_;
};

// How many tasks stand where, in the order of the states.
std::string Progress(const Run& run) {
  std::map<TaskState, size_t> counts;
  for (const TaskStatus& status : run.tasks) ++counts[status.state];
  std::string text;
  for (const auto& [state, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, ToString(state));
  return fmt::format("of {}: {}", Tasks(run.tasks.size()), text);
}

}  // namespace

Result<WhyLines> Scheduler::Why(const RunId& id, std::optional<TaskIndex> task, Now now) const {
  auto found = state_->runs.find(id);
  if (found == state_->runs.end() || (task && *task >= found->second->tasks.size()))
    return Fail(ErrorCode::kNotFound, "run " + id.text() + " is not running");
  const Run& run = *found->second;
  WhyLines lines;
  Asker asker(*state_, now, lines);
  if (task) {
    asker.Task(run, *task);
    return lines;
  }
  lines.push_back({WhyKind::kProgress, Progress(run)});
  // Those that wait for no other project are the causes; many tasks may have the same.
  std::vector<std::pair<WhyLine, std::vector<TaskIndex>>> causes;
  size_t asked = 0;
  for (TaskIndex t = 0; t < run.tasks.size() && causes.size() < kMostCauses && asked < kMostAsked; ++t) {
    if (run.tasks[t].state == TaskState::kFinished) continue;
    if (run.tasks[t].state == TaskState::kWaiting && run.status.state != RunState::kQueued) continue;
    ++asked;
    WhyLines own;
    Asker(*state_, now, own).Task(run, t);
    for (WhyLine& line : own) {
      auto same = std::find_if(causes.begin(), causes.end(), [&](const auto& c) { return c.first.text == line.text; });
      if (same == causes.end())
        causes.push_back({std::move(line), {t}});
      else
        same->second.push_back(t);
    }
  }
  for (auto& [line, tasks] : causes) {
    std::string names;
    for (size_t i = 0; i < std::min(tasks.size(), kMostNamed); ++i)
      names += (names.empty() ? "" : ", ") + Named(run, tasks[i]);
    if (tasks.size() > kMostNamed) names += fmt::format(" and {} more", tasks.size() - kMostNamed);
    lines.push_back({line.kind, line.kind == WhyKind::kSources ? line.text : fmt::format("{}: {}", names, line.text)});
  }
  return lines;
}

}  // namespace cromt
