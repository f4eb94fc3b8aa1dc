// What goes wrong in one seed, and when it is over. Each seed takes some kinds of faults and its own frequency, so that
// some seeds are quiet, some know one kind of trouble only and some have all of it at once.
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/coordinator.h"
#include "tests/sim/host.h"
#include "tests/sim/network.h"
#include "tests/sim/went_back.h"
#include "tests/sim/world.h"

namespace cromt::sim {

class Faults {
 public:
  Faults(World& world, Network& network, SimCoordinator& coordinator, std::vector<std::unique_ptr<SimHost>>& hosts);

  void Begin();
  // Nothing goes wrong from here on, and what is down comes up.
  void End();
  bool over() const { return over_; }
  uint64_t count() const { return count_; }

 private:
  enum Kind : uint64_t {
    kAgentDies,
    kAgentDiesInStep,
    kCoordinatorDies,
    kCoordinatorDiesInStep,
    kCommitFails,
    kCut,
    kBlackLink,
    kStall,
    kHostCrashes,
    kLauncherDies,
    kJournalFails,
    kAgentFull,
    kCoordinatorFull,
    kWallJumps,
    kStoreGoesBack,
    kLauncherHangs,
    kKinds
  };

  void Next();
  void Strike(Kind kind, SimHost& host);
  void StallFor(SimHost& host);
  // Until it is over again.
  void For(Duration time, std::string_view what, std::function<void(bool)> set);
  Duration Downtime();

  World& world_;
  Network& network_;
  SimCoordinator& coordinator_;
  std::vector<std::unique_ptr<SimHost>>& hosts_;
  Dice dice_;
  WentBack went_back_;
  std::vector<Kind> kinds_;  // likely ones several times
  Duration mean_{0};
  Duration until_{0};
  uint64_t count_ = 0;
  bool over_ = false;
};

}  // namespace cromt::sim
