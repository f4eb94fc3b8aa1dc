// Agents, leases and reports: who may start what, and what an agent's words mean.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "core/lease.h"
#include "core/scheduler_state.h"

namespace cromt {
namespace {

// Leases held ahead of the slots, so that an agent never waits for the coordinator between two short tasks.
uint32_t Window(const Place& place) {
  return std::max<uint32_t>(2 * place.hello->slots, 64);
}

std::string SignalText(int signal) {
  const char* name = sigabbrev_np(signal);
  return name ? fmt::format("killed by signal {} ({})", signal, name) : fmt::format("killed by signal {}", signal);
}

bool Holds(const std::vector<int>& codes, int code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// What an exit means by the task's own rule.
std::pair<TaskOutcome, std::string> Judge(const ExitPolicy& policy, const ExitStatus& status) {
  if (const auto* signaled = std::get_if<Signaled>(&status))
    return {TaskOutcome::kFailed, SignalText(signaled->signal)};
  int code = std::get<Exited>(status).code;
  if (Holds(policy.stop, code)) return {TaskOutcome::kStoppedEarly, fmt::format("exit code {} ends it early", code)};
  if (Holds(policy.success, code)) return {TaskOutcome::kSucceeded, ""};
  return {TaskOutcome::kFailed, fmt::format("exit code {}", code)};
}

// How a person finds the host again: by the name in the file and the address it stands for.
std::string HostText(const PlannedHost& host) {
  if (host.id.empty() || host.id == host.address) return host.address;
  return host.id + " (" + host.address + ")";
}

}  // namespace

std::shared_ptr<Place> Scheduler::State::PlaceAt(const std::string& address) {
  auto& place = places[address];
  if (place) return place;
  place = std::make_shared<Place>();
  place->address = address;
  place->addresses = {address};
  place->down_since = now.mono;
  out.effects.push_back(DialAgent{address});
  return place;
}

void Scheduler::State::Enqueue(const TaskRef& ref, bool front) {
  auto place = PlaceAt(ref.run->plan->host(ref.task).address);
  if (front)
    place->ready.push_front({ref, now.mono});
  else
    place->ready.push_back({ref, now.mono});
  if (place->up)
    dirty.push_back(place);
  else
    SetTimer(place);
}

void Scheduler::State::Dispatch(const std::shared_ptr<Place>& place) {
  if (place->up && now.mono < place->paused_until) return SetTimer(place);
  while (place->up && !place->ready.empty() && place->attempts.size() < Window(*place)) {
    TaskRef ref = std::move(place->ready.front().ref);
    place->ready.pop_front();
    if (ref.run->tasks[ref.task].state == TaskState::kReady) LeaseOut(place, ref);
  }
}

void Scheduler::State::LeaseOut(const std::shared_ptr<Place>& place, const TaskRef& ref) {
  TaskStatus& status = ref.run->tasks[ref.task];
  status.state = TaskState::kLeased;
  ++status.attempt;
  status.agent = place->hello->agent;
  status.journal = place->hello->journal;
  status.reason.clear();
  AttemptId id{ref.run->header.id, ref.task, status.attempt};
  place->attempts.emplace(id, ref);
  Changed(ref);
  const Plan& plan = *ref.run->plan;
  std::shared_ptr<const TaskSpec> spec(ref.run->plan, &plan.spec(ref.task));
  out.effects.push_back(SendLease{place->address, Lease{std::move(id), std::move(spec), plan.host(ref.task).id}});
}

// ---- Sessions ---------------------------------------------------------------------------------

// Two addresses may lead to one agent: it then is one place, reached by the newer of the two.
std::shared_ptr<Place> Scheduler::State::PlaceOf(const AgentUp& event) {
  auto place = PlaceAt(event.address);
  if (place->hello && place->hello->agent != event.hello.agent) {  // another agent answers than before
    if (place->addresses.size() > 1)
      place = SplitOff(place, event.address);
    else
      agents.erase(place->hello->agent);
  }
  auto& known = agents[event.hello.agent];
  if (known && known != place) Merge(known, place);
  if (!known) known = place;
  auto here = known;  // the map may change below
  MergeRestored(here, event);
  return here;
}

// After a restart of ours an attempt waits at the address that its plan names, which may be another one of this agent.
// Were it not found here, it would be stopped, and its reports taken for those of a superseded one.
void Scheduler::State::MergeRestored(const std::shared_ptr<Place>& here, const AgentUp& event) {
  for (const InventoryItem& item : event.inventory) {
    auto run = runs.find(item.id.run);
    if (run == runs.end() || item.id.task >= run->second->tasks.size()) continue;
    if (run->second->tasks[item.id.task].agent != event.hello.agent) continue;
    auto other = PlaceAt(run->second->plan->host(item.id.task).address);
    if (other != here && !other->hello && other->attempts.contains(item.id)) Merge(here, other);
  }
}

// What belongs to one of the place's addresses becomes a place of its own; the rest goes on without it.
std::shared_ptr<Place> Scheduler::State::SplitOff(const std::shared_ptr<Place>& place, const std::string& address) {
  ClearTimer(place);
  auto own = std::make_shared<Place>();
  own->address = address;
  own->addresses = {address};
  own->down_since = now.mono;
  places[address] = own;
  auto belongs = [&](const TaskRef& ref) { return ref.run->plan->host(ref.task).address == address; };
  auto moves = std::stable_partition(place->ready.begin(), place->ready.end(),
                                     [&](const Place::Ready& ready) { return !belongs(ready.ref); });
  own->ready.assign(moves, place->ready.end());
  place->ready.erase(moves, place->ready.end());
  for (const auto& [id, ref] : place->attempts)
    if (belongs(ref)) own->attempts.emplace(id, ref);
  std::erase_if(place->attempts, [&](const auto& attempt) { return belongs(attempt.second); });
  std::erase(place->addresses, address);
  if (place->address == address) {
    place->address = place->addresses.front();
    Disconnected(place, "another agent now answers at " + address);
  }
  SetTimer(place);
  return own;
}

void Scheduler::State::Merge(const std::shared_ptr<Place>& into, const std::shared_ptr<Place>& place) {
  ClearTimer(place);
  into->addresses.insert(into->addresses.end(), place->addresses.begin(), place->addresses.end());
  for (const std::string& address : place->addresses) places[address] = into;
  into->ready.insert(into->ready.end(), place->ready.begin(), place->ready.end());
  into->attempts.insert(place->attempts.begin(), place->attempts.end());
}

void Scheduler::State::On(const AgentUp& event) {
  auto known = agents.find(event.hello.agent);
  if (known != agents.end() && known->second && known->second->up && event.session < known->second->session)
    return RefuseOlder(known->second, event);
  auto place = PlaceOf(event);
  place->session = event.session;
  for (const std::string& other : place->addresses)
    if (other != event.address)
      out.effects.push_back(HangUpAgent{other, "the same agent is reached at " + event.address});
  ClearTimer(place);
  place->address = event.address;
  place->up = true;
  place->hello = event.hello;
  place->shown_unreachable = false;
  place->paused_until = {};
  AgentSeen& last = seen[event.hello.agent];
  if (last.journal != event.hello.journal) last = {event.hello.agent, event.hello.journal, event.address, 0};
  last.address = event.address;
  out.records.push_back(last);
  Reconcile(place, event);
  dirty.push_back(place);
}

// The agent has closed this session for the newer one that it is reached by: what was exchanged here is out of date,
// and leases go there. What had waited at this address was not exchanged there, so that it is done once more.
void Scheduler::State::RefuseOlder(const std::shared_ptr<Place>& newer, const AgentUp& event) {
  const size_t exchanged = newer->attempts.size();
  auto place = PlaceOf(event);
  out.effects.push_back(HangUpAgent{event.address, "the same agent is reached at " + newer->address});
  dirty.push_back(place);
  if (place->attempts.size() == exchanged) return;
  const std::string reason = "it has more to be compared: another address of it was found";
  out.effects.push_back(HangUpAgent{place->address, reason});
  Disconnected(place, reason);
}

// The exchange of full state: what each side believes of the attempts at this agent is made one.
void Scheduler::State::Reconcile(const std::shared_ptr<Place>& place, const AgentUp& event) {
  std::vector<Verdict> verdicts;
  std::unordered_map<AttemptId, InventoryItem::Phase> has;
  for (const InventoryItem& item : event.inventory) {
    has.emplace(item.id, item.phase);
    auto mine = place->attempts.find(item.id);
    if (mine == place->attempts.end()) {
      // Fenced, finished or never ours: what runs is stopped, what ended is forgotten once it was heard.
      bool ended = item.phase == InventoryItem::Phase::kEnded;
      verdicts.push_back({item.id, ended ? Verdict::Kind::kForget : Verdict::Kind::kStop});
      continue;
    }
    TaskStatus& status = mine->second.run->tasks[mine->second.task];
    verdicts.push_back({item.id, status.stop_wanted ? Verdict::Kind::kStop : Verdict::Kind::kKeep});
    if (status.state != TaskState::kUnreachable) continue;
    status.state = status.stop_wanted  ? TaskState::kStopping
                   : status.started_at ? TaskState::kRunning
                                       : TaskState::kLeased;
    if (!status.stop_wanted) status.reason.clear();
    Changed(mine->second);
  }
  out.effects.push_back(SendVerdicts{place->address, std::move(verdicts)});

  std::vector<TaskRef> missing;
  for (const auto& [id, ref] : place->attempts)
    if (!has.contains(id)) missing.push_back(ref);
  std::sort(missing.begin(), missing.end(), [](const TaskRef& a, const TaskRef& b) {
    return std::tie(a.run->header.id, a.task) < std::tie(b.run->header.id, b.task);
  });
  for (const TaskRef& ref : missing) {
    const TaskStatus& status = ref.run->tasks[ref.task];
    if (status.agent != event.hello.agent)
      EndTask(ref, TaskOutcome::kLost,
              fmt::format("lost: another agent ({}) now answers at {}", event.hello.agent.text(),
                          HostText(ref.run->plan->host(ref.task))));
    else if (status.journal != event.hello.journal)
      EndTask(
          ref, TaskOutcome::kLost,
          fmt::format("lost: the agent at {} came back with a new journal", HostText(ref.run->plan->host(ref.task))));
    else if (status.started_at)
      EndTask(ref, TaskOutcome::kLost,
              fmt::format("lost: the agent at {} no longer knows it, though it had started",
                          HostText(ref.run->plan->host(ref.task))));
    else
      Return(ref);  // the lease never arrived, and no message of an older session is acted on: it never will
  }
}

void Scheduler::State::On(const AgentDown& event) {
  auto place = PlaceAt(event.address);
  if (place->address != event.address && place->up) return;  // an alias; the agent is reached by another address
  Disconnected(place, event.reason);
}

void Scheduler::State::Disconnected(const std::shared_ptr<Place>& place, const std::string& reason) {
  place->down_reason = reason;
  if (std::exchange(place->up, false)) {
    place->down_since = now.mono;
    for (const std::string& address : place->addresses) out.effects.push_back(DialAgent{address});
  }
  SetTimer(place);
}

// ---- Silence ----------------------------------------------------------------------------------

void Scheduler::State::ClearTimer(const std::shared_ptr<Place>& place) {
  if (place->timer) timers.erase({*place->timer, place->address});
  place->timer.reset();
}

void Scheduler::State::SetTimer(const std::shared_ptr<Place>& place) {
  ClearTimer(place);
  std::optional<Mono> next;
  auto at = [&](Mono t) { next = next ? std::min(*next, t) : t; };
  if (place->up) {
    if (!place->ready.empty() && now.mono < place->paused_until) at(place->paused_until);
  } else {
    if (!place->attempts.empty()) at(place->down_since + (place->shown_unreachable ? kLostLimit : kUnreachableAfter));
    if (!place->ready.empty()) at(std::max(place->down_since, place->ready.front().since) + kUnreachableLimit);
  }
  if (!next) return;
  place->timer = *next;
  timers.emplace(*next, place->address);
}

void Scheduler::State::PlaceTimeout(const std::shared_ptr<Place>& place) {
  if (place->up) return dirty.push_back(place);  // its pause is over
  Duration silent = now.mono - place->down_since;
  while (!place->ready.empty() && now.mono - place->ready.front().since >= kUnreachableLimit &&
         silent >= kUnreachableLimit) {
    TaskRef ref = std::move(place->ready.front().ref);
    place->ready.pop_front();
    if (ref.run->tasks[ref.task].state != TaskState::kReady) continue;
    EndTask(ref, TaskOutcome::kFailed,
            fmt::format("no agent could be reached at {} for {}: {}", HostText(ref.run->plan->host(ref.task)),
                        FormatDuration(silent), place->down_reason));
  }
  bool lost = silent >= kLostLimit;
  if (silent < kUnreachableAfter || (place->shown_unreachable && !lost)) return;
  place->shown_unreachable = true;
  auto attempts = place->attempts;
  for (const auto& [id, ref] : attempts) {
    const std::string host = HostText(ref.run->plan->host(ref.task));
    if (lost) {
      EndTask(ref, TaskOutcome::kLost,
              fmt::format("lost: the agent at {} was silent for {}", host, FormatDuration(silent)));
      continue;
    }
    TaskStatus& status = ref.run->tasks[ref.task];
    status.state = TaskState::kUnreachable;
    if (!status.stop_wanted) status.reason = fmt::format("the agent at {} is silent: {}", host, place->down_reason);
    Changed(ref);
  }
}

// ---- Reports ----------------------------------------------------------------------------------

void Scheduler::State::On(const AgentReported& event) {
  auto place = PlaceAt(event.address);
  if (!place->up || place->address != event.address || event.reports.empty()) return;
  AgentSeen& last = seen[place->hello->agent];
  for (const Report& report : event.reports) {
    if (report.sequence <= last.applied_sequence) continue;  // said before
    if (report.sequence != last.applied_sequence + 1) {
      std::string reason = fmt::format("report {} came where {} was due", report.sequence, last.applied_sequence + 1);
      out.effects.push_back(HangUpAgent{place->address, reason});
      out.records.push_back(last);
      return Disconnected(place, reason);  // the next session begins with what was not applied
    }
    last.applied_sequence = report.sequence;
    Apply(place, report);
  }
  out.records.push_back(last);
  out.effects.push_back(SendAck{place->address, last.applied_sequence});
  dirty.push_back(place);
}

void Scheduler::State::Apply(const std::shared_ptr<Place>& place, const Report& report) {
  auto found = place->attempts.find(report.id);
  if (found == place->attempts.end()) return;  // fenced: a superseded or lost attempt changes nothing
  TaskRef ref = found->second;
  if (const auto* result = std::get_if<AttemptResult>(&report.fact)) return Ended(ref, *result);
  TaskStatus& status = ref.run->tasks[ref.task];
  status.started_at = std::get<Report::Started>(report.fact).at;
  if (!status.stop_wanted) status.state = TaskState::kRunning;
  Changed(ref);
}

void Scheduler::State::Ended(const TaskRef& ref, const AttemptResult& result) {
  TaskStatus& status = ref.run->tasks[ref.task];
  bool returned = result.returned && result.kind == AttemptResult::Kind::kNotStarted && !status.started_at;
  if (returned && !status.stop_wanted) {
    PlaceAt(ref.run->plan->host(ref.task).address)->paused_until = now.mono + kReturnPause;
    return Return(ref);
  }
  status.exit = result.status;
  status.log_bytes = result.log_bytes;
  if (result.started_at) status.started_at = result.started_at;
  status.finished_at = result.ended_at.value_or(now.wall);
  switch (result.kind) {
    case AttemptResult::Kind::kExited: {
      auto [outcome, reason] = Judge(ref.run->plan->spec(ref.task).exit_policy, result.status.value_or(Exited{1}));
      return EndTask(ref, outcome, std::move(reason));
    }
    case AttemptResult::Kind::kStopped:
      return EndTask(ref, TaskOutcome::kCanceled, status.stop_wanted ? status.reason : result.reason);
    case AttemptResult::Kind::kTimedOut: return EndTask(ref, TaskOutcome::kTimedOut, result.reason);
    case AttemptResult::Kind::kNotStarted:
      if (status.stop_wanted) return EndTask(ref, TaskOutcome::kCanceled, status.reason);
      return EndTask(ref, TaskOutcome::kFailed, result.reason);
    case AttemptResult::Kind::kLost: return EndTask(ref, TaskOutcome::kLost, result.reason);
  }
}

// The attempt can't have begun: the task is ready again, before the others. Its number is not used again, so that no
// message about it, however late, is taken for one about the next.
void Scheduler::State::Return(const TaskRef& ref) {
  TaskStatus& status = ref.run->tasks[ref.task];
  if (status.stop_wanted) return EndTask(ref, TaskOutcome::kCanceled, status.reason);
  auto place = PlaceAt(ref.run->plan->host(ref.task).address);
  place->attempts.erase(AttemptId{ref.run->header.id, ref.task, status.attempt});
  status.state = TaskState::kReady;
  status.agent = {};
  status.journal = {};
  Changed(ref);
  Enqueue(ref, true);
}

}  // namespace cromt
