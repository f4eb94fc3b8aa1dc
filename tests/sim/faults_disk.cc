// What goes wrong with disks.
#include <fmt/format.h>

#include "tests/sim/faults.h"

namespace cromt::sim {

bool Faults::StrikeDisk(Kind kind, SimHost& host, Dice& dice) {
  SimDisk& disk = coordinator_.disk();
  const Duration time = dice.Between(milliseconds(10), seconds(20));
  switch (kind) {
    case kCoordinatorsMachineCrashes: went_back_.CrashMachine(); return true;
    case kJournalFails: {
      const bool syncs = dice.PerCent(50);
      if (syncs) world_.ledger.HostMayLose(host.index());  // what is not synced may be forgotten
      return For(dice.Between(milliseconds(10), seconds(10)), fmt::format("disk of host {} fails", host.index()),
                 [&host, syncs](bool on) {
                   host.disk().FailWrites(on);
                   if (syncs) host.disk().FailSyncs(on ? 1 : 0);
                 });
    }
    case kAgentFull:
      return For(dice.Between(milliseconds(10), seconds(60)), fmt::format("disk of host {} is full", host.index()),
                 [&host](bool on) { host.FillDisk(on); });
    case kCoordinatorFull:
      return For(dice.Between(milliseconds(10), seconds(60)), "disk of the coordinator is full",
                 [this](bool on) { coordinator_.FillDisk(on); });
    case kSyncFails:
      world_.timeline.Note(fmt::format("the next syncs of the coordinator and of host {} fail", host.index()));
      world_.ledger.HostMayLose(host.index());  // the journal, if what was written is forgotten
      disk.FailSyncs(1 + dice.Below(2));
      host.disk().FailSyncs(1);
      return true;
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
    case kBitFlips: rot_.Strike(host, dice); return disk.Size(coordinator_.path()) > 0;
    default: return false;
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
