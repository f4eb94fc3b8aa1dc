// A fault and who repairs it: the coordinator comes up with its store as it was some time before. Once an agent proves
// that, it is held; an operator then asks all agents and recovers, as `cromt-coordinator recover` does.
#pragma once

#include <functional>
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

  // The store is copied, for what can happen once only. False if that has happened, or the store can't be read.
  bool Copy();
  std::string copy() const;
  // No operator does anything before that.
  void OperateWhen(std::function<bool()> may) { may_operate_ = std::move(may); }
  // The store is copied now, and the copy put in its place some time later. Once only.
  bool Begin();
  // The store is copied, the coordinator's disk says from now on that it syncs and does not, and some time later the
  // machine crashes. Once only, and only one of the two.
  bool Lie();
  // The coordinator's machine does. What its disk had said to be synced and was not may be gone.
  void CrashMachine();
  // The coordinator refuses its store. True if there is a reason for that, and a person who does what it says.
  bool Damaged(const Error& why);
  // What has not gone back stays.
  void End() {
    over_ = true;
    coordinator_.disk().Lie(false);
  }

 private:
  void GoBack();
  void StoreIsOlder();
  void Operate();
  void Recover();

  World& world_;
  Network& network_;
  SimCoordinator& coordinator_;
  std::vector<std::unique_ptr<SimHost>>& hosts_;
  Dice dice_;
  std::function<bool()> may_operate_;
  bool begun_ = false;
  uint64_t copied_ = 0;  // the last commit in the copy
  bool lied_ = false;
  bool over_ = false;
  bool operating_ = false;
};

}  // namespace cromt::sim
