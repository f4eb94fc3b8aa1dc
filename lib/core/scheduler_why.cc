// Why something waits, from the scheduler's own state: who holds what it waits for, down to the first cause.
#include <fmt/format.h>

#include <algorithm>

#include "core/lease.h"
#include "core/scheduler_state.h"

namespace cromt {
namespace {

constexpr size_t kMostLinks = 20;  // of a chain of projects that wait for each other
constexpr size_t kMostNamed = 5;   // of those that hold something, or have the same cause
constexpr size_t kMostLines = 20;  // of a task
constexpr size_t kMostCauses =
    20;  // of a run; each is asked of one task, which may cost a look at all who wait with it

std::string Named(const Run& run, TaskIndex task) {
  const std::string& host = run.plan->host(task).id;
  const std::string& project = run.plan->spec(task).project;
  return host.empty() ? fmt::format("'{}'", project) : fmt::format("'{}' on {}", project, host);
}

std::string Since(const std::optional<Wall>& at, Wall now) {
  return at && *at < now ? " for " + FormatDuration(std::chrono::floor<seconds>(now - *at)) : "";
}

// What is left of a wait, as people say it.
std::string Left(Duration left) {
  return FormatDuration(std::chrono::ceil<seconds>(std::max(Duration(0), left)));
}

// "whose task has not ended", "of whose 5 tasks 2 have not ended"; of one without tasks, or whose tasks have all been
// canceled before it could begin, that it waits itself.
std::string NotEnded(const Run& run, InstanceIndex instance) {
  const PlannedInstance& planned = run.plan->instances[instance];
  const uint32_t tasks = planned.task_count;
  uint32_t left = 0;  // not what is counted for its gate: those that were canceled before that opened have ended
  for (TaskIndex t = planned.first_task; t < planned.first_task + tasks; ++t)
    left += run.tasks[t].state != TaskState::kFinished;
  if (left == 0) return "which waits itself";
  if (tasks == 1) return "whose task has not ended";
  return fmt::format("of whose {} tasks {} {} not ended", tasks, left, left == 1 ? "has" : "have");
}

std::string Before(size_t count) {
  return count == 1 ? "1 task is" : fmt::format("{} tasks are", count);
}

std::string Tasks(size_t count) {
  return count == 1 ? "1 task" : fmt::format("{} tasks", count);
}

// "which is running for 5.0s", of somebody who holds something.
std::string Which(const TaskStatus& status, Wall now) {
  return fmt::format("which is {}{}", ToString(status.state), Since(status.started_at, now));
}

bool IsDone(const InstanceProgress& progress) {
  return progress.open && progress.tasks_left == 0 && progress.after_left == 0;
}

// Answers for one task. Reads only.
class Asker {
 public:
  // Who is of another run than the one `asked` for is named with it.
  Asker(const Scheduler::State& state, const Run& asked, Now now, WhyLines& lines)
      : state_(state), asked_(asked), now_(now), lines_(lines) {}

  void Task(const Run& run, TaskIndex task) {
    const TaskStatus& status = run.tasks[task];
    const std::string host = HostText(run.plan->host(task));
    switch (status.state) {
      case TaskState::kWaiting: return Waiting(run, run.plan->tasks[task].instance);
      case TaskState::kReady: return Ready(run, task);
      case TaskState::kRetryWait:
        return Say(WhyKind::kRetry,
                   fmt::format("its next try is due in {}: {}",
                               Left(RetryWait(run.plan->spec(task).retry, status, now_.wall)), status.reason));
      case TaskState::kLeased:
      case TaskState::kPreparing:
      case TaskState::kRunning:
      case TaskState::kPublishing:
      case TaskState::kStopping:
      case TaskState::kUnreachable: return Held(run, task, host);
      case TaskState::kFinished: return Say(WhyKind::kEnded, EndText(status));
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

 private:
  void Say(WhyKind kind, std::string text) {
    if (lines_.size() < kMostLines) lines_.push_back({kind, CutWhy(std::move(text))});
  }

  std::string Name(const Run& run, TaskIndex task) const {
    const std::string name = Named(run, task);
    return &run == &asked_ ? name : fmt::format("{} of run {}", name, run.header.id.text());
  }

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
      if (const auto parent = progress.after_of; !cause && parent)
        if (!run.instances[*parent].open || run.instances[*parent].tasks_left > 0) {
          cause = parent;
          is_parent = true;
        }
      if (!cause) return;  // its gate opens with the next event
      const InstanceProgress& other = run.instances[*cause];
      const std::string& name = planned[instance].project;
      const std::string left = NotEnded(run, *cause);
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
    for (TaskIndex t = planned.first_task; t < planned.first_task + planned.task_count; ++t)
      if (run.tasks[t].state != TaskState::kFinished) return Other(run, t, Name(run, t));
  }

  // The same question of somebody else who is in the way.
  void Other(const Run& run, TaskIndex task, const std::string& name) {
    const size_t before = lines_.size();
    if (before >= kMostLines) return;
    Task(run, task);
    if (lines_.size() > before) lines_[before].text = CutWhy(fmt::format("{}: {}", name, lines_[before].text));
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
    if (!state_.WhyNothingNew(agent).empty()) return Refuses(agent, HostText(host));
    if (now_.mono < agent.paused_until)
      return Say(WhyKind::kPaused,
                 fmt::format("the agent at {} has just given a task back, and gets another in {}: {}", HostText(host),
                             Left(agent.paused_until - now_.mono), agent.paused_reason));
    Say(WhyKind::kSlots, fmt::format("the agent at {} has {} for its {} slots{}, and {} more wait for it",
                                     HostText(host), Tasks(agent.attempts.size()), agent.hello ? agent.hello->slots : 0,
                                     LongestOf(agent), StillWaiting(route)));
  }

  void Refuses(const KnownAgent& agent, const std::string& host) {
    Say(WhyKind::kRefuses,
        fmt::format("the agent at {} takes and begins nothing new: {}", host, state_.WhyNothingNew(agent)));
  }

  // Of what the agent has, what runs longest.
  std::string LongestOf(const KnownAgent& agent) const {
    const TaskRef* longest = nullptr;
    for (const auto& [id, ref] : agent.attempts) {
      const TaskStatus& status = ref.run->tasks[ref.task];
      if (!status.started_at) continue;
      if (!longest || *status.started_at < *longest->run->tasks[longest->task].started_at) longest = &ref;
    }
    if (!longest) return "";
    return fmt::format(" (longest {}, {})", Name(*longest->run, longest->task),
                       Which(longest->run->tasks[longest->task], now_.wall));
  }

  void InGroup(const Run& run, TaskIndex task, const PlannedGroup& planned, const Group& group) {
    const bool full = group.running >= group.depth;
    if (planned.mesh_wide) return InLane(run, task, planned.name, group);
    if (full) return Parallel(run, planned, group);
    Behind(run, task, group, "in its project");
  }

  // Who runs of its project; where none of them does, what one of them waits for.
  void Parallel(const Run& run, const PlannedGroup& planned, const Group& group) {
    const auto g = static_cast<uint32_t>(&planned - run.plan->groups.data());
    std::string names;
    size_t count = 0;
    std::optional<TaskIndex> waits;
    for (TaskIndex t = 0; t < run.tasks.size(); ++t) {
      if (!IsHeldBy(run, t, g)) continue;
      if (!run.tasks[t].started_at && !waits) waits = t;
      if (++count <= kMostNamed)
        names += fmt::format("{}{}, {}", names.empty() ? "" : "; ", Name(run, t), Which(run.tasks[t], now_.wall));
    }
    if (count > kMostNamed) names += fmt::format("; and {} more", count - kMostNamed);
    Say(WhyKind::kParallel,
        fmt::format("{} of its project run, which is all that 'parallel' allows: {}", group.running, names));
    if (waits) Other(run, *waits, Name(run, *waits));
  }

  void InLane(const Run& run, TaskIndex task, const std::string& name, const Group& group) {
    if (group.running >= group.depth) {
      Holders(name, group);
      LostHolders(name, group);
    }
    Behind(run, task, group, fmt::format("in the queue '{}'", name));
  }

  // How many are before it; where nobody keeps them from passing here, what the first of them waits for elsewhere.
  void Behind(const Run& run, TaskIndex task, const Group& group, const std::string& where) {
    const TaskRef* first = nullptr;
    size_t before = 0;
    for (const TaskRef& ref : group.line) {
      if (ref.run.get() == &run && ref.task == task) break;
      if (ref.run->tasks[ref.task].state != TaskState::kReady) continue;
      ++before;
      if (!first) first = &ref;
    }
    if (!first) return;
    const std::string name = Name(*first->run, first->task);
    Say(WhyKind::kBehind, fmt::format("{} before it {}, first {}", Before(before), where, name));
    if (group.running < group.depth) Other(*first->run, first->task, name);
  }

  static bool IsHeldBy(const Run& run, TaskIndex task, uint32_t group) {
    const auto& mine = run.plan->tasks[task].groups;
    return run.holds[task] && std::find(mine.begin(), mine.end(), group) != mine.end();
  }

  // Who has the lane; if that does not run, then also what it waits for.
  void Holders(const std::string& lane, const Group& group) {
    for (const auto& [id, run] : state_.runs)
      for (uint32_t g = 0; g < run->groups.size(); ++g) {
        if (run->groups[g].get() != &group) continue;
        for (TaskIndex t = 0; t < run->tasks.size(); ++t) {
          if (!IsHeldBy(*run, t, g)) continue;
          const TaskStatus& status = run->tasks[t];
          const std::string name = Name(*run, t);
          Say(WhyKind::kLane, fmt::format("the queue '{}' is taken by {}, {}", lane, name, Which(status, now_.wall)));
          if (status.state != TaskState::kRunning) Other(*run, t, name);
        }
      }
  }

  void LostHolders(const std::string& lane, const Group& group) {
    for (const auto& [id, agent] : state_.agents)
      for (const auto& [attempt, held] : agent->held)
        for (const auto& other : held.groups)
          if (other.get() == &group)
            Say(WhyKind::kLaneLost,
                fmt::format(
                    "the queue '{}' is kept for '{}' of run {}, which was lost at {} and may still run there{}: "
                    "until the agent there says that it has ended, or `cromt agents forget` says that it won't "
                    "come back",
                    lane, held.record.project, attempt.run.text(), held.record.host,
                    agent->up() ? "" : ", where nobody answers (" + agent->silent_reason + ")"));
  }

  // An agent has it, or may have it.
  void Held(const Run& run, TaskIndex task, const std::string& host) {
    const TaskStatus& status = run.tasks[task];
    const KnownAgent& agent = *state_.agents.at(status.agent);
    if (!agent.up()) return Silent(run.plan->spec(task).silence, status, agent, host);
    if (!agent.refuses.empty()) Refuses(agent, host);  // out of service it begins what it has
    if (status.state == TaskState::kStopping)
      return Say(WhyKind::kStopping,
                 fmt::format("it was told to stop and {} has not confirmed its end: {}", host, status.reason));
    if (status.state != TaskState::kRunning && status.state != TaskState::kPublishing)
      return Say(
          WhyKind::kLeased,
          fmt::format("the agent at {} has it and has not said that it began: it has {} for {} slots{}, or "
                      "prepares its files",
                      host, Tasks(agent.attempts.size()), agent.hello ? agent.hello->slots : 0, LongestOf(agent)));
    const auto& limit = run.plan->spec(task).timeout;
    Say(WhyKind::kRunning, fmt::format("it has been running at {}{}; {}", host, Since(status.started_at, now_.wall),
                                       limit ? "its timeout is " + FormatDuration(*limit) : "it has no timeout"));
  }

  void Silent(const SilencePolicy& policy, const TaskStatus& status, const KnownAgent& agent, const std::string& host) {
    const Duration silent = now_.mono - agent.silent_since;
    const bool again = policy.retry_lost && !status.stop_wanted && status.losses < kLostRetries;
    Say(WhyKind::kSilent,
        fmt::format(
            "the agent at {} has been silent for {} ({}), and the task may {}{}; unless the agent comes back, it "
            "is {} in {}",
            host, FormatDuration(std::chrono::floor<seconds>(silent)), agent.silent_reason,
            status.started_at ? "be running" : "have begun",
            status.stop_wanted ? ", though it is to stop: " + status.reason : "", again ? "tried again" : "lost",
            Left(std::max(policy.lost, kShortestLost) - silent)));
  }

  const Scheduler::State& state_;
  const Run& asked_;
  const Now now_;
  WhyLines& lines_;
};

// Of a run that has begun: its tasks that have not ended, or badly, by what keeps them.
class Causes {
 public:
  explicit Causes(const Scheduler::State& state, const Run& run, Now now) : state_(state), run_(run), now_(now) {
    for (TaskIndex t = 0; t < run.tasks.size(); ++t) Sort(t);
  }

  // Those that concern most tasks, with an answer for one of them each. Silent hosts are told together.
  void Tell(WhyLines& lines) const {
    std::vector<const Cause*> all;
    size_t untold = 0;
    for (const auto& [key, cause] : causes_) all.push_back(&cause);
    std::sort(all.begin(), all.end(), [](const Cause* a, const Cause* b) {
      return a->count != b->count ? a->count > b->count : a->named[0] < b->named[0];
    });
    for (size_t i = 0; i < all.size(); ++i) {
      if (i < kMostCauses)
        Tell(*all[i], lines);
      else
        untold += all[i]->count;
    }
    if (untold > 0)
      lines.push_back(
          {WhyKind::kProgress, fmt::format("{} more for {} other reasons: `cromt why RUN TASK` tells that of one",
                                           Tasks(untold), all.size() - kMostCauses)});
  }

 private:
  struct Cause {
    size_t count = 0;
    std::vector<TaskIndex> named;  // the first of them
    TaskIndex asked = 0;           // who is asked for all: who began first, if they have begun
    ToldHosts hosts;
  };
  // What those have in common that have the same answer. A text is without the host (WithoutHost).
  using Key = std::tuple<TaskState, const void*, std::string>;

  void Sort(TaskIndex task) {
    const auto key = KeyOf(task);
    if (!key) return;
    Cause& cause = causes_[*key];
    if (cause.count++ == 0) cause.asked = task;
    if (cause.named.size() < kMostNamed) cause.named.push_back(task);
    cause.hosts.Add(run_.plan->host(task));
    const auto& began = run_.tasks[task].started_at;
    const auto& first = run_.tasks[cause.asked].started_at;
    if (began && first && *began < *first) cause.asked = task;
  }

  std::optional<Key> KeyOf(TaskIndex task) const {
    const TaskStatus& status = run_.tasks[task];
    const PlannedHost& host = run_.plan->host(task);
    switch (status.state) {
      case TaskState::kWaiting: return Key(status.state, nullptr, "");
      case TaskState::kReady: {
        const void* where = WhereReady(task);
        const Route* silent = where == &kSilent ? state_.routes.at(host.address).get() : nullptr;
        return Key(status.state, where, silent ? WithoutHost(silent->down_reason, host) : "");
      }
      case TaskState::kRetryWait: return Key(status.state, nullptr, WithoutHost(status.reason, host));
      case TaskState::kFinished:
        if (!status.failed() && !(status.ignored && *status.outcome != TaskOutcome::kSucceeded)) return std::nullopt;
        return Key(status.state, nullptr, WithoutHost(EndText(status), host));
      case TaskState::kLeased:
      case TaskState::kPreparing:
      case TaskState::kRunning:
      case TaskState::kPublishing:
      case TaskState::kStopping:
      case TaskState::kUnreachable: break;
    }
    // Agents that are there are alike, and so are those that are silent for the same reason.
    const KnownAgent& agent = *state_.agents.at(status.agent);
    if (!agent.up())
      return Key(
          status.state, &kSilent,
          WithoutHost(agent.silent_reason, host) + "\n" + WithoutHost(status.stop_wanted ? status.reason : "", host));
    return Key(status.state, agent.refuses.empty() ? nullptr : &agent, WithoutHost(status.reason, host));
  }

  // The group in whose line it can't pass, or the address where nobody takes it, of which those where nobody is are
  // one; null where its agent has enough to do.
  const void* WhereReady(TaskIndex task) const {
    const PlannedTask& planned = run_.plan->tasks[task];
    if (planned.groups.empty() || run_.holds[task]) {
      const Route* route = state_.routes.at(run_.plan->host(task).address).get();
      const KnownAgent* agent = route->agent.get();
      if (!agent || !agent->up()) return &kSilent;
      return state_.WhyNothingNew(*agent).empty() && now_.mono >= agent->paused_until ? nullptr : route;
    }
    for (uint32_t g : planned.groups)
      if (run_.groups[g]->running >= run_.groups[g]->depth) return run_.groups[g].get();
    return run_.groups[planned.groups[0]].get();
  }

  void Tell(const Cause& cause, WhyLines& lines) const {
    WhyLines own;
    Asker(state_, run_, now_, own).Task(run_, cause.asked);
    std::string names;
    for (TaskIndex task : cause.named) names += (names.empty() ? "" : ", ") + Named(run_, task);
    if (cause.count > cause.named.size()) names += fmt::format(" and {} more", cause.count - cause.named.size());
    const TaskStatus& first = run_.tasks[cause.asked];
    if (cause.count > 1 && first.started_at && first.state != TaskState::kFinished)
      names += ", the first to begin " + Named(run_, cause.asked);
    // Who those wait for that wait for another project is a cause of its own.
    if (run_.tasks[cause.asked].state == TaskState::kWaiting) own.resize(std::min<size_t>(own.size(), 1));
    for (WhyLine& line : own) {
      // What one agent does is not told of another.
      const bool is_of_all = line.kind == WhyKind::kUnreachable || line.kind == WhyKind::kSilent ||
                             line.kind == WhyKind::kEnded || cause.hosts.addresses() == 1;
      if (is_of_all) line.text = cause.hosts.Tell(std::move(line.text), run_.plan->host(cause.asked));
      if (&line == &own[0]) line.text = CutWhy(fmt::format("{}: {}", names, line.text));
      lines.push_back(std::move(line));
    }
  }

  static constexpr char kSilent = 0;  // its address stands for all hosts where nobody answers

  const Scheduler::State& state_;
  const Run& run_;
  const Now now_;
  std::map<Key, Cause> causes_;
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
  Asker asker(*state_, run, now, lines);
  if (task) {
    asker.Task(run, *task);
    return lines;
  }
  lines.push_back({WhyKind::kProgress, Progress(run)});
  if (run.status.state == RunState::kQueued)
    asker.Sources(run);
  else
    Causes(*state_, run, now).Tell(lines);
  return lines;
}

}  // namespace cromt
