// A fault: for a while there is a second coordinator of the same mesh, which goes on from a copy of the first one's
// store, as when a snapshot of its machine is started elsewhere. Whichever finds itself behind leases nothing. Some
// time later somebody stops the second for good; if the first was behind, an operator recovers it then (went_back.h).
#pragma once

#include <memory>

#include "tests/sim/coordinator.h"
#include "tests/sim/went_back.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class Twin {
 public:
  Twin(World& world, SimCoordinator& first, WentBack& went_back);

  // The store is copied now, and the second started then, or a while later. Once only, and in no seed whose store goes
  // back, too: less could be said of what is left.
  bool Begin();
  // There is none from here on.
  void End();

 private:
  void Start();
  void Stop();
  // Also what it has sent has arrived.
  bool IsGone() const;

  World& world_;
  SimCoordinator& first_;
  WentBack& went_back_;
  Dice dice_;
  std::unique_ptr<SimCoordinator> second_;
  Duration stopped_at_{0};
  bool over_ = false;
};

}  // namespace cromt::sim
