// A fault and its check: a bit on a disk is not what was written. Whoever opens what it is in must notice, or believe
// what was written all the same: of a store and a journal at rest this is tried on a copy. Where a coordinator would
// notice it happens to its own store: it must refuse to start until somebody has put a backup in its place.
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/coordinator.h"
#include "tests/sim/host.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class Rot {
 public:
  Rot(World& world, SimCoordinator& coordinator) : world_(world), coordinator_(coordinator) {}
  void Strike(SimHost& host, Dice& dice);
  // Whether the coordinator's store is what it is because of this.
  bool strikes() const { return strikes_; }

 private:
  void StrikeStore(Dice& dice);
  void StrikeJournal(SimHost& host, Dice& dice);
  void StrikeLog(SimHost& host, Dice& dice);
  Result<StoredState> StateIn(const std::string& path);

  World& world_;
  SimCoordinator& coordinator_;
  bool strikes_ = false;
};

}  // namespace cromt::sim
