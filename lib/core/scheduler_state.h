// The scheduler's inside: its data and the steps that change it, in three groups of functions, one file each.
// Only core/scheduler*.cc include this.
#pragma once

#include <deque>
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
  GateResult blocked = GateResult::kOk;  // what it waited for ended badly: its tasks are skipped
  std::string blocked_by;                // the sentence that says so
  GateResult result = GateResult::kOk;   // of itself
  std::string cause;                     // the sentence for dependents
  std::vector<InstanceIndex> dependents;
  std::optional<InstanceIndex> after_of;
};

// One line: at most `depth` running, the rest in the order in which they became ready.
struct Group {
  uint32_t depth = 1;
  uint32_t running = 0;
  std::deque<TaskRef> line;
};

struct Run {
  RunHeader header;
  RunStatus status;
  std::shared_ptr<const Plan> plan;
  std::vector<TaskStatus> tasks;
  std::vector<bool> holds;  // by task: it has passed its groups' lines and counts in their `running`
  std::vector<InstanceProgress> instances;
  std::vector<std::shared_ptr<Group>> groups;  // by plan index; mesh-wide ones are shared with other runs
  uint32_t tasks_left = 0;                     // not finished
  uint32_t instances_left = 0;
  bool any_failed = false;
};

// An agent that tasks are meant for; known by address until it says its id.
struct Place {
  std::string address;                 // by which it is reached, or was asked for first
  std::vector<std::string> addresses;  // all of them
  bool up = false;
  std::optional<AgentHello> hello;  // the last one
  uint64_t session = 0;             // of that
  Mono down_since;
  std::string down_reason = "not reached yet";
  struct Ready {
    TaskRef ref;
    Mono since;
  };
  std::deque<Ready> ready;
  std::unordered_map<AttemptId, TaskRef> attempts;
  bool shown_unreachable = false;
  Mono paused_until{};  // it gave a lease back: no other before this
  std::optional<Mono> timer;
};

struct Scheduler::State {
  SchedulerLimits limits;
  std::unordered_map<RunId, std::shared_ptr<Run>> runs;
  std::unordered_map<RequestId, RunId> requests;         // of unfinished runs
  std::map<std::string, std::shared_ptr<Place>> places;  // by address; aliases share one
  std::unordered_map<AgentId, std::shared_ptr<Place>> agents;
  std::unordered_map<AgentId, AgentSeen> seen;
  std::map<std::string, std::weak_ptr<Group>> lanes;  // mesh-wide groups by name
  std::set<std::pair<Mono, std::string>> timers;      // (deadline, place's address)
  size_t tasks_left = 0;
  Wall last_queued{};  // each task's queued_at is later than the one before: it is the order of the lines after a
                       // restart

  // Of the Apply under way.
  Now now;
  Decision out;
  std::vector<std::shared_ptr<Place>> dirty;                          // may be able to take more leases
  std::deque<std::pair<std::shared_ptr<Run>, InstanceIndex>> opened;  // gates to open, worked off without recursion

  std::optional<std::vector<TaskRef>> restored;  // set while restoring: what is ready, not yet in its lines

  // scheduler.cc: events
  void On(const StartRun& event);
  void On(const SourcesResolved& event);
  void On(const SourcesFailed& event);
  void On(const CancelRun& event);
  void On(const CancelTask& event);
  void On(const AgentUp& event);
  void On(const AgentDown& event);
  void On(const AgentReported& event);
  void On(const ClockTick& event);
  Decision Finish();

  // scheduler_run.cc: runs, gates and groups
  std::shared_ptr<Run> Adopt(RunHeader header, RunStatus status, std::shared_ptr<const Plan> plan,
                             std::vector<TaskStatus> tasks);
  void Begin(const std::shared_ptr<Run>& run);
  void AskForSources(const std::shared_ptr<Run>& run);
  void WorkOffGates();
  void OpenGate(const std::shared_ptr<Run>& run, InstanceIndex instance);
  void PlaceTask(const TaskRef& ref);
  void ClaimInFlight(const std::shared_ptr<Run>& run);
  void JoinRestored();
  void JoinGroups(const TaskRef& ref);
  void AdvanceGroups(const TaskRef& ref);
  bool PassFirst(Group& group, std::vector<Group*>& changed);
  void LeaveGroups(const TaskRef& ref);
  void EndTask(const TaskRef& ref, TaskOutcome outcome, std::string reason);
  void AccountEnd(const std::shared_ptr<Run>& run, TaskIndex task);
  void TasksDone(const std::shared_ptr<Run>& run, InstanceIndex instance);
  void InstanceDone(const std::shared_ptr<Run>& run, InstanceIndex instance);
  void Release(const std::shared_ptr<Run>& run, InstanceIndex waiting, const InstanceProgress& ended);
  void FinishRunIfDone(const std::shared_ptr<Run>& run);
  void EndUnstarted(const std::shared_ptr<Run>& run, const std::string& reason);
  void EndRun(const std::shared_ptr<Run>& run, RunOutcome outcome, std::string reason);
  void RequestStop(const TaskRef& ref, const std::string& reason);
  void Changed(const TaskRef& ref);
  void Changed(const std::shared_ptr<Run>& run);

  // scheduler_agents.cc: agents, leases and reports
  std::shared_ptr<Place> PlaceAt(const std::string& address);
  void Enqueue(const TaskRef& ref, bool front);
  void Dispatch(const std::shared_ptr<Place>& place);
  void LeaseOut(const std::shared_ptr<Place>& place, const TaskRef& ref);
  std::shared_ptr<Place> PlaceOf(const AgentUp& event);
  void MergeRestored(const std::shared_ptr<Place>& here, const AgentUp& event);
  std::shared_ptr<Place> SplitOff(const std::shared_ptr<Place>& place, const std::string& address);
  void Merge(const std::shared_ptr<Place>& into, const std::shared_ptr<Place>& place);
  void Disconnected(const std::shared_ptr<Place>& place, const std::string& reason);
  void RefuseOlder(const std::shared_ptr<Place>& newer, const AgentUp& event);
  void Reconcile(const std::shared_ptr<Place>& place, const AgentUp& event);
  void Apply(const std::shared_ptr<Place>& place, const Report& report);
  void Ended(const TaskRef& ref, const AttemptResult& result);
  void Return(const TaskRef& ref);
  void SetTimer(const std::shared_ptr<Place>& place);
  void ClearTimer(const std::shared_ptr<Place>& place);
  void PlaceTimeout(const std::shared_ptr<Place>& place);
};

}  // namespace cromt
