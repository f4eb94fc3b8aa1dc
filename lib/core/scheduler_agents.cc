// Agents, leases and reports: who may start what, and what an agent's words mean.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "core/artifact.h"
#include "core/lease.h"
#include "core/scheduler_state.h"

namespace cromt {
namespace {

constexpr uint32_t kMostPassedOver = 1'000'000, kHighestPassedOver = 1 << 30;

// Leases held ahead of the slots, so that an agent never waits for the coordinator between two short tasks.
size_t FullWindow(const KnownAgent& agent) {
  return std::max<size_t>(2 * size_t{agent.hello->slots}, 64);
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

}  // namespace

std::vector<TaskRef> InOrder(const std::unordered_map<AttemptId, TaskRef>& attempts) {
  std::vector<TaskRef> refs;
  for (const auto& [id, ref] : attempts) refs.push_back(ref);
  std::sort(refs.begin(), refs.end(), [](const TaskRef& a, const TaskRef& b) {
    return std::tie(a.run->header.id, a.task) < std::tie(b.run->header.id, b.task);
  });
  return refs;
}

std::shared_ptr<Route> Scheduler::State::RouteAt(const std::string& address) {
  auto& route = routes[address];
  if (route) return route;
  route = std::make_shared<Route>();
  route->address = address;
  route->down_since = now.mono;
  out.effects.push_back(DialAgent{address});
  return route;
}

std::shared_ptr<KnownAgent> Scheduler::State::AgentOf(const AgentId& id) {
  auto& agent = agents[id];
  if (agent) return agent;
  agent = std::make_shared<KnownAgent>();
  agent->id = id;
  agent->silent_since = now.mono;
  return agent;
}

// From now on the route leads to this agent. The one before it may be reached by another, or be silent.
void Scheduler::State::Bind(const std::shared_ptr<Route>& route, const std::shared_ptr<KnownAgent>& agent) {
  auto before = std::exchange(route->agent, agent);
  agent->addresses.insert(route->address);
  if (!before || before == agent) return;
  before->addresses.erase(route->address);
  const std::string reason = fmt::format("another agent ({}) now answers at {}", agent->id.text(), route->address);
  if (before->via == route->address)
    Silence(before, reason);
  else if (!before->up())
    before->silent_reason = reason;
  ForgetIfNobody(before);
}

void Scheduler::State::ForgetIfNobody(const std::shared_ptr<KnownAgent>& agent) {
  if (!agent->addresses.empty() || !agent->attempts.empty() || !agent->held.empty()) return;
  SetTimer(agent->timer, std::nullopt, {{}, {}, agent->id});
  agents.erase(agent->id);
}

// The task's current attempt belongs to its agent until it is let go.
void Scheduler::State::Hold(const TaskRef& ref) {
  const TaskStatus& status = ref.run->tasks[ref.task];
  AgentOf(status.agent)->attempts.emplace(AttemptId{ref.run->header.id, ref.task, status.attempt}, ref);
}

void Scheduler::State::LetGo(const TaskRef& ref) {
  const TaskStatus& status = ref.run->tasks[ref.task];
  auto found = agents.find(status.agent);
  if (found == agents.end()) return;
  auto agent = found->second;
  if (agent->attempts.erase(AttemptId{ref.run->header.id, ref.task, status.attempt}) == 0) return;
  dirty.push_back(agent);
  ForgetIfNobody(agent);
}

void Scheduler::State::Enqueue(const TaskRef& ref) {
  auto route = RouteAt(ref.run->plan->host(ref.task).address);
  route->ready.Push(ref.run->plan->spec(ref.task).priority,
                    {ref, now.mono, ref.run->tasks[ref.task].queued_at.value_or(Wall{})});
  if (route->agent && route->agent->up())
    dirty.push_back(route->agent);
  else
    SetTimer(route, GivenUpAt(*route, {ref, now.mono}));
}

// Mostly at the end, or (given back, or tried again) at the beginning.
void ReadyLine::Push(int32_t priority, Ready ready) {
  Line& line = lines_[priority];
  const auto place = std::upper_bound(line.begin(), line.end(), ready,
                                      [](const Ready& a, const Ready& b) { return a.queued_at < b.queued_at; });
  line.insert(place, std::move(ready));
  ++size_;
}

ReadyLine::Ready ReadyLine::TakeFirst() {
  auto line = lines_.begin();
  Ready ready = std::move(line->second.front());
  line->second.pop_front();
  --size_;
  if (line->second.empty()) lines_.erase(line);
  return ready;
}

std::vector<ReadyLine::Ready> ReadyLine::TakeIf(const std::function<bool(const Ready&)>& take) {
  std::vector<Ready> taken;
  for (auto& [priority, line] : lines_) {
    auto rest = std::stable_partition(line.begin(), line.end(), [&](const Ready& ready) { return !take(ready); });
    std::move(rest, line.end(), std::back_inserter(taken));
    line.erase(rest, line.end());
  }
  std::erase_if(lines_, [](const auto& line) { return line.second.empty(); });
  size_ -= taken.size();
  return taken;
}

// Of the lines of its addresses the one whose first has the highest priority, or else has waited longest; null if
// nobody waits.
std::shared_ptr<Route> Scheduler::State::NextReady(const KnownAgent& agent) const {
  std::shared_ptr<Route> next;
  auto goes_before = [](const ReadyLine& a, const ReadyLine& b) {
    return a.first_priority() != b.first_priority() ? a.first_priority() > b.first_priority()
                                                    : a.first().since < b.first().since;
  };
  for (const std::string& address : agent.addresses) {
    const auto& route = routes.at(address);
    while (!route->ready.empty()) {
      const TaskRef& first = route->ready.first().ref;
      if (first.run->tasks[first.task].state == TaskState::kReady) break;
      route->ready.TakeFirst();  // it has moved on
    }
    if (!route->ready.empty() && (!next || goes_before(route->ready, next->ready))) next = route;
  }
  return next;
}

// By any of its addresses.
std::string Scheduler::State::WhyDrained(const KnownAgent& agent) const {
  if (drained.empty()) return "";
  for (const std::string& address : agent.addresses)
    if (auto found = drained.find(address); found != drained.end()) return DrainedText(found->second);
  return "";
}

std::string Scheduler::State::WhyNothingNew(const KnownAgent& agent) const {
  return agent.refuses.empty() ? WhyDrained(agent) : agent.refuses;
}

std::string DrainedText(const AgentDrained& drained) {
  return fmt::format("out of service by {}{}{}", drained.author.empty() ? "somebody" : drained.author,
                     drained.why.empty() ? "" : ": ", drained.why);
}

void Scheduler::State::On(const DrainAgent& event) {
  if (!routes.contains(event.address)) {
    out.effects.push_back(Reply{Fail(ErrorCode::kNotFound, "no agent is known at " + event.address)});
    return;
  }
  AgentDrained record{event.address, event.why, event.author, now.wall};
  drained.insert_or_assign(event.address, record);
  out.records.push_back(std::move(record));
  out.effects.push_back(Reply{RunId()});
}

void Scheduler::State::On(const ResumeAgent& event) {
  if (drained.erase(event.address) == 0) {
    out.effects.push_back(
        Reply{Fail(ErrorCode::kConflict, fmt::format("the agent at {} is not out of service", event.address))});
    return;
  }
  out.records.push_back(AgentResumed{event.address});
  out.effects.push_back(Reply{RunId()});
  if (auto route = routes.find(event.address); route != routes.end() && route->second->agent)
    dirty.push_back(route->second->agent);
}

void Scheduler::State::Dispatch(const std::shared_ptr<KnownAgent>& agent) {
  if (!WhyNothingNew(*agent).empty()) return;  // whoever has said so says when that is over
  if (agent->up() && now.mono < agent->paused_until) return SetTimer(agent);
  while (agent->up() && agent->attempts.size() < std::min(FullWindow(*agent), agent->window)) {
    auto route = NextReady(*agent);
    if (!route) return;
    LeaseOut(agent, route->ready.TakeFirst().ref);
  }
}

LeaseInput Scheduler::State::InputOf(const Run& run, const ArtifactsPublished& from,
                                     const PublishedArtifact& artifact) const {
  LeaseInput input{artifact.name, artifact, from.agent, {}, run.plan->host(from.task).id};
  if (auto holder = agents.find(from.agent); holder != agents.end() && holder->second->up())
    input.address = holder->second->via;
  else if (auto last = seen.find(from.agent); last != seen.end())
    input.address = last->second.address;
  if (input.address.empty()) input.address = run.plan->host(from.task).address;
  return input;
}

// Of several hosts the last listed one that has published it, or all.
Result<LeaseInputs> Scheduler::State::InputsOf(const TaskRef& ref) const {
  const Run& run = *ref.run;
  const auto& planned = run.plan->instances[run.plan->tasks[ref.task].instance].inputs;
  if (planned.empty()) return LeaseInputs();
  auto inputs = std::make_shared<std::vector<LeaseInput>>();
  for (const PlannedInput& wanted : planned) {
    const PlannedInstance& producer = run.plan->instances[wanted.producer];
    std::vector<LeaseInput> found;
    for (TaskIndex t = producer.first_task; t < producer.first_task + producer.task_count; ++t) {
      auto published = run.published.find(t);
      if (published == run.published.end()) continue;
      for (const PublishedArtifact& artifact : published->second.artifacts)
        if (artifact.name == wanted.name) found.push_back(InputOf(run, published->second, artifact));
    }
    if (found.empty())
      return Fail(ErrorCode::kNotFound,
                  fmt::format("artifact '{}' was not published by '{}'", wanted.name, producer.project));
    if (!wanted.all_hosts) found.erase(found.begin(), found.end() - 1);
    for (LeaseInput& input : found) {
      if (wanted.all_hosts) input.path = input.host + "/" + wanted.name;
      inputs->push_back(std::move(input));
    }
  }
  if (inputs->size() > kMaxLeaseInputs)
    return Fail(ErrorCode::kExhausted,
                fmt::format("the task takes {} artifacts; at most {} are allowed", inputs->size(), kMaxLeaseInputs));
  return LeaseInputs(std::move(inputs));
}

void Scheduler::State::LeaseOut(const std::shared_ptr<KnownAgent>& agent, const TaskRef& ref) {
  auto inputs = InputsOf(ref);
  if (!inputs) return EndTask(ref, TaskOutcome::kFailed, inputs.error().message);
  TaskStatus& status = ref.run->tasks[ref.task];
  status.state = TaskState::kLeased;
  ++status.attempt;
  status.agent = agent->id;
  status.journal = agent->hello->journal;
  status.reason.clear();
  Hold(ref);
  Changed(ref);
  const Plan& plan = *ref.run->plan;
  std::shared_ptr<const TaskSpec> spec(ref.run->plan, &plan.spec(ref.task));
  AttemptId id{ref.run->header.id, ref.task, status.attempt};
  out.effects.push_back(
      SendLease{agent->via, Lease{std::move(id), std::move(spec), plan.host(ref.task).id, std::move(*inputs)}});
}

// ---- Sessions ---------------------------------------------------------------------------------

void Scheduler::State::On(const AgentUp& event) {
  auto route = RouteAt(event.address);
  auto agent = AgentOf(event.hello.agent);
  Bind(route, agent);
  SetTimer(route->timer, std::nullopt, {{}, route->address, {}});
  dirty.push_back(agent);
  if (event.session < agent->session) {
    // The agent has closed this session for a newer one, which may have ended since: what was exchanged here is out of
    // date, and what is sent here arrives nowhere.
    if (agent->up()) {
      out.effects.push_back(HangUpAgent{event.address, "the same agent is reached at " + agent->via});
    } else {
      out.effects.push_back(HangUpAgent{event.address, "the agent has had a newer session since"});
      out.effects.push_back(DialAgent{event.address});
    }
    return;
  }
  if (agent->up() && agent->via != event.address)
    out.effects.push_back(HangUpAgent{agent->via, "the same agent is reached at " + event.address});
  agent->via = event.address;
  agent->session = event.session;
  agent->hello = event.hello;
  agent->shown_unreachable = false;
  agent->refuses = event.refuses;
  agent->warns = event.warns;
  SetTimer(agent);
  AgentSeen& last = seen[event.hello.agent];
  // A journal that was put back is not one to begin with: what was acknowledged of it is not said again.
  if (last.journal != event.hello.journal)
    last = {event.hello.agent, event.hello.journal, event.address, event.hello.acked_sequence, {}};
  // What its disk has lost of the journal was applied, and comes no more; others come by those numbers.
  if (event.hello.last_sequence) last.applied_sequence = std::min(last.applied_sequence, *event.hello.last_sequence);
  last.address = event.address;
  last.labels = event.hello.labels;
  out.records.push_back(last);
  Reconcile(agent, event);
}

// Whoever has leased these that are not known here, as a second coordinator may have: their numbers are used up. A
// lease under one of them would be taken for the one that is there, and be stopped with it. By task, the highest.
void Scheduler::State::PassOver(const std::map<std::pair<RunId, TaskIndex>, uint32_t>& attempts) {
  for (const auto& [task, attempt] : attempts) {
    const std::shared_ptr<Run>& run = runs.at(task.first);
    TaskStatus& status = run->tasks[task.second];
    if (status.state == TaskState::kFinished || InFlight(status.state) || attempt <= status.attempt) continue;
    status.attempt = attempt;
    Changed(TaskRef{run, task.second});
  }
}

// Whether the agent may have been leased it. Its word counts for its own tasks, and not for numbers that nobody can
// have reached: so that they last.
bool Scheduler::State::MayHave(const KnownAgent& agent, const AttemptId& id) const {
  const auto run = runs.find(id.run);
  if (run == runs.end() || id.task >= run->second->tasks.size()) return false;
  const uint64_t highest = std::min(run->second->tasks[id.task].attempt + kMostPassedOver, kHighestPassedOver);
  return id.attempt <= highest && agent.addresses.contains(run->second->plan->host(id.task).address);
}

// The exchange of full state: what each side believes of the attempts at this agent is made one.
void Scheduler::State::Reconcile(const std::shared_ptr<KnownAgent>& agent, const AgentUp& event) {
  std::vector<Verdict> verdicts;
  std::unordered_map<AttemptId, InventoryItem::Phase> has;
  std::map<std::pair<RunId, TaskIndex>, uint32_t> used_up;
  for (const InventoryItem& item : event.inventory) {
    has.emplace(item.id, item.phase);
    auto mine = agent->attempts.find(item.id);
    if (mine == agent->attempts.end()) {
      // Fenced, finished or never ours: what runs is stopped, what ended is forgotten once it was heard.
      bool ended = item.phase == InventoryItem::Phase::kEnded;
      verdicts.push_back({item.id, ended ? Verdict::Kind::kForget : Verdict::Kind::kStop});
      if (MayHave(*agent, item.id)) {
        uint32_t& highest = used_up[{item.id.run, item.id.task}];
        highest = std::max(highest, item.id.attempt);
      }
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
  out.effects.push_back(SendVerdicts{agent->via, std::move(verdicts)});
  PassOver(used_up);

  // What was lost in its silence is over once it has ended there, or nobody there knows of it.
  std::vector<AttemptId> over;
  for (const auto& [id, held] : agent->held)
    if (auto item = has.find(id); item == has.end() || item->second == InventoryItem::Phase::kEnded) over.push_back(id);
  for (const AttemptId& id : over) FreeLanes(agent, id);

  for (const TaskRef& ref : InOrder(agent->attempts)) {
    const TaskStatus& status = ref.run->tasks[ref.task];
    if (has.contains({ref.run->header.id, ref.task, status.attempt})) continue;
    if (status.journal != event.hello.journal)
      Lose(ref,
           fmt::format("lost: the agent at {} came back with a new journal", HostText(ref.run->plan->host(ref.task))));
    else if (status.started_at)
      Lose(ref, fmt::format("lost: the agent at {} no longer knows it, though it had started",
                            HostText(ref.run->plan->host(ref.task))));
    else
      Return(ref, "its lease did not arrive");  // no message of an older session is acted on: it never will
  }
}

void Scheduler::State::On(const AgentDown& event) {
  auto route = RouteAt(event.address);
  route->down_reason = event.reason;
  if (route->agent && route->agent->via == event.address) return Silence(route->agent, event.reason);
  if (route->agent && route->agent->up()) return;  // an alias; the agent is reached by another address
  SetTimer(route);
}

void Scheduler::State::On(const AgentRefuses& event) {
  auto route = routes.find(event.address);
  if (route == routes.end() || !route->second->agent || route->second->agent->via != event.address) return;
  route->second->agent->refuses = event.reason;
  route->second->agent->warns = event.warning;
  dirty.push_back(route->second->agent);
}

// Nothing is heard of it any more; whatever address it may come back by is dialled.
void Scheduler::State::Silence(const std::shared_ptr<KnownAgent>& agent, const std::string& reason) {
  agent->via.clear();
  agent->silent_since = now.mono;
  agent->silent_reason = reason;
  SetTimer(agent);
  for (const std::string& address : agent->addresses) {
    auto route = RouteAt(address);
    route->down_since = now.mono;
    route->down_reason = reason;
    out.effects.push_back(DialAgent{address});
    SetTimer(route);
  }
}

// ---- Reports ----------------------------------------------------------------------------------

void Scheduler::State::On(const AgentReported& event) {
  auto route = routes.find(event.address);
  if (route == routes.end() || !route->second->agent || event.reports.empty()) return;
  auto agent = route->second->agent;
  if (agent->via != event.address) return;
  AgentSeen& last = seen[agent->id];
  for (const Report& report : event.reports) {
    if (report.sequence <= last.applied_sequence) continue;  // said before
    if (report.sequence != last.applied_sequence + 1) {
      std::string reason = fmt::format("report {} came where {} was due", report.sequence, last.applied_sequence + 1);
      out.effects.push_back(HangUpAgent{event.address, reason});
      out.records.push_back(last);
      return Silence(agent, reason);  // the next session begins with what was not applied
    }
    last.applied_sequence = report.sequence;
    Apply(agent, report);
  }
  out.records.push_back(last);
  out.effects.push_back(SendAck{event.address, last.applied_sequence});
  dirty.push_back(agent);
}

void Scheduler::State::Apply(const std::shared_ptr<KnownAgent>& agent, const Report& report) {
  auto found = agent->attempts.find(report.id);
  if (found == agent->attempts.end()) {  // fenced: a superseded or lost attempt changes nothing of its task
    if (std::holds_alternative<AttemptResult>(report.fact)) FreeLanes(agent, report.id);
    return;
  }
  TaskRef ref = found->second;
  if (const auto* result = std::get_if<AttemptResult>(&report.fact)) {
    if (agent->window < FullWindow(*agent)) ++agent->window;  // it has room for one more
    return Ended(ref, *result);
  }
  TaskStatus& status = ref.run->tasks[ref.task];
  status.started_at = std::get<Report::Started>(report.fact).at;
  if (!status.stop_wanted) status.state = TaskState::kRunning;
  Changed(ref);
}

void Scheduler::State::Ended(const TaskRef& ref, const AttemptResult& result) {
  TaskStatus& status = ref.run->tasks[ref.task];
  bool returned = result.returned && result.kind == AttemptResult::Kind::kNotStarted && !status.started_at;
  if (returned && !status.stop_wanted) {
    auto agent = AgentOf(status.agent);
    agent->paused_until = now.mono + kReturnPause;
    agent->paused_reason = result.reason;
    Return(ref, result.reason);
    agent->window = agent->attempts.size() + 1;
    return;
  }
  if (!result.image_digest.empty())
    out.records.push_back(ImageRan{ref.run->header.id, ref.task, status.attempt, result.image_digest});
  status.exit = result.status;
  status.log_bytes = result.log_bytes;
  if (result.started_at) status.started_at = result.started_at;
  status.finished_at = result.ended_at.value_or(now.wall);
  switch (result.kind) {
    case AttemptResult::Kind::kExited: {
      auto [outcome, reason] = Judge(ref.run->plan->spec(ref.task).exit_policy, result.status.value_or(Exited{1}));
      if (outcome == TaskOutcome::kFailed && !result.reason.empty()) reason += ": " + result.reason;
      Publish(ref, result);
      return EndTry(ref, outcome, std::move(reason));
    }
    case AttemptResult::Kind::kNotPublished: return EndTry(ref, TaskOutcome::kFailed, result.reason);
    case AttemptResult::Kind::kStopped:
      return EndTask(ref, TaskOutcome::kCanceled, status.stop_wanted ? status.reason : result.reason);
    case AttemptResult::Kind::kTimedOut: return EndTry(ref, TaskOutcome::kTimedOut, result.reason);
    case AttemptResult::Kind::kNotStarted:
      if (status.stop_wanted) return EndTask(ref, TaskOutcome::kCanceled, status.reason);
      return EndTry(ref, TaskOutcome::kFailed, result.reason);
    case AttemptResult::Kind::kLost: return Lose(ref, result.reason);
  }
}

void Scheduler::State::Publish(const TaskRef& ref, const AttemptResult& result) {
  if (result.published.empty()) return;
  const TaskStatus& status = ref.run->tasks[ref.task];
  ArtifactsPublished published{ref.run->header.id, ref.task, status.attempt, status.agent, result.published};
  out.records.push_back(published);
  ref.run->published.insert_or_assign(ref.task, std::move(published));
}

// The attempt can't have begun: the task is ready again, in its place by its age. Its number is not used again, so that
// no message about it, however late, is taken for one about the next.
void Scheduler::State::Return(const TaskRef& ref, std::string reason) {
  TaskStatus& status = ref.run->tasks[ref.task];
  if (status.stop_wanted) return EndTask(ref, TaskOutcome::kCanceled, status.reason);
  LetGo(ref);
  status.state = TaskState::kReady;
  status.reason = std::move(reason);
  status.agent = {};
  status.journal = {};
  Changed(ref);
  Enqueue(ref);
}

}  // namespace cromt
