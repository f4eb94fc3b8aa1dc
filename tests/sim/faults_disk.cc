// What goes wrong with disks.
#include <fmt/format.h>

#include "tests/sim/faults.h"

namespace cromt::sim {

void Faults::StrikeDisk(Kind kind, SimHost& host, Dice& dice) {
  SimDisk& disk = coordinator_.disk();
  const Duration time = dice.Between(milliseconds(10), seconds(20));
  switch (kind) {
    case kCoordinatorsMachineCrashes: return went_back_.CrashMachine();
    case kSyncFails:
      world_.timeline.Note(fmt::format("the next syncs of the coordinator and of host {} fail", host.index()));
      world_.ledger.HostMayLose(host.index());  // the journal, if what was written is forgotten
      disk.FailSyncs(1 + dice.Below(2));
      return host.disk().FailSyncs(1);
    case kSyncLies: return went_back_.Lie();
    case kIoErrors: {
      const bool reads = dice.PerCent(50);
      return For(time, "disk of the coordinator fails", [&disk, reads](bool on) {
        disk.FailWrites(on);
        disk.FailReads(on && reads);
      });
    }
    case kDiskSlow:
      return For(time, "disk of the coordinator is slow",
                 [&disk](bool on) { disk.SlowDown(on ? seconds(3) : seconds(0)); });
    case kBitFlips: return rot_.Strike(host, dice);
    default: return;
  }
}

void Faults::EndDisk() {
  std::vector<SimDisk*> disks = {&coordinator_.disk()};
  for (auto& host : hosts_) disks.push_back(&host->disk());
  for (SimDisk* disk : disks) {
    disk->FailWrites(false);
    disk->FailReads(false);
    disk->FailSyncs(0);
    disk->SlowDown(Duration(0));
    disk->HasRoom();
  }
}

}  // namespace cromt::sim
