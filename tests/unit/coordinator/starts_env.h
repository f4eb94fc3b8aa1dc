// A store in memory and edges that do nothing, for what starts by itself.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/engine.h"

namespace cromt {

// What was committed outlives each engine.
class MemoryStore final : public Store {
 public:
  Result<StoredState> Load() override {
    StoredState state;
    state.mesh = MeshId("m");
    state.epoch = ++epoch_;
    state.commit = commits_;
    for (const auto& [project, row] : rows_) state.schedules.push_back(row);
    for (const auto& [project, row] : triggers) state.triggers.push_back(row);
    if (file_) {
      state.revision = file_->revision;
      state.files.push_back({file_->file, file_->path, file_->revision, file_->text, file_->projects});
    }
    return state;
  }
  Result<uint64_t> Commit(std::span<const Record> records) override {
    if (std::exchange(fail_next, false)) return Fail(ErrorCode::kInternal, "the process ends here");
    for (const Record& record : records) {
      if (const auto* file = std::get_if<FileApplied>(&record)) file_ = *file;
      if (const auto* row = std::get_if<ScheduleSet>(&record)) rows_[row->project] = *row;
      if (const auto* row = std::get_if<TriggerSet>(&record)) triggers[row->project] = *row;
      if (const auto* tick = std::get_if<TickSettled>(&record)) ledger.push_back(*tick);
      if (const auto* run = std::get_if<RunCreated>(&record)) {
        runs.push_back(run->header);
        CheckNew(run->header.request, run->header.id);
      }
    }
    return ++commits_;
  }
  Result<RunId> FindRequest(const RequestId& request) override {
    auto found = requests_.find(request);
    return found == requests_.end() ? RunId() : found->second;
  }

  bool fail_next = false;
  std::vector<TickSettled> ledger;
  std::vector<RunHeader> runs;
  std::map<std::string, TriggerSet> triggers;

 private:
  void CheckNew(const RequestId& request, const RunId& run) {
    EXPECT_TRUE(requests_.emplace(request, run).second) << request.text() << " has started twice";
  }

  uint64_t epoch_ = 0, commits_ = 0;
  std::optional<FileApplied> file_;
  std::map<std::string, ScheduleSet> rows_;
  std::map<RequestId, RunId> requests_;
};

class Planner final : public CoordinatorEdges {
 public:
  std::vector<DueTick> due;
  std::vector<DuePush> pushes;
  std::vector<WatchedRef> looks;
  void PlanTick(const DueTick& tick) override { due.push_back(tick); }
  void PlanPush(const DuePush& push) override { pushes.push_back(push); }
  void LookAt(const WatchedRef& ref) override { looks.push_back(ref); }
  void Dial(const std::string&, LinkId) override {}
  void Close(LinkId, const std::string&) override {}
  void Send(LinkId, ToAgent) override {}
  void CollectLogs(LinkId, const MeshId&, const AgentId&) override {}
  void PushBlob(LinkId, const std::string&, const Digest&, const std::optional<LeaseInput>&) override {}
  void FetchBlob(const LeaseInput&, std::function<void(const Status&)>) override {}
  void Resolve(const ResolveSources&) override {}
  void Published(std::span<const RunChange>) override {}
};

}  // namespace cromt
