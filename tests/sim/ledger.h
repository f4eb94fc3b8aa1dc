// What really happened, kept apart from the code under test: what clients were told, and which processes ran when on
// the simulated hosts. The checkers compare the cluster with this.
//
// Checked while it happens:    2. a task has one process at most, ever, unless it is tried again after a bad end, or
//                              after a loss where its project asks for that   3. it starts only after what it needs
//                              and as its `when` says   5. a group never runs more than its depth
// Checked of the final store:  1. acknowledged starts exist and finished, once    2. outcomes are what the processes
// did
//                              a run's outcome follows from its tasks; a clean-up has run
//                              8. no process was ended but by itself, its time limit or somebody's wish, or with its
//                              machine or launcher
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/control.h"
#include "core/plan.h"
#include "tests/sim/timeline.h"

namespace cromt::sim {

struct ProcessRecord {
  AttemptId id;
  size_t host = 0;
  std::optional<AttemptResult> result;  // once it has ended; kLost if it died with its host or launcher
};

// How the reason begins of an attempt that could not get its files: no task ends for that.
inline constexpr char kFilesRefused[] = "it was refused its files: ";

class Ledger {
 public:
  // `hosts` by address, aliases included.
  Ledger(Timeline& timeline, std::map<std::string, size_t> hosts) : timeline_(timeline), hosts_(std::move(hosts)) {}

  // ---- What clients wish and are told -----------------------------------------------------------

  // Tasks that have ended in an earlier run, and are not done again.
  struct Taken {
    TaskOutcome outcome = TaskOutcome::kSucceeded;
    std::vector<PublishedArtifact> artifacts;
  };
  using TakenOver = std::map<TaskIndex, Taken>;
  // A start was sent that may become this run.
  void Offered(const RunId& run, const RequestId& request, std::shared_ptr<const Plan> plan, TakenOver taken_over = {});
  void StartAcknowledged(const RequestId& request, const RunId& run);
  // An agent is given a job without a coordinator, which may get this id.
  void JobOffered(const RunId& job) { jobs_.insert(job); }
  // No task: the run.
  void CancelOffered(const RunId& run, std::optional<TaskIndex> task);
  void RunCancelAcknowledged(const RunId& run);
  std::shared_ptr<const Plan> PlanOf(const RunId& run) const;

  // ---- What happens on hosts --------------------------------------------------------------------

  // The index of the new process.
  size_t ProcessStarted(const AttemptId& id, size_t host);
  // Its process is asked for, and finds these artifacts.
  void CheckInputs(const AttemptId& id, const LeaseInputs& inputs);
  void ProcessEnded(size_t process, AttemptResult result);
  bool HasStarted(const AttemptId& id) const;
  // Null: none has begun.
  const ProcessRecord* LastProcess(const RunId& run, TaskIndex task) const;
  // Its agent may not know that this has begun.
  bool MayBeForgotten(const ProcessRecord& process) const;
  // Called with each process that begins.
  void OnProcess(std::function<void(const AttemptId&)> callback) { on_process_ = std::move(callback); }
  // It could not be read, prepared or spawned.
  void CouldNotStart(const AttemptId& id) { could_not_start_.insert(id); }
  // Something kept the agent from being heard, however shortly.
  void HostWasTroubled(size_t host) { troubled_.insert(host); }
  // No session could be had with the host for a while.
  void HostWasAway(size_t host) { away_.insert(host); }
  // Attempts may be lost there: its launcher died, it was restarted, or it was away for long.
  void HostMayLose(size_t host) { may_lose_.insert(host); }
  // Its agent may have forgotten what has begun and ended there, up to now.
  void JournalIsCut(size_t host) {
    HostMayLose(host);
    cut_[host] = processes_.size();
  }
  bool MayLose(size_t host) const { return may_lose_.contains(host); }
  bool MayNotStart(const AttemptId& id) const { return could_not_start_.contains(id); }
  void SourcesFailed(const RunId& run) { sources_failed_.insert(run); }

  // ---- A store that goes back (docs/reliability.md says what may become of what) -----------------

  void StoreCopied(const std::vector<RunView>& runs);
  // It is again as it was when it was copied.
  void StoreWentBack();
  bool went_back() const { return went_back_; }
  // An agent has it, and it fits nothing in the store.
  void Kept(const AttemptId& id) { kept_.insert({id.run, id.task}); }
  // Of processes that begin from here on the store tells what happened, as ever.
  void StoreRecovered();
  // A lease leaves. Those of before the store went back may arrive later, and maybe nobody can prove them then.
  void Leased(const AttemptId& id) { leased_.insert(id); }
  // Who has it is told to stop it by a life that began with as many commits as had been made when it was leased, so
  // that it can't prove that this was before the store went back.
  void StopsWithoutProof(const AttemptId& id) {
    if (went_back_ && !recovered_ && leased_before_back_.contains(id)) unproven_.insert(id);
  }
  // An agent that may have known better than the store has forgotten all.
  void AgentForgets();
  // An agent turns to a second coordinator, which goes on from the copy. From then on the first does not know all, so
  // lanes are not judged. What the second has done is told of by no store, which shows once the first is recovered: as
  // if its store had gone back, of runs that both have known.
  void SecondIsHeard();
  // Who has heard it has forgotten all, before the first was recovered (docs/reliability.md: nobody can prove it then).
  void ProofIsLost();
  bool second_is_heard() const { return second_is_heard_; }
  // It has started this one by itself.
  void SecondStarts(const RunId& run) { shaken_.insert(run); }
  // Neither knows of the other as long as no agent has talked to both. Then each may have done this one, and the first
  // may have had it stopped as what it did not lease.
  void SecondLeases(const AttemptId& id) {
    leased_by_second_.insert({id.run, id.task});
    second_leases_.insert(id);
  }
  // What the store that went back had leased.
  bool WasLeasedBefore(const AttemptId& id) const { return leased_before_back_.contains(id); }
  bool IsLeasedBySecond(const AttemptId& id) const { return second_leases_.contains(id); }
  // By its own clock the run may take too long there, while the first lets it go on.
  void SecondStops(const AttemptId& id) { stopped_by_second_.insert({id.run, id.task}); }

  // ---- The end ----------------------------------------------------------------------------------

  // Every run of the store, with its tasks.
  void CheckFinal(const std::vector<RunView>& runs);

  void Violation(const std::string& what);
  const std::vector<std::string>& violations() const { return violations_; }
  size_t processes() const { return processes_.size(); }

 private:
  using Task = std::pair<RunId, TaskIndex>;
  struct Wish {
    RequestId request;
    std::shared_ptr<const Plan> plan;
    uint32_t cancels_offered = 0;
    std::set<TaskIndex> task_cancels;
    TakenOver taken_over;
  };
  struct Published {
    std::set<std::string> possible;  // digests
    bool certain = false;            // the last of it, whatever the coordinator believes
  };

  // What the tasks of an instance may have ended as in the coordinator's eyes, the worst counting. None of it: some
  // run.
  struct Possible {
    bool well = false, early = false, badly = false;
  };
  Possible TaskEnded(const Wish& wish, const RunId& run, TaskIndex task) const;
  Possible TasksEnded(const Wish& wish, const RunId& run, InstanceIndex instance) const;
  bool MayBeUnwanted(const Wish& wish, const RunId& run, InstanceIndex instance) const;
  bool MayBeWanted(const Wish& wish, const RunId& run, InstanceIndex instance) const;
  bool EndedWell(const Wish& wish, const RunId& run, InstanceIndex instance, std::set<InstanceIndex>& seen) const;
  bool CertainlyEndedWell(const Wish& wish, const RunId& run, InstanceIndex instance,
                          std::set<InstanceIndex>& seen) const;
  bool NeedsEndedWell(const Wish& wish, const RunId& run, InstanceIndex instance, std::set<InstanceIndex>& seen) const;
  // Why a task may not have another process; empty if it may.
  std::string WhyNoOther(const Wish& wish, const AttemptId& id, const std::vector<size_t>& earlier) const;
  // Its agent may have been silent for longer than its project waits, or it may have been lost otherwise.
  bool MayBeLost(const Wish& wish, TaskIndex task, size_t host) const;
  // Its run was not over when the store was copied, or not there: what was done since then is not in the store.
  bool IsShaken(const RunId& run) const { return shaken_.contains(run); }
  // From here on what was done of the runs in the copy may be told of by no store.
  void Shake();
  // What the copy said of a task of such a run; null if it was not there.
  const TaskStatus* InCopy(const RunId& run, TaskIndex task) const;
  bool MayDiffer(const RunId& run, const TaskView& task) const;
  void CheckEnds(const std::set<RunId>& in_time, const std::set<AttemptId>& canceled);
  Published PublishedBy(const Wish& wish, const RunId& run, TaskIndex task, const std::string& name) const;
  // Nobody may have published what it wants.
  bool MayLackInput(const Wish& wish, const RunId& run, TaskIndex task) const;
  bool MayNotHaveStarted(const Wish& wish, const RunId& run, TaskIndex task) const;
  std::string WhyNoCleanUp(const Wish& wish, const RunView& run, const TaskView& task) const;
  void CheckOrder(const Wish& wish, const AttemptId& id);
  void CheckGroups(const Wish& wish, const AttemptId& id);
  uint32_t MayBeLostIn(const Wish& wish, const RunId& run, uint32_t group) const;
  std::string GroupKey(const RunId& run, const PlannedGroup& group) const;
  void CheckRun(const RunView& run);
  void CheckTask(const Wish& wish, const RunView& run, const TaskView& task);
  std::string WhyWrong(const Wish& wish, const RunView& run, const TaskView& task, const ProcessRecord* process) const;

  Timeline& timeline_;
  std::map<std::string, size_t> hosts_;
  std::map<RunId, Wish> wishes_;
  std::map<RequestId, RunId> acknowledged_;
  std::set<RunId> canceled_;
  std::set<RunId> jobs_;
  std::set<RunId> sources_failed_;
  std::vector<ProcessRecord> processes_;
  std::map<Task, std::vector<size_t>> by_task_;
  std::function<void(const AttemptId&)> on_process_;
  std::set<RunId> runs_with_processes_;
  std::map<std::string, uint32_t> running_in_group_;
  std::set<AttemptId> could_not_start_;
  std::set<size_t> away_, may_lose_, troubled_;
  std::map<size_t, size_t> cut_;  // how many processes had begun anywhere when the journal of this host was cut
  std::map<RunId, RunView> copy_;
  std::set<RequestId> acknowledged_since_;  // since the copy was made
  std::set<RunId> canceled_since_;
  std::set<RunId> shaken_;
  std::set<Task> kept_;
  bool went_back_ = false;  // or was recovered
  bool recovered_ = false;
  std::set<AttemptId> leased_, leased_before_back_, unproven_;
  bool second_is_heard_ = false;
  std::set<Task> leased_by_second_, stopped_by_second_;
  std::set<AttemptId> second_leases_;
  size_t before_back_ = 0;  // as many processes had begun before that, or before it was recovered
  std::vector<std::string> violations_;
};

// What an exit means by the task's rule; the checker's own reading of it.
TaskOutcome Meaning(const ExitPolicy& policy, const AttemptResult& result);

}  // namespace cromt::sim
