// A fault and who repairs it: the coordinator comes up with its store as it was some time before. Once an agent proves
// that, it is held; an operator then asks all agents and recovers, as `cromt-coordinator recover` does.
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/coordinator.h"
#include "tests/sim/host.h"
#include "tests/sim/network.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class WentBack {
 public:
  WentBack(World& world, Network& network, SimCoordinator& coordinator, std::vector<std::unique_ptr<SimHost>>& hosts);

  // The store is copied now, and the copy put in its place some time later. Once only.
  void Begin();
  // What has not gone back stays.
  void End() { over_ = true; }

 private:
  void GoBack();
  void Operate();
  void Recover();

  World& world_;
  Network& network_;
  SimCoordinator& coordinator_;
  std::vector<std::unique_ptr<SimHost>>& hosts_;
  Dice dice_;
  bool begun_ = false;
  bool over_ = false;
  bool operating_ = false;
};

}  // namespace cromt::sim
