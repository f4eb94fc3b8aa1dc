// What a store makes of the scheduler's records: the rows as they are after the last of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/scheduler.h"

namespace cromt {

class StoredRuns {
 public:
  void Write(const Record& record) {
    std::visit([this](const auto& r) { Fold(r); }, record);
  }

  std::vector<StoredRun> Unfinished() const {
    std::vector<StoredRun> unfinished;
    for (const RunId& id : order_)
      if (runs_.at(id).status.state != RunState::kFinished) unfinished.push_back(runs_.at(id));
    return unfinished;
  }
  std::vector<AgentSeen> Agents() const {
    std::vector<AgentSeen> agents;
    for (const auto& [id, seen] : agents_) agents.push_back(seen);
    return agents;
  }
  std::vector<LaneHeld> Held() const {
    std::vector<LaneHeld> held;
    for (const auto& [id, one] : held_) held.push_back(one);
    return held;
  }
  std::vector<AgentDrained> Drained() const {
    std::vector<AgentDrained> drained;
    for (const auto& [address, one] : drained_) drained.push_back(one);
    return drained;
  }
  const StoredRun& Run(const RunId& id) const { return runs_.at(id); }
  const std::vector<RunId>& Ids() const { return order_; }

 private:
  void Fold(const RunCreated& r) {
    order_.push_back(r.header.id);
    runs_[r.header.id] = {r.header, {}, r.plan, std::vector<TaskStatus>(r.plan->tasks.size()), {}, {}};
  }
  void Fold(const RunPlanned& r) { runs_.at(r.run).plan = r.plan; }
  void Fold(const RunChanged& r) { runs_.at(r.run).status = r.status; }
  void Fold(const TaskChanged& r) { runs_.at(r.run).tasks.at(r.task) = r.status; }
  void Fold(const ArtifactsPublished& r) { runs_.at(r.run).artifacts.push_back(r); }
  void Fold(const ImageRan& r) { runs_.at(r.run).images.push_back(r); }
  void Fold(const LaneHeld& r) { held_[r.id] = r; }
  void Fold(const LaneFreed& r) { held_.erase(r.id); }
  void Fold(const AgentSeen& r) { agents_[r.agent] = r; }
  void Fold(const FileApplied&) {}
  void Fold(const AgentDrained& r) { drained_[r.address] = r; }
  void Fold(const AgentResumed& r) { drained_.erase(r.address); }
  void Fold(const ScheduleSet&) {}
  void Fold(const ScheduleDropped&) {}
  void Fold(const TickSettled&) {}
  void Fold(const Paused&) {}
  void Fold(const Unpaused&) {}
  void Fold(const TriggerSet&) {}
  void Fold(const TriggerDropped&) {}
  void Fold(const RunRemoved&) {}
  void Fold(const RemnantsSwept&) {}
  void Fold(const OutputRemoved&) {}
  void Fold(const TicksForgotten&) {}

  std::map<RunId, StoredRun> runs_;
  std::vector<RunId> order_;
  std::map<AgentId, AgentSeen> agents_;
  std::map<AttemptId, LaneHeld> held_;
  std::map<std::string, AgentDrained> drained_;
};

}  // namespace cromt
