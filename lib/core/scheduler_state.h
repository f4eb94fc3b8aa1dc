// The scheduler's inside: its data and the steps that change it, in groups of functions, one file each.
// Only core/scheduler*.cc include this.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/scheduler.h"

namespace cromt {

struct Run;

// A task of an unfinished run. Lines hold these; an entry whose task has moved on is skipped when its turn comes.
struct TaskRef {
  std::shared_ptr<Run> run;
  TaskIndex task = 0;
};

// What an ended instance means for those that wait for it; the worse wins.
enum class GateResult { kOk, kPruned, kFailed };

struct InstanceProgress {
  bool open = false;        // its start gate
  uint32_t unmet = 0;       // needs (and, for an after instance, its parent's tasks) that have not ended
  uint32_t tasks_left = 0;  // that have not ended, or ended before the gate opened
  uint32_t after_left = 0;
  bool is_cleanup = false;  // known once its gate opens
  uint32_t failures = 0;    // of its tasks, those that `max_failures` bounds
  bool unwanted = false;    // what it comes after has not ended as its `when` says: skipped, which is nobody's failure
  GateResult blocked = GateResult::kOk;  // what it waited for ended badly: its tasks are skipped
  std::string blocked_by;                // the sentence that says so, or why it is unwanted
  GateResult result = GateResult::kOk;   // of itself
  std::string cause;                     // the sentence for dependents
  std::vector<InstanceIndex> dependents;
  std::optional<InstanceIndex> after_of;
};

// One line: at most `depth` running, the rest in the order in which they became ready.
struct Group {
  uint32_t depth = 1;
  uint32_t running = 0;
  uint32_t restored = 0;  // of `running`, the most since it fell: more than `depth` after a recovery that found them so
  std::deque<TaskRef> line;

  // What runs already, or holds its place as if it did.
  void Restore() { restored = std::max(restored, ++running); }
  void Leave() { restored = std::min(restored, --running); }
};

struct Run {
  RunHeader header;
  RunStatus status;
  std::shared_ptr<const Plan> plan;
  std::vector<TaskStatus> tasks;
  std::map<TaskIndex, ArtifactsPublished> published;
  std::vector<bool> holds;  // by task: it has passed its groups' lines and counts in their `running`
  std::vector<InstanceProgress> instances;
  std::vector<std::shared_ptr<Group>> groups;  // by plan index; mesh-wide ones are shared with other runs
  uint32_t tasks_left = 0;                     // not finished
  size_t bytes = 0;                            // of its specs
  uint32_t instances_left = 0;
  bool any_failed = false;
};

// Whether a cancel of the run covers what has not started of this instance, and stops what has.
inline bool IsCanceled(const Run& run, InstanceIndex instance) {
  if (run.status.cancel == CancelWish::kAllButCleanups) return !run.instances[instance].is_cleanup;
  return run.status.cancel == CancelWish::kAll;
}

struct KnownAgent;

// Lanes that a lost attempt keeps until its end is known.
struct HeldLanes {
  LaneHeld record;
  std::vector<std::shared_ptr<Group>> groups;
};

// What is ready at an address: the higher priority first, then who is ready for longest, whether or not it was leased
// and given back meanwhile. Mostly there is one priority, so a line for each is kept.
class ReadyLine {
 public:
  struct Ready {
    TaskRef ref;
    Mono since;
    Wall queued_at = {};  // its task's, by which it has its place
  };
  using Line = std::deque<Ready>;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  void Push(int32_t priority, Ready ready);
  // REQUIRES: not empty.
  const Ready& first() const { return lines_.begin()->second.front(); }
  int32_t first_priority() const { return lines_.begin()->first; }
  Ready TakeFirst();
  // Each line by its priority.
  const std::map<int32_t, Line, std::greater<>>& lines() const { return lines_; }
  // Takes out those for which `take` is true.
  std::vector<Ready> TakeIf(const std::function<bool(const Ready&)>& take);

 private:
  std::map<int32_t, Line, std::greater<>> lines_;  // none empty
  size_t size_ = 0;
};

// An address that tasks are meant for, and the line of those that are ready.
struct Route {
  std::string address;
  std::shared_ptr<KnownAgent> agent;  // who answered here last; null = nobody yet
  ReadyLine ready;
  Mono down_since;
  std::string down_reason = "not reached yet";
  std::optional<Mono> timer;
};

// An agent, known by its id. Attempts belong to the agent that they were leased to, by whichever address it is reached:
// several may lead to it, and one may come to lead to another agent.
struct KnownAgent {
  AgentId id;
  std::set<std::string> addresses;  // of the routes where it answered last
  std::string via;                  // the address of its session; empty = it is silent
  uint64_t session = 0;             // the number of that session
  std::optional<AgentHello> hello;  // the last one; none before its first session with this coordinator process
  std::unordered_map<AttemptId, TaskRef> attempts;
  std::map<AttemptId, HeldLanes> held;  // lost in its silence
  Mono silent_since;
  std::string silent_reason = "not reached yet";
  bool shown_unreachable = false;
  Mono paused_until{};       // it gave a lease back: no other before this
  size_t window = SIZE_MAX;  // so many leases; fewer than usual once it gave one back
  std::string refuses;       // why it takes none, by its own word in this session; empty = it does
  std::string warns;         // what will soon keep it from that, likewise
  std::string paused_reason;
  std::optional<Mono> timer;

  bool up() const { return !via.empty(); }
};

// A deadline of a route or of an agent; the other of the two is empty.
struct SchedulerTimer {
  Mono at;
  std::string address;
  AgentId agent;
  friend auto operator<=>(const SchedulerTimer&, const SchedulerTimer&) = default;
};

// When a task that waits for its next try is ready again; out of date if the task has moved on.
struct RetryTimer {
  Mono at;
  RunId run;
  TaskIndex task = 0;
  friend auto operator<=>(const RetryTimer&, const RetryTimer&) = default;
};

// When a run's time is over; out of date if it has finished.
struct RunTimer {
  Mono at;
  RunId run;
  friend auto operator<=>(const RunTimer&, const RunTimer&) = default;
};

// "out of service by ann: disk".
std::string DrainedText(const AgentDrained& drained);
// When nobody waits any longer for an agent at the route's address to start this.
Mono GivenUpAt(const Route& route, const ReadyLine::Ready& ready);
// How many wait there; some in its line may have moved on. Linear in it.
size_t StillWaiting(const Route& route);
// How long a task that waits for its next try still does.
Duration RetryWait(const RetryPolicy& policy, const TaskStatus& status, Wall now);
// By run and task, so that the same facts give the same decisions.
std::vector<TaskRef> InOrder(const std::unordered_map<AttemptId, TaskRef>& attempts);

struct Scheduler::State {
  SchedulerLimits limits;
  std::unordered_map<RunId, std::shared_ptr<Run>> runs;
  std::map<std::string, AgentDrained> drained;                  // by address
  std::unordered_map<RequestId, RunId> requests;                // of unfinished runs
  std::unordered_map<std::string, std::vector<RunId>> runs_of;  // by project, oldest first; none is empty
  std::map<std::string, std::shared_ptr<Route>> routes;         // by address
  std::map<AgentId, std::shared_ptr<KnownAgent>> agents;
  std::unordered_map<AgentId, AgentSeen> seen;
  std::map<std::string, std::weak_ptr<Group>> lanes;  // mesh-wide groups by name
  std::set<SchedulerTimer> timers;
  std::set<RetryTimer> retry_timers;
  std::set<RunTimer> run_timers;
  size_t tasks_left = 0;
  size_t bytes = 0;       // of the specs of all runs
  size_t most_bytes = 0;  // of those of one run that was unfinished at some time
  Wall last_queued{};     // each task's queued_at is later than the one before: it is the order of the lines after a
                          // restart

  // Of the Apply under way.
  Now now;
  Decision out;
  std::vector<std::shared_ptr<KnownAgent>> dirty;                     // may be able to take more leases
  std::deque<std::pair<std::shared_ptr<Run>, InstanceIndex>> opened;  // gates to open, worked off without recursion

  std::optional<std::vector<TaskRef>> restored;  // set while restoring: what is ready, not yet in its lines

  // scheduler.cc: events
  void On(const StartRun& event);
  void On(const SourcesResolved& event);
  void On(const SourcesFailed& event);
  void On(const CancelRun& event);
  void On(const CancelTask& event);
  void On(const ForgetAgent& event);
  void On(const DrainAgent& event);
  void On(const ResumeAgent& event);
  void On(const AgentUp& event);
  void On(const AgentDown& event);
  void On(const AgentRefuses& event);
  void On(const Resumed& event);
  void On(const AgentReported& event);
  void On(const ClockTick& event);
  Decision Finish();

  // scheduler_run.cc: runs, gates and groups
  std::shared_ptr<Run> Adopt(RunHeader header, RunStatus status, std::shared_ptr<const Plan> plan,
                             std::vector<TaskStatus> tasks, std::vector<ArtifactsPublished> artifacts);
  void Begin(const std::shared_ptr<Run>& run);
  void AskForSources(const std::shared_ptr<Run>& run);
  void WorkOffGates();
  void OpenGate(const std::shared_ptr<Run>& run, InstanceIndex instance);
  void PlaceTask(const TaskRef& ref);
  void ClaimInFlight(const std::shared_ptr<Run>& run);
  void JoinRestored();
  void JoinGroups(const TaskRef& ref);
  void AdvanceGroups(const TaskRef& ref);
  void Advance(std::vector<Group*> changed);
  bool PassFirst(Group& group, std::vector<Group*>& changed);
  void LeaveGroups(const TaskRef& ref);
  void EndTask(const TaskRef& ref, TaskOutcome outcome, std::string reason, bool allowed = false);
  void EndTry(const TaskRef& ref, TaskOutcome outcome, std::string reason);
  void TryAgain(const TaskRef& ref, std::string reason, bool keeps_place);
  void WaitForRetry(const TaskRef& ref);
  void RetryDue(const RetryTimer& timer);
  void AccountEnd(const std::shared_ptr<Run>& run, TaskIndex task);
  void TasksDone(const std::shared_ptr<Run>& run, InstanceIndex instance);
  void InstanceDone(const std::shared_ptr<Run>& run, InstanceIndex instance);
  void ReleaseAfter(const std::shared_ptr<Run>& run, InstanceIndex parent, InstanceIndex child);
  void Met(const std::shared_ptr<Run>& run, InstanceIndex waiting);
  void FinishRunIfDone(const std::shared_ptr<Run>& run);
  void StopRun(const std::shared_ptr<Run>& run, CancelWish wish, const std::string& reason);
  void RunTimedOut(const std::shared_ptr<Run>& run);
  bool IsAllowed(const std::shared_ptr<Run>& run, TaskIndex task, TaskOutcome outcome);
  std::shared_ptr<Group> LaneNamed(const std::string& name);
  void EndUnstarted(const std::shared_ptr<Run>& run, const std::string& reason);
  void EndRun(const std::shared_ptr<Run>& run, RunOutcome outcome, std::string reason);
  void RequestStop(const TaskRef& ref, const std::string& reason);
  void Changed(const TaskRef& ref);
  void Changed(const std::shared_ptr<Run>& run);

  // scheduler_agents.cc: agents, leases and reports
  std::shared_ptr<Route> RouteAt(const std::string& address);
  std::shared_ptr<KnownAgent> AgentOf(const AgentId& id);
  void Bind(const std::shared_ptr<Route>& route, const std::shared_ptr<KnownAgent>& agent);
  void ForgetIfNobody(const std::shared_ptr<KnownAgent>& agent);
  void Hold(const TaskRef& ref);
  void LetGo(const TaskRef& ref);
  void Enqueue(const TaskRef& ref);
  // Why it is out of service; "" = it is not.
  std::string WhyDrained(const KnownAgent& agent) const;
  // The same, or why it takes no leases by its own word.
  std::string WhyNothingNew(const KnownAgent& agent) const;
  void Dispatch(const std::shared_ptr<KnownAgent>& agent);
  std::shared_ptr<Route> NextReady(const KnownAgent& agent) const;
  void LeaseOut(const std::shared_ptr<KnownAgent>& agent, const TaskRef& ref);
  Result<LeaseInputs> InputsOf(const TaskRef& ref) const;
  LeaseInput InputOf(const Run& run, const ArtifactsPublished& from, const PublishedArtifact& artifact) const;
  void Publish(const TaskRef& ref, const AttemptResult& result);
  void Silence(const std::shared_ptr<KnownAgent>& agent, const std::string& reason);
  bool MayHave(const KnownAgent& agent, const AttemptId& id) const;
  void PassOver(const std::map<std::pair<RunId, TaskIndex>, uint32_t>& attempts);
  void Reconcile(const std::shared_ptr<KnownAgent>& agent, const AgentUp& event);
  void Apply(const std::shared_ptr<KnownAgent>& agent, const Report& report);
  void Ended(const TaskRef& ref, const AttemptResult& result);
  void Return(const TaskRef& ref, std::string reason);

  // scheduler_silence.cc
  // Where it is tried again, does it keep its place in its lines, as where its agent says itself that it is lost?
  void Lose(const TaskRef& ref, std::string reason, bool keeps_place = true);
  void KeepLanes(const TaskRef& ref);
  void FreeLanes(const std::shared_ptr<KnownAgent>& agent, const AttemptId& id);
  void Restore(LaneHeld held);
  bool WasAt(const KnownAgent& agent, const std::string& address) const;
  void Forget(const std::shared_ptr<KnownAgent>& agent, const std::string& author);
  void SetTimer(const std::shared_ptr<Route>& route);
  void SetTimer(const std::shared_ptr<Route>& route, Mono at_latest);
  void SetTimer(const std::shared_ptr<KnownAgent>& agent);
  void SetTimer(std::optional<Mono>& current, std::optional<Mono> next, SchedulerTimer timer);
  void Timeout(const std::shared_ptr<Route>& route);
  void Timeout(const std::shared_ptr<KnownAgent>& agent);
};

}  // namespace cromt
