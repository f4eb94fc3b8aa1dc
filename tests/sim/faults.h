// What goes wrong in one seed, and when it is over. Each seed takes some kinds of faults and its own frequency, so that
// some seeds are quiet, some know one kind of trouble only and some have all of it at once.
#pragma once

#include <memory>
#include <vector>

#include "tests/sim/coordinator.h"
#include "tests/sim/host.h"
#include "tests/sim/network.h"
#include "tests/sim/rot.h"
#include "tests/sim/twin.h"
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
  uint64_t drawn() const { return drawn_; }

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
    kOneWay,
    kAgentHangs,
    kCoordinatorHangs,
    kAgentUpgraded,
    kAgentReinstalled,
    kLauncherOrphaned,
    kCoordinatorsMachineCrashes,
    kSyncFails,
    kSyncLies,
    kIoErrors,
    kDiskSlow,
    kBitFlips,
    kTwoCoordinators,
    kKinds
  };

  void EndIfEnough();
  void Next();
  bool IsEnough() const;
  // False if there was nothing to strike. `dice` are its own, so that leaving out one fault changes no other.
  bool Strike(Kind kind, SimHost& host, Dice& dice);
  bool StrikeLink(Kind kind, SimHost& host, Dice& dice);
  void StallFor(SimHost& host, Dice& dice);
  void DrawSilences();
  // faults_disk.cc
  bool StrikeDisk(Kind kind, SimHost& host, Dice& dice);
  void EndDisk();
  // Until it is over again. True.
  bool For(Duration time, std::string_view what, std::function<void(bool)> set);
  Duration Downtime();

  World& world_;
  Network& network_;
  SimCoordinator& coordinator_;
  std::vector<std::unique_ptr<SimHost>>& hosts_;
  Dice dice_;       // when what strikes whom
  Dice downtimes_;  // how long those who died stay down
  WentBack went_back_;
  Twin twin_;
  Rot rot_;
  std::vector<Kind> kinds_;  // likely ones several times
  Duration mean_{0};
  Duration strike_until_{0};  // nothing new goes wrong from then on
  Duration until_{0};         // until then something may last
  uint64_t drawn_ = 0;        // faults so far, also those that were left out
  uint64_t count_ = 0;        // that have struck
  bool silences_ = false;     // nothing else
  bool over_ = false;
};

}  // namespace cromt::sim
