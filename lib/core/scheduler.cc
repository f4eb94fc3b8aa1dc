#include "core/scheduler.h"

#include <fmt/format.h>

#include "core/scheduler_state.h"

namespace cromt {

Scheduler::Scheduler(SchedulerLimits limits) : state_(std::make_unique<State>()) { state_->limits = limits; }
Scheduler::~Scheduler() = default;

Decision Scheduler::Apply(const Event& event, Now now) {
  state_->now = now;
  std::visit([&](const auto& e) { state_->On(e); }, event);
  return state_->Finish();
}

Decision Scheduler::Restore(std::vector<StoredRun> runs, std::vector<AgentSeen> agents, Now now) {
  state_->now = now;
  for (AgentSeen& seen : agents) {
    AgentId id = seen.agent;
    state_->seen.emplace(std::move(id), std::move(seen));
  }
  for (StoredRun& stored : runs) {
    auto run = state_->Adopt(std::move(stored.header), std::move(stored.status), std::move(stored.plan),
                             std::move(stored.tasks));
    if (run->status.state == RunState::kQueued)
      state_->AskForSources(run);
    else
      state_->Begin(run);
  }
  return state_->Finish();
}

std::optional<Mono> Scheduler::NextDeadline() const {
  if (state_->timers.empty()) return std::nullopt;
  return state_->timers.begin()->first;
}

Decision Scheduler::WatchAgent(const std::string& address, Now now) {
  state_->now = now;
  state_->PlaceAt(address);
  return state_->Finish();
}

size_t Scheduler::unfinished_runs() const { return state_->runs.size(); }
size_t Scheduler::unfinished_tasks() const { return state_->tasks_left; }

std::vector<AgentView> Scheduler::Agents() const {
  std::vector<AgentView> views;
  for (const auto& [address, place] : state_->places) {
    AgentView view{.address = address, .up = place->up && place->address == address};
    if (place->hello) {
      view.agent = place->hello->agent;
      view.slots = place->hello->slots;
      view.version = place->hello->version;
    }
    if (!place->up)
      view.reason = place->down_reason;
    else if (place->address != address)
      view.reason = "the same agent as " + place->address;
    view.attempts = static_cast<uint32_t>(place->attempts.size());
    view.ready = static_cast<uint32_t>(place->ready.size());
    views.push_back(std::move(view));
  }
  return views;
}

// ---- Events -----------------------------------------------------------------------------------

Decision Scheduler::State::Finish() {
  WorkOffGates();
  for (size_t i = 0; i < dirty.size(); ++i) Dispatch(dirty[i]);  // Dispatch may end tasks and so open gates
  WorkOffGates();
  while (!dirty.empty()) {
    auto places_to_serve = std::move(dirty);
    dirty.clear();
    for (const auto& place : places_to_serve) Dispatch(place);
    WorkOffGates();
  }
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
    return refuse(ErrorCode::kExhausted,
                  fmt::format("{} runs have not finished, which is the limit; wait for some or cancel them", runs.size()));
  if (tasks_left + event.plan->tasks.size() > limits.unfinished_tasks)
    return refuse(ErrorCode::kExhausted, fmt::format("{} tasks have not finished; with {} more the limit of {} is passed",
                                                     tasks_left, event.plan->tasks.size(), limits.unfinished_tasks));

  RunHeader header{event.run, event.request, event.project, event.trigger, event.revision, event.author, now.wall};
  out.records.push_back(RunCreated{header, event.plan});
  out.effects.push_back(Reply{event.run});
  auto run = Adopt(std::move(header), RunStatus{}, event.plan, std::vector<TaskStatus>(event.plan->tasks.size()));
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
    }
    if (!spec.source.resolved())
      return EndRun(run, RunOutcome::kFailed, "internal: no commit was found for " + spec.source.repository);
  }
  run->plan = plan;
  out.records.push_back(RunPlanned{run->header.id, plan});
  Begin(run);
}

void Scheduler::State::On(const SourcesFailed& event) {
  auto found = runs.find(event.run);
  if (found == runs.end() || found->second->status.state != RunState::kQueued) return;
  auto run = found->second;
  for (TaskIndex task = 0; task < run->tasks.size(); ++task)
    if (run->tasks[task].state != TaskState::kFinished) EndTask({run, task}, TaskOutcome::kSkipped, event.reason);
  EndRun(run, RunOutcome::kFailed, event.reason);
}

void Scheduler::State::On(const CancelRun& event) {
  auto found = runs.find(event.run);
  if (found == runs.end()) {
    out.effects.push_back(Reply{Fail(ErrorCode::kNotFound, "run " + event.run.text() + " is not running")});
    return;
  }
  auto run = found->second;
  out.effects.push_back(Reply{event.run});
  std::string reason = event.author.empty() ? "canceled" : "canceled by " + event.author;
  run->status.cancel_wanted = true;
  run->status.reason = reason;
  Changed(run);
  for (TaskIndex task = 0; task < run->tasks.size(); ++task) RequestStop({run, task}, reason);
  FinishRunIfDone(run);
}

void Scheduler::State::On(const CancelTask& event) {
  auto found = runs.find(event.run);
  if (found == runs.end() || event.task >= found->second->tasks.size() ||
      found->second->tasks[event.task].state == TaskState::kFinished) {
    out.effects.push_back(
        Reply{Fail(ErrorCode::kNotFound, fmt::format("task {} of run {} is not running", event.task + 1, event.run.text()))});
    return;
  }
  out.effects.push_back(Reply{event.run});
  RequestStop({found->second, event.task}, event.author.empty() ? "canceled" : "canceled by " + event.author);
}

void Scheduler::State::On(const ClockTick&) {
  while (!timers.empty() && timers.begin()->first <= now.mono) {
    auto place = places.at(timers.begin()->second);
    timers.erase(timers.begin());
    place->timer.reset();
    PlaceTimeout(place);
    SetTimer(place);
  }
}

// ---- Check ------------------------------------------------------------------------------------

std::string Scheduler::Check() const {
  size_t left = 0;
  for (const auto& [id, run] : state_->runs) {
    uint32_t unfinished = 0;
    for (TaskIndex t = 0; t < run->tasks.size(); ++t) {
      const TaskStatus& status = run->tasks[t];
      if (status.state == TaskState::kFinished) continue;
      ++unfinished;
      AttemptId attempt{id, t, status.attempt};
      bool in_flight = status.state != TaskState::kWaiting && status.state != TaskState::kReady;
      auto place = state_->places.find(run->plan->host(t).address);
      bool held = place != state_->places.end() && place->second->attempts.contains(attempt);
      if (in_flight != held) return fmt::format("{} is {} but its agent {} it", ToString(attempt), ToString(status.state),
                                                held ? "holds" : "does not hold");
    }
    if (unfinished != run->tasks_left) return fmt::format("run {}: {} tasks left, counted {}", id.text(), run->tasks_left, unfinished);
    left += unfinished;
    for (const auto& group : run->groups)
      if (group->running > group->depth) return "a group runs more than its depth";
  }
  if (left != state_->tasks_left) return fmt::format("{} tasks left in all, counted {}", state_->tasks_left, left);
  for (const auto& [address, place] : state_->places)
    for (const auto& [attempt, ref] : place->attempts)
      if (!state_->runs.contains(attempt.run)) return address + " holds " + ToString(attempt) + " of a run that is gone";
  return {};
}

}  // namespace cromt
