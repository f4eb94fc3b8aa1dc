// Silence: deadlines of agents and addresses, what is lost when they pass, and the lanes that what was lost keeps.
#include <fmt/format.h>

#include <algorithm>

#include "core/lease.h"
#include "core/scheduler_state.h"

namespace cromt {
namespace {

// So many ready tasks are looked at for each that may be due.
constexpr size_t kMostLookedAt = 1000;

bool StillReady(const ReadyLine::Ready& ready) {
  return ready.ref.run->tasks[ready.ref.task].state == TaskState::kReady;
}

// After so long a silence of its agent an attempt is lost.
Duration LostAfter(const TaskRef& ref) {
  return std::max(ref.run->plan->spec(ref.task).silence.lost, kShortestLost);
}

}  // namespace

Mono GivenUpAt(const Route& route, const ReadyLine::Ready& ready) {
  return std::max(route.down_since, ready.since) + ready.ref.run->plan->spec(ready.ref.task).silence.unreachable;
}

size_t StillWaiting(const Route& route) {
  size_t count = 0;
  for (const auto& [priority, line] : route.ready.lines())
    count += static_cast<size_t>(std::count_if(line.begin(), line.end(), StillReady));
  return count;
}

void Scheduler::State::SetTimer(std::optional<Mono>& current, std::optional<Mono> next, SchedulerTimer timer) {
  if (current) {
    timer.at = *current;
    timers.erase(timer);
  }
  current = next;
  if (!next) return;
  timer.at = *next;
  timers.insert(std::move(timer));
}

// Of everything in its line; linear in that.
void Scheduler::State::SetTimer(const std::shared_ptr<Route>& route) {
  std::optional<Mono> next;
  if (!(route->agent && route->agent->up()))
    for (const auto& [priority, line] : route->ready.lines())
      for (const ReadyLine::Ready& ready : line)
        if (StillReady(ready)) next = std::min(next.value_or(Mono::max()), GivenUpAt(*route, ready));
  // Where many wait they are not looked at for each of them.
  if (next && route->ready.size() > kMostLookedAt) next = std::max(*next, now.mono + seconds(1));
  SetTimer(route->timer, next, {{}, route->address, {}});
}

void Scheduler::State::SetTimer(const std::shared_ptr<Route>& route, Mono at_latest) {
  if (!route->timer || at_latest < *route->timer) SetTimer(route->timer, at_latest, {{}, route->address, {}});
}

void Scheduler::State::SetTimer(const std::shared_ptr<KnownAgent>& agent) {
  std::optional<Mono> next;
  if (!agent->up()) {
    if (!agent->attempts.empty()) {
      Duration limit = Duration::max();
      for (const auto& [id, ref] : agent->attempts) limit = std::min(limit, LostAfter(ref));
      next = agent->silent_since + (agent->shown_unreachable ? limit : kUnreachableAfter);
    }
  } else if (now.mono < agent->paused_until && NextReady(*agent)) {
    next = agent->paused_until;
  }
  SetTimer(agent->timer, next, {{}, {}, agent->id});
}

void Scheduler::State::On(const Resumed& event) {
  for (const auto& [id, agent] : agents) {
    if (agent->up()) {
      if (!event.reason.empty()) Silence(agent, event.reason);
    } else {
      agent->silent_since = now.mono;
      SetTimer(agent);
    }
  }
  for (const auto& [address, route] : routes) {
    route->down_since = now.mono;
    SetTimer(route);
  }
}

// Who was meant for an address at which nobody can be reached has waited long enough.
void Scheduler::State::Timeout(const std::shared_ptr<Route>& route) {
  if (route->agent && route->agent->up()) return;
  const Duration silent = now.mono - route->down_since;
  const auto given_up = route->ready.TakeIf(
      [&](const ReadyLine::Ready& ready) { return !StillReady(ready) || GivenUpAt(*route, ready) <= now.mono; });
  for (const ReadyLine::Ready& ready : given_up) {
    if (!StillReady(ready)) continue;
    const bool skip = ready.ref.run->plan->spec(ready.ref.task).silence.skip_unreachable;
    EndTask(
        ready.ref, skip ? TaskOutcome::kSkipped : TaskOutcome::kFailed,
        fmt::format("no agent could be reached at {} for {}: {}", HostText(ready.ref.run->plan->host(ready.ref.task)),
                    FormatDuration(silent), route->down_reason),
        skip);
  }
}

void Scheduler::State::Timeout(const std::shared_ptr<KnownAgent>& agent) {
  if (agent->up()) return dirty.push_back(agent);  // its pause is over
  const Duration silent = now.mono - agent->silent_since;
  if (silent < kUnreachableAfter) return;
  const bool shown = std::exchange(agent->shown_unreachable, true);
  for (const TaskRef& ref : InOrder(agent->attempts)) {
    const std::string host = HostText(ref.run->plan->host(ref.task));
    if (silent >= LostAfter(ref)) {
      KeepLanes(ref);
      // What kept its lanes can't be first in them, too: it would hold up in its other lines who could go on.
      Lose(ref, fmt::format("lost: the agent at {} was silent for {}", host, FormatDuration(silent)), false);
      continue;
    }
    if (shown) continue;
    TaskStatus& status = ref.run->tasks[ref.task];
    status.state = TaskState::kUnreachable;
    if (!status.stop_wanted) status.reason = fmt::format("the agent at {} is silent: {}", host, agent->silent_reason);
    Changed(ref);
  }
}

// An attempt that may have begun is over and nobody will know how it ended.
void Scheduler::State::Lose(const TaskRef& ref, std::string reason, bool keeps_place) {
  TaskStatus& status = ref.run->tasks[ref.task];
  const bool retry = ref.run->plan->spec(ref.task).silence.retry_lost;
  if (!retry || status.stop_wanted || status.losses >= kLostRetries)
    return EndTask(ref, TaskOutcome::kLost, std::move(reason));
  ++status.losses;
  TryAgain(ref,
           fmt::format("{}; it may have run, and on_lost says to try again ({} of {} times)", reason, status.losses,
                       kLostRetries),
           keeps_place);
}

// Its process may still run, so its lanes of the mesh stay taken, also when it is over for its run.
void Scheduler::State::KeepLanes(const TaskRef& ref) {
  if (!ref.run->holds[ref.task]) return;
  const Plan& plan = *ref.run->plan;
  const TaskStatus& status = ref.run->tasks[ref.task];
  const AttemptId id{ref.run->header.id, ref.task, status.attempt};
  HeldLanes held{{id, status.agent, HostText(plan.host(ref.task)), plan.spec(ref.task).project, {}}, {}};
  std::vector<Group*> left;
  for (uint32_t g : plan.tasks[ref.task].groups) {
    const auto& group = ref.run->groups[g];
    if (plan.groups[g].mesh_wide) {
      held.record.lanes.push_back(plan.groups[g].name);
      held.groups.push_back(group);
    } else {
      group->Leave();
      left.push_back(group.get());
    }
  }
  ref.run->holds[ref.task] = false;
  if (!held.groups.empty()) {
    out.records.push_back(held.record);
    AgentOf(status.agent)->held.emplace(id, std::move(held));
  }
  Advance(std::move(left));
}

// The attempt is known to be over, if it was one that kept its lanes.
void Scheduler::State::FreeLanes(const std::shared_ptr<KnownAgent>& agent, const AttemptId& id) {
  auto found = agent->held.extract(id);
  if (!found) return;
  out.records.push_back(LaneFreed{id});
  std::vector<Group*> freed;
  for (const auto& group : found.mapped().groups) {
    group->Leave();
    freed.push_back(group.get());
  }
  Advance(std::move(freed));
  ForgetIfNobody(agent);
}

void Scheduler::State::Restore(LaneHeld record) {
  auto agent = AgentOf(record.agent);
  HeldLanes held{std::move(record), {}};
  for (const std::string& lane : held.record.lanes) {
    held.groups.push_back(LaneNamed(lane));
    held.groups.back()->Restore();
  }
  if (auto last = seen.find(agent->id); last != seen.end())
    if (auto route = RouteAt(last->second.address); !route->agent) Bind(route, agent);
  const AttemptId id = held.record.id;
  agent->held.emplace(id, std::move(held));
}

// Its last session was there, or what it has was meant for there.
bool Scheduler::State::WasAt(const KnownAgent& agent, const std::string& address) const {
  if (agent.addresses.contains(address)) return true;
  if (auto last = seen.find(agent.id); last != seen.end() && last->second.address == address) return true;
  for (const auto& [id, ref] : agent.attempts)
    if (ref.run->plan->host(ref.task).address == address) return true;
  for (const auto& [id, held] : agent.held) {
    const std::string& host = held.record.host;
    if (host == address || host.ends_with(" (" + address + ")")) return true;
  }
  return false;
}

void Scheduler::State::On(const ForgetAgent& event) {
  auto refuse = [&](ErrorCode code, std::string why) { out.effects.push_back(Reply{Fail(code, std::move(why))}); };
  const bool by_id = agents.contains(event.agent) || seen.contains(event.agent);
  std::vector<std::shared_ptr<KnownAgent>> gone;
  const KnownAgent* up = nullptr;
  for (const auto& [id, agent] : agents) {
    if (by_id ? id != event.agent : !WasAt(*agent, event.address)) continue;
    if (!agent->up())
      gone.push_back(agent);
    else if (!up || agent->via == event.address)
      up = agent.get();
  }
  if (gone.empty() && up)
    return refuse(ErrorCode::kConflict, fmt::format("{} is up{}; only one that will not come back can be forgotten",
                                                    by_id ? "agent " + up->id.text() : "the agent at " + event.address,
                                                    up->via == event.address ? "" : " at " + up->via));
  if (gone.empty())
    return refuse(ErrorCode::kNotFound,
                  by_id ? fmt::format("agent {} has nothing that is not known to be over", event.agent.text())
                        : "no agent is known at " + event.address);
  out.effects.push_back(Reply{RunId()});
  for (const auto& agent : gone) Forget(agent, event.author.empty() ? "somebody" : event.author);
}

// What its reports have told stays known, should it come back after all.
void Scheduler::State::Forget(const std::shared_ptr<KnownAgent>& agent, const std::string& author) {
  for (const TaskRef& ref : InOrder(agent->attempts))
    Lose(ref,
         fmt::format("lost: {} said that the agent at {} will not come back", author,
                     HostText(ref.run->plan->host(ref.task))),
         false);  // its lanes are for others: who tries again may wait for another agent
  while (!agent->held.empty()) FreeLanes(agent, AttemptId(agent->held.begin()->first));
  for (const std::string& address : std::exchange(agent->addresses, {})) routes.at(address)->agent.reset();
  ForgetIfNobody(agent);
}

}  // namespace cromt
