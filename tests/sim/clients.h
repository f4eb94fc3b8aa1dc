// People and programs that start and cancel runs. Each call has a request id and is repeated until it is answered;
// answers get lost, and some calls are repeated though they were answered.
#pragma once

#include <vector>

#include "tests/sim/coordinator.h"
#include "tests/sim/workload.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class Clients {
 public:
  Clients(World& world, SimCoordinator& coordinator, std::vector<PlannedStart> starts)
      : world_(world), coordinator_(coordinator), starts_(std::move(starts)), runs_(starts_.size()) {}

  void Begin();
  uint64_t starts() const { return starts_.size(); }
  // Every call was answered.
  bool done() const { return waiting_ == 0; }

 private:
  using Answer = std::function<void(const Result<RunId>&)>;

  void SendStart(size_t start);
  void Started(size_t start, const Result<RunId>& answer);
  // Once the run has finished; given up if that takes very long, or the store has lost it.
  void Rerun(size_t start);
  void SendRerun(size_t start, const StoredRun& earlier, const RequestId& request, std::shared_ptr<bool> answered);
  void SendCancel(size_t start, std::optional<TaskIndex> task);
  // Over the network and back; either way may be lost.
  void Call(Event event, uint64_t id, Answer answer);
  // Until `answered` it is sent again and again.
  void Insist(uint64_t id, std::shared_ptr<bool> answered, std::function<void()> send);

  World& world_;
  SimCoordinator& coordinator_;
  std::vector<PlannedStart> starts_;
  std::vector<RunId> runs_;  // by start; empty until acknowledged
  size_t waiting_ = 0;
};

}  // namespace cromt::sim
