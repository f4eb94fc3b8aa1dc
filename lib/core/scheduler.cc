#include "core/scheduler.h"

#include <fmt/format.h>

#include "base/size.h"
#include "core/scheduler_state.h"
#include "core/source_path.h"

namespace cromt {

Scheduler::Scheduler(SchedulerLimits limits) : state_(std::make_unique<State>()) {
  state_->limits = limits;
}

// A run holds its lines and the lines hold runs.
Scheduler::~Scheduler() {
  for (const auto& [id, run] : state_->runs)
    for (const auto& group : run->groups) group->line.clear();
}

Decision Scheduler::Apply(const Event& event, Now now) {
  state_->now = now;
  std::visit([&](const auto& e) { state_->On(e); }, event);
  return state_->Finish();
}

Decision Scheduler::Restore(std::vector<StoredRun> runs, std::vector<AgentSeen> agents, std::vector<LaneHeld> held,
                            Now now, std::vector<AgentDrained> drained) {
  state_->now = now;
  for (AgentDrained& one : drained) {
    std::string address = one.address;
    state_->drained.emplace(std::move(address), std::move(one));
  }
  for (AgentSeen& seen : agents) {
    AgentId id = seen.agent;
    state_->seen.emplace(std::move(id), std::move(seen));
  }
  std::vector<std::shared_ptr<Run>> adopted;
  for (StoredRun& stored : runs)
    adopted.push_back(state_->Adopt(std::move(stored.header), std::move(stored.status), std::move(stored.plan),
                                    std::move(stored.tasks), std::move(stored.artifacts)));
  // What is in flight takes its places in the groups first, over all runs; then what is ready lines up as it did.
  for (const auto& run : adopted) state_->ClaimInFlight(run);
  for (LaneHeld& lanes : held) state_->Restore(std::move(lanes));
  state_->restored.emplace();
  for (const auto& run : adopted)
    if (run->status.state == RunState::kQueued)
      state_->AskForSources(run);
    else
      state_->Begin(run);
  state_->JoinRestored();
  return state_->Finish();
}

std::optional<Mono> Scheduler::NextDeadline() const {
  std::optional<Mono> next;
  if (!state_->timers.empty()) next = state_->timers.begin()->at;
  if (!state_->retry_timers.empty()) {
    Mono retry = state_->retry_timers.begin()->at;
    next = next ? std::min(*next, retry) : retry;
  }
  if (!state_->run_timers.empty()) {
    Mono end = state_->run_timers.begin()->at;
    next = next ? std::min(*next, end) : end;
  }
  return next;
}

Decision Scheduler::WatchAgent(const std::string& address, Now now) {
  state_->now = now;
  state_->RouteAt(address);
  return state_->Finish();
}

size_t Scheduler::unfinished_runs() const {
  return state_->runs.size();
}
bool Scheduler::IsUnfinished(const RunId& run) const {
  return state_->runs.contains(run);
}
std::set<RunId> Scheduler::RunsThatHoldLanes() const {
  std::set<RunId> runs;
  for (const auto& [id, agent] : state_->agents)
    for (const auto& [attempt, held] : agent->held) runs.insert(attempt.run);
  return runs;
}
std::optional<RunId> Scheduler::UnfinishedOf(const std::string& project) const {
  auto runs = state_->runs_of.find(project);
  if (runs == state_->runs_of.end()) return std::nullopt;
  return runs->second.back();
}
size_t Scheduler::largest_decision_bytes() const {
  return kStoredTaskBytes * state_->tasks_left + 2 * state_->most_bytes;
}
size_t Scheduler::unfinished_tasks() const {
  return state_->tasks_left;
}

std::vector<AgentView> Scheduler::Agents() const {
  std::vector<AgentView> views;
  // Of those not reached by this process. Null: two have been at that address.
  std::unordered_map<std::string_view, const AgentSeen*> before;
  for (const auto& [id, seen] : state_->seen)
    if (auto [known, is_new] = before.try_emplace(seen.address, &seen); !is_new) known->second = nullptr;
  for (const auto& [address, route] : state_->routes) {
    AgentView view{.address = address};
    const KnownAgent* agent = route->agent.get();
    view.up = agent && agent->via == address;
    if (agent) view.agent = agent->id;
    if (agent && agent->hello) {
      view.slots = agent->hello->slots;
      view.version = agent->hello->version;
      view.labels = agent->hello->labels;
    } else if (auto seen = before.find(address); seen != before.end() && seen->second) {
      view.labels = seen->second->labels;
    }
    const bool alias = agent && agent->up() && !view.up;
    if (alias)
      view.reason = "the same agent as " + agent->via;
    else if (!view.up)
      view.reason = route->down_reason;
    else
      view.reason = agent->refuses.empty() ? agent->warns : agent->refuses;
    if (agent)
      view.drained = state_->WhyDrained(*agent);
    else if (auto drained = state_->drained.find(address); drained != state_->drained.end())
      view.drained = DrainedText(drained->second);
    if (agent && !alias) view.attempts = static_cast<uint32_t>(agent->attempts.size());
    view.ready = static_cast<uint32_t>(StillWaiting(*route));
    views.push_back(std::move(view));
  }
  return views;
}

std::optional<uint64_t> Scheduler::AppliedOf(const AgentId& agent, const JournalId& journal) const {
  const auto seen = state_->seen.find(agent);
  if (seen == state_->seen.end()) return 0;
  if (seen->second.journal != journal) return std::nullopt;
  return seen->second.applied_sequence;
}

std::vector<Scheduler::BlobSource> Scheduler::SourcesFor(const AgentId& agent,
                                                         const std::vector<Digest>& wanted) const {
  std::vector<BlobSource> sources(wanted.size(), Fail(ErrorCode::kDenied, "no task that this agent has takes it"));
  std::unordered_multimap<std::string_view, size_t> places;
  for (size_t i = 0; i < wanted.size(); ++i) places.emplace(wanted[i].sha256, i);
  auto found = [&](const Digest& digest, const BlobSource& source) {
    const auto [first, last] = places.equal_range(digest.sha256);
    for (auto place = first; place != last; ++place)
      if (wanted[place->second] == digest && !sources[place->second]) sources[place->second] = source;
  };
  const auto known = state_->agents.find(agent);
  if (known == state_->agents.end()) return sources;
  for (const TaskRef& ref : InOrder(known->second->attempts)) {
    found(ref.run->plan->spec(ref.task).source.tree, std::optional<LeaseInput>());
    const auto inputs = state_->InputsOf(ref);
    if (!inputs || !*inputs) continue;
    for (const LeaseInput& input : **inputs)
      if (input.holder == agent)
        found(input.artifact.digest, Fail(ErrorCode::kDenied, "the agent has published it itself"));
      else
        found(input.artifact.digest, std::optional(input));
  }
  return sources;
}

// ---- Events -----------------------------------------------------------------------------------

Decision Scheduler::State::Finish() {
  // What can't be leased, for want of an artifact, ends then and there, which opens gates and frees places.
  do {
    WorkOffGates();
    for (const auto& agent : std::exchange(dirty, {})) Dispatch(agent);
  } while (!opened.empty() || !dirty.empty());
  return std::exchange(out, {});
}

void Scheduler::State::On(const StartRun& event) {
  auto refuse = [&](ErrorCode code, std::string why) { out.effects.push_back(Reply{Fail(code, std::move(why))}); };
  if (auto known = requests.find(event.request); known != requests.end()) {
    out.effects.push_back(Reply{known->second});
    return;
  }
  if (runs.contains(event.run)) return refuse(ErrorCode::kConflict, "run " + event.run.text() + " exists already");
  if (runs.size() >= limits.unfinished_runs)
    return refuse(
        ErrorCode::kExhausted,
        fmt::format("{} runs have not finished, which is the limit; wait for some or cancel them", runs.size()));
  if (tasks_left + event.plan->tasks.size() > limits.unfinished_tasks)
    return refuse(ErrorCode::kExhausted,
                  fmt::format("{} tasks have not finished; with {} more the limit of {} is passed", tasks_left,
                              event.plan->tasks.size(), limits.unfinished_tasks));
  if (const size_t more = BytesOf(*event.plan); bytes + more > limits.bytes)
    return refuse(ErrorCode::kExhausted,
                  fmt::format("what the tasks of unfinished runs do takes {}; with {} more the limit of {} is passed",
                              FormatSize(static_cast<int64_t>(bytes)), FormatSize(static_cast<int64_t>(more)),
                              FormatSize(static_cast<int64_t>(limits.bytes))));
  std::set<std::string_view> new_addresses;
  for (const PlannedHost& host : event.plan->hosts)
    if (!routes.contains(host.address)) new_addresses.insert(host.address);
  if (routes.size() + new_addresses.size() > limits.agents)
    return refuse(ErrorCode::kExhausted, fmt::format("{} agents are known; with {} more the limit of {} is passed",
                                                     routes.size(), new_addresses.size(), limits.agents));

  RunHeader header{event.run, event.request, event.project, event.trigger, event.revision, event.author, now.wall};
  out.records.push_back(RunCreated{header, event.plan});
  out.effects.push_back(Reply{event.run});
  auto tasks = event.tasks.empty() ? std::vector<TaskStatus>(event.plan->tasks.size()) : event.tasks;
  for (TaskIndex task = 0; task < event.tasks.size(); ++task)
    if (tasks[task] != TaskStatus{}) out.records.push_back(TaskChanged{event.run, task, tasks[task]});
  for (const ArtifactsPublished& published : event.artifacts) out.records.push_back(published);
  for (const ImageRan& image : event.images) out.records.push_back(image);
  auto run = Adopt(std::move(header), RunStatus{}, event.plan, std::move(tasks), event.artifacts);
  AskForSources(run);
}

void Scheduler::State::On(const SourcesResolved& event) {
  auto found = runs.find(event.run);
  if (found == runs.end() || found->second->status.state != RunState::kQueued) return;  // canceled meanwhile, or twice
  auto run = found->second;
  auto plan = std::make_shared<Plan>(*run->plan);
  for (TaskSpec& spec : plan->specs) {
    for (const auto& item : event.items) {
      if (item.repository != spec.source.repository || item.ref != spec.source.ref) continue;
      spec.source.commit = item.commit;
      spec.source.branch = item.branch;
      spec.source.tree = item.tree;
      break;
    }
    if (!spec.source.resolved())
      return EndUnstarted(run, "internal: no commit was found for " + spec.source.repository);
    spec.source.repository = WithoutUser(spec.source.repository);  // it goes to agents, and to the job as SCM_URL
  }
  run->plan = plan;
  out.records.push_back(RunPlanned{run->header.id, plan});
  Begin(run);
}

void Scheduler::State::On(const SourcesFailed& event) {
  auto found = runs.find(event.run);
  if (found == runs.end() || found->second->status.state != RunState::kQueued) return;
  EndUnstarted(found->second, event.reason);
}

void Scheduler::State::On(const CancelRun& event) {
  auto found = runs.find(event.run);
  if (found == runs.end()) {
    out.effects.push_back(Reply{Fail(ErrorCode::kNotFound, "run " + event.run.text() + " is not running")});
    return;
  }
  auto run = found->second;
  out.effects.push_back(Reply{event.run});
  const CancelWish before = run->status.cancel;
  if (before == CancelWish::kAll) return;
  StopRun(run, before == CancelWish::kNone ? CancelWish::kAllButCleanups : CancelWish::kAll,
          event.author.empty() ? "canceled" : "canceled by " + event.author);
}

void Scheduler::State::On(const CancelTask& event) {
  auto found = runs.find(event.run);
  if (found == runs.end() || event.task >= found->second->tasks.size() ||
      found->second->tasks[event.task].state == TaskState::kFinished) {
    out.effects.push_back(Reply{
        Fail(ErrorCode::kNotFound, fmt::format("task {} of run {} is not running", event.task + 1, event.run.text()))});
    return;
  }
  out.effects.push_back(Reply{event.run});
  RequestStop({found->second, event.task}, event.author.empty() ? "canceled" : "canceled by " + event.author);
}

void Scheduler::State::On(const ClockTick&) {
  while (!run_timers.empty() && run_timers.begin()->at <= now.mono) {
    const RunTimer due = run_timers.extract(run_timers.begin()).value();
    if (auto run = runs.find(due.run); run != runs.end()) RunTimedOut(std::shared_ptr<Run>(run->second));
  }
  while (!retry_timers.empty() && retry_timers.begin()->at <= now.mono)
    RetryDue(retry_timers.extract(retry_timers.begin()).value());
  while (!timers.empty() && timers.begin()->at <= now.mono) {
    SchedulerTimer due = *timers.begin();
    timers.erase(timers.begin());
    auto fire = [this](const auto& whose) {
      whose->timer.reset();
      Timeout(whose);
      SetTimer(whose);
    };
    if (due.agent.empty())
      fire(routes.at(due.address));
    else
      fire(std::shared_ptr<KnownAgent>(agents.at(due.agent)));
  }
}

}  // namespace cromt
