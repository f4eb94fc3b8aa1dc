// What the commits of a coordinator say, read apart from its code, and what must be true of them.
//
// Checked of each commit:  a finished task stays as it is; attempts are counted one by one, and none is leased of what
//                          was to be stopped; who has waited longest at an address, or has the higher priority, is
//                          leased first; of a lane, who came first; nothing is given up, tried again or called lost
//                          before its time; of what starts by itself and says so, one run at a time.
// Of what leaves:          a lease, a stop, an ack and an answer tell of nothing that is not committed, and a verdict
//                          keeps nothing that was over before its session.
// Of a process:            its attempt is the current one when it begins.
// Of what a coordinator takes up: it is what was committed.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "coordinator/store/store.h"
#include "coordinator/transport.h"
#include "core/control.h"
#include "core/event.h"
#include "core/job_file.h"
#include "core/messages.h"
#include "tests/sim/ledger.h"
#include "tests/sim/timeline.h"

namespace cromt::sim {

class CommitCheck {
 public:
  struct Task {
    TaskStatus status;
    Duration since{0};                        // it is in this state, by the simulation's clock
    std::optional<Duration> stop_since = {};  // it is to be stopped
    std::map<uint32_t, Duration> over;        // attempts that are not current any more, and since when
  };
  struct RunOf {
    RunHeader header;
    RunStatus status;
    std::shared_ptr<const Plan> plan;
    std::vector<Task> tasks;
  };

  CommitCheck(const Timeline& timeline, Ledger& ledger) : timeline_(timeline), ledger_(ledger) {}
  // The projects that start by themselves.
  void Know(std::shared_ptr<const JobFile> file) { file_ = std::move(file); }

  // These are committed, as the commit of this number.
  void See(std::span<const Record> records, uint64_t commit);
  // A commit failed, and nobody knows whether it is on disk.
  void Doubt() { doubt_ = ever_in_doubt_ = true; }
  // A coordinator begins with this.
  void TakeUp(const StoredState& state);
  // A wall clock of the coordinator has jumped: what goes by it can't be judged.
  void ClockJumped() { clock_jumped_ = true; }
  bool clock_jumped() const { return clock_jumped_; }

  // A link is there for an agent at an address, or is gone.
  void Greeted(LinkId link, const AgentHello& hello);
  void Heard(LinkId link);
  // What shows that the store has gone back; empty = nothing. Who was told so has to be held.
  const std::string& went_back() const { return went_back_; }
  void Sent(LinkId link, const ToAgent& message);
  void Answered(const Event& event, const Result<RunId>& answer);
  void Answered(const ApplyAnswer& answer);
  void ProcessStarts(const AttemptId& id);

  // ---- For other checks ------------------------------------------------------------------------

  const std::map<RunId, RunOf>& runs() const { return runs_; }
  const RunOf* Find(const RunId& run) const;
  // A commit has failed that may have made or ended it: what became of it is not known.
  bool ever_in_doubt() const { return ever_in_doubt_; }
  bool IsUnsure(const RunId& run) const { return ever_in_doubt_ && !Find(run); }
  // By address, who is out of service.
  const std::map<std::string, AgentDrained>& drained() const { return drained_; }
  // Attempts that were lost in silence and keep their lanes.
  const std::set<AttemptId>& kept_lanes() const { return kept_lanes_; }
  // Attempts that are to be stopped and in flight, of which no agent was told, and since when.
  const std::map<AttemptId, Duration>& unsent_stops() const { return unsent_stops_; }

 private:
  struct Session {
    AgentId agent;
    JournalId journal;
    Duration begun{0};
    std::set<AttemptId> stops = {};  // that were sent
  };
  // What is applied of a job file.
  struct Applied {
    uint64_t revision = 0;
    std::string text;
    friend bool operator==(const Applied&, const Applied&) = default;
  };
  // A task that could be leased at once: ready, and in no line of a group.
  using Key = std::pair<RunId, TaskIndex>;

  void On(const RunCreated& record);
  void On(const RunPlanned& record);
  void On(const RunChanged& record);
  void On(const TaskChanged& record);
  void On(const AgentSeen& record);
  void On(const FileApplied& record) { files_[record.file] = {record.revision, record.text}; }
  void On(const AgentDrained& record) { drained_[record.address] = record; }
  void On(const Paused& record) { pauses_[record.project] = record; }
  void On(const Unpaused& record) { pauses_.erase(record.project); }
  void On(const LaneHeld& record) { kept_lanes_.insert(record.id); }
  void On(const LaneFreed& record) { kept_lanes_.erase(record.id); }
  void On(const AgentResumed& record) { drained_.erase(record.address); }
  template <class T>
  void On(const T&) {}

  void CheckChange(const RunOf& run, const AttemptId& id, const TaskStatus& before, const TaskStatus& after);
  void CheckLease(const RunOf& run, const AttemptId& id, const TaskStatus& before);
  void CheckTurn(const RunOf& run, TaskIndex task);
  void CheckTime(const RunOf& run, const AttemptId& id, const Task& before, const TaskStatus& after);
  void CheckAlone(const RunHeader& header);
  static std::map<std::string, Applied> FilesOf(const StoredState& state);
  void CheckTakenUp(const StoredState& state);
  void Update(RunOf& run, TaskIndex task, const TaskStatus& status);
  // Since when an attempt is not current; nothing if it is, or was never leased.
  std::optional<Duration> Over(const AttemptId& id) const;
  void Violation(const std::string& what);

  const Timeline& timeline_;
  Ledger& ledger_;
  std::shared_ptr<const JobFile> file_;
  std::map<RunId, RunOf> runs_;
  std::map<std::string, std::set<Key>> ready_;  // by address: ready tasks
  std::map<AgentId, AgentSeen> seen_;
  std::map<std::string, AgentDrained> drained_;
  std::set<AttemptId> kept_lanes_;
  std::map<LinkId, Session> sessions_;
  std::map<AgentId, Duration> heard_;
  std::map<AttemptId, Duration> unsent_stops_;
  uint64_t commit_ = 0;
  uint64_t taken_up_ = 0, epoch_ = 0;        // of the life that lives
  std::map<AgentId, uint64_t> acked_;        // the last commit of this life that it was told
  std::map<AttemptId, uint64_t> leased_at_;  // the last commit when a lease of it left
  std::string went_back_;
  AgentId proven_by_;                     // it
  std::map<std::string, Paused> pauses_;  // by project, "" = all
  std::map<std::string, Applied> files_;
  bool doubt_ = false, ever_in_doubt_ = false;
  bool clock_jumped_ = false;
  int told_ = 0;  // violations
};

}  // namespace cromt::sim
