// What the rows that decide something add up to, kept while they change, so that each commit can say it (stamp.h).
// Not thread-safe: of one store.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/store/rows.h"
#include "coordinator/store/stamp.h"

namespace cromt {

class StoreSums {
 public:
  // The sums of an unfinished run's rows; 0 = there is no row.
  struct Run {
    int64_t n = 0;
    uint64_t total = 0;
    uint32_t status = 0;
    uint32_t plan = 0;
    std::vector<uint32_t> tasks;
    ArtifactSums artifacts;
    ImageSums images;
  };

  const StoreTotals& totals() const { return totals_; }

  Run& Add(const RunId& id, int64_t n);
  // Null for a run that is not unfinished: its rows count no more.
  Run* Find(const RunId& id);
  void Finish(const RunId& id);

  // Of a run's rows that stay as they are: its head, transitions.
  void Added(Run& run, uint32_t sum);
  // `slot` is the run's place of this row's sum.
  void Replaced(Run& run, uint32_t& slot, uint32_t sum);
  void TaskReplaced(Run& run, TaskIndex task, uint32_t sum);

  void Agent(const AgentId& agent, uint32_t sum) { Replace(totals_.agents, agents_[agent], sum); }
  void LaneHeld(const AttemptId& attempt, uint32_t sum) { Replace(totals_.agents, lanes_[attempt], sum); }
  void Schedule(const std::string& project, uint32_t sum) { Replace(totals_.files, schedules_[project], sum); }
  void ScheduleDropped(const std::string& project) { Drop(totals_.files, schedules_, project); }
  void Pause(const std::string& project, uint32_t sum) { Replace(totals_.files, pauses_[project], sum); }
  void PauseDropped(const std::string& project) { Drop(totals_.files, pauses_, project); }
  void Trigger(const std::string& project, uint32_t sum) { Replace(totals_.files, triggers_[project], sum); }
  void TriggerDropped(const std::string& project) { Drop(totals_.files, triggers_, project); }
  void Drained(const std::string& address, uint32_t sum) { Replace(totals_.agents, drained_[address], sum); }
  void Resumed(const std::string& address) { Drop(totals_.agents, drained_, address); }
  // All rows of `kept` at once: `total` is the sum of their parts.
  void KeptReplaced(uint64_t total);
  void LaneFreed(const AttemptId& attempt);

  // Of rows of changes and revisions: they stay as they are.
  void FileAdded(uint32_t sum);
  // The rows of `files` and `projects` that a file has, all at once: `total` is the sum of their parts.
  void FileReplaced(const std::string& file, uint64_t total);
  // While reading them one by one.
  void FileRow(const std::string& file, uint32_t sum);

 private:
  static void Drop(uint64_t& total, std::map<std::string, uint32_t>& sums, const std::string& key);
  static void Replace(uint64_t& total, uint32_t& slot, uint32_t sum);

  StoreTotals totals_;
  std::unordered_map<RunId, Run> runs_;
  std::unordered_map<AgentId, uint32_t> agents_;
  std::unordered_map<AttemptId, uint32_t> lanes_;
  std::map<std::string, uint64_t> files_;
  std::map<std::string, uint32_t> schedules_;
  std::map<std::string, uint32_t> pauses_;
  std::map<std::string, uint32_t> triggers_;
  std::map<std::string, uint32_t> drained_;
  uint64_t kept_ = 0;
};

}  // namespace cromt
