// The scheduler: all unfinished runs, the agents they wait for, and every decision about them.
//
// Facts in, effects out: Apply takes one event and the time and returns what must be stored and what should then be
// done. It owns no thread, clock, socket or file; the same events at the same times give the same decisions. The
// caller stores a decision's records before it lets the effects out (coordinator/engine.h does; so does the simulator).
//
// Not thread-safe: one owner calls everything.
//
// Invariants (Check() walks them):
// 1. A task is at one place: waiting for its instance's gate, in a group's line, in its address's ready line, or one
//    of its agent's attempts; a finished task is nowhere.
// 2. A group's `running` is the number of its tasks that have passed its line and have not finished. It is at most its
//    depth, unless a restored store found more running.
// 3. An instance's counters say how many needs, tasks and after instances have not ended.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/effect.h"
#include "core/event.h"
#include "core/why.h"

namespace cromt {

struct SchedulerLimits {
  uint32_t unfinished_runs = 10'000;
  uint32_t unfinished_tasks = 2'000'000;
  size_t bytes = size_t{4} << 30;  // of what the tasks of unfinished runs do
  uint32_t agents = 20'000;
};

// An unfinished run as the store holds it.
struct StoredRun {
  RunHeader header;
  RunStatus status;
  std::shared_ptr<const Plan> plan;
  std::vector<TaskStatus> tasks;  // one per task of the plan
  std::vector<ArtifactsPublished> artifacts;
  std::vector<ImageRan> images = {};  // of all attempts; the scheduler has no use for them
};

// What a change of a task takes in the store at most, about: its row and a transition, in the log and in the database.
inline constexpr size_t kStoredTaskBytes = 512;

// An agent as a person sees it in a list.
struct AgentView {
  std::string address;
  AgentId agent;  // empty until it was reached once
  bool up = false;
  std::string reason;  // why it is down, why it is not dialled, or (up) why it takes no leases
  uint32_t slots = 0;
  uint32_t attempts = 0;  // leased or running there
  uint32_t ready = 0;     // waiting for it
  std::string version;
  std::string drained = {};                   // why it was taken out of service, and by whom; empty = it was not
  std::map<std::string, std::string> labels;  // as it stated them last, maybe to an earlier coordinator process
  std::vector<std::string> names;             // that the configuration gives its address; the coordinator fills them in
};

class Scheduler {
 public:
  explicit Scheduler(SchedulerLimits limits = {});
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Takes up what the store holds. Call once, before the first Apply. The decision's effects dial the agents and
  // resolve the sources that the runs need.
  // REQUIRES: each plan is valid and has as many tasks as there are statuses.
  Decision Restore(std::vector<StoredRun> runs, std::vector<AgentSeen> agents, std::vector<LaneHeld> held, Now now,
                   std::vector<AgentDrained> drained = {});

  Decision Apply(const Event& event, Now now);

  // When Apply(ClockTick) is next needed; nullopt = not before another event.
  std::optional<Mono> NextDeadline() const;

  // Keeps a session open with this address though no run needs it yet (the `agents:` of the configuration).
  Decision WatchAgent(const std::string& address, Now now);

  std::vector<AgentView> Agents() const;

  // Why a task of an unfinished run waits, for whom, and who holds what it waits for; for the run itself without
  // `task`. kNotFound for one that is not unfinished. Linear in what is looked at: a lane's line, an agent's, all
  // tasks for who holds a lane; of a run only its first tasks that wait for no other project are asked.
  Result<WhyLines> Why(const RunId& run, std::optional<TaskIndex> task, Now now) const;

  // Where each of these blobs is that this agent asks for: an artifact at its holder, or (nullopt) files of a
  // repository, which are ours to bring. kDenied for what no attempt that it has takes, or what it has published
  // itself. Linear in what its attempts take.
  using BlobSource = Result<std::optional<LeaseInput>>;
  std::vector<BlobSource> SourcesFor(const AgentId& agent, const std::vector<Digest>& wanted) const;
  // Of this agent's reports as many are applied, 0 if none ever came; nullopt if they were of another journal.
  std::optional<uint64_t> AppliedOf(const AgentId& agent, const JournalId& journal) const;
  size_t unfinished_runs() const;
  bool IsUnfinished(const RunId& run) const;
  // Those with an attempt that was lost and still holds lanes. Linear in the agents.
  std::set<RunId> RunsThatHoldLanes() const;
  // The newest run that was started for this project and has not finished.
  std::optional<RunId> UnfinishedOf(const std::string& project) const;
  size_t unfinished_tasks() const;
  // So many bytes the largest of its decisions may take to be stored: that all tasks end, or that a plan is written
  // anew.
  size_t largest_decision_bytes() const;

  // Walks all cross-references; a sentence for the first that does not hold, else empty. Linear; for tests.
  std::string Check() const;
  // Every unfinished run as the store must hold it, by id; for tests.
  std::vector<StoredRun> Unfinished() const;
  // What is still held or counted where no run is unfinished; a sentence, else empty. Lanes that a lost attempt keeps
  // are not meant. For tests.
  std::string Leftover() const;

  struct State;  // its inside (scheduler_state.h)

 private:
  std::unique_ptr<State> state_;
};

}  // namespace cromt
