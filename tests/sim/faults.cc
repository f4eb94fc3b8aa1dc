#include "tests/sim/faults.h"

#include <fmt/format.h>

#include <array>

namespace cromt::sim {

Faults::Faults(World& world, Network& network, SimCoordinator& coordinator,
               std::vector<std::unique_ptr<SimHost>>& hosts)
    : world_(world),
      network_(network),
      coordinator_(coordinator),
      hosts_(hosts),
      dice_(world.dice.Fork()),
      went_back_(world, network, coordinator, hosts) {
  constexpr auto kWeights = std::to_array<uint64_t>({6, 10, 3, 10, 2, 10, 6, 8, 2, 2, 2, 3, 3, 2, 4, 2});
  static_assert(kWeights.size() == kKinds);
  for (uint64_t kind = 0; kind < kKinds; ++kind)
    // Where the store goes back less can be checked.
    if (dice_.PerCent(kind != kStoreGoesBack ? 60 : world.options.goes_back ? 100 : 20))
      kinds_.insert(kinds_.end(), kWeights.at(kind), static_cast<Kind>(kind));
  mean_ = dice_.PerCent(30) ? seconds(1) : dice_.PerCent(50) ? seconds(5) : seconds(15);
  until_ = dice_.Between(seconds(30), seconds(150));
  if (!world.options.faults || dice_.PerCent(8)) kinds_.clear();
}

void Faults::Begin() {
  coordinator_.OnDeath(
      [this] { world_.timeline.After(Downtime(), "coordinator boots", 0, [this] { coordinator_.Boot(); }); });
  for (auto& host : hosts_)
    host->OnDeath([this, h = host.get()] {
      world_.ledger.HostWasAway(h->index());
      world_.timeline.After(Downtime(), "agent boots", h->index(), [h] { h->Boot(); });
    });
  world_.timeline.At(until_, "faults end", 0, [this] { End(); });
  if (!kinds_.empty()) Next();
}

void Faults::End() {
  world_.timeline.Note("faults end");
  over_ = true;
  went_back_.End();
  network_.Heal();
  for (auto& host : hosts_) {
    host->FailDisk(false);
    host->FillDisk(false);
    host->Boot();
  }
  coordinator_.FillDisk(false);
  coordinator_.Boot();
}

Duration Faults::Downtime() {
  if (over_) return milliseconds(100);
  if (dice_.PerCent(70)) return dice_.Between(milliseconds(1), seconds(2));
  return dice_.PerCent(85) ? dice_.Between(seconds(2), seconds(30)) : dice_.Between(seconds(30), seconds(100));
}

void Faults::Next() {
  world_.timeline.After(dice_.Between(Duration(0), 2 * mean_), "fault", count_, [this] {
    if (over_) return;
    ++count_;
    Strike(kinds_[dice_.Below(kinds_.size())], *hosts_[dice_.Below(hosts_.size())]);
    Next();
  });
}

void Faults::Strike(Kind kind, SimHost& host) {
  const bool all =
      kind == kCoordinatorDies || kind == kCoordinatorDiesInStep || kind == kCommitFails || kind == kCoordinatorFull;
  for (const auto& other : hosts_)
    if (all || other.get() == &host) world_.ledger.HostWasTroubled(other->index());
  switch (kind) {
    case kAgentDies: return host.Die("killed");
    case kAgentDiesInStep: return host.DieAfter(dice_.Below(4));
    case kCoordinatorDies: return coordinator_.Die("killed");
    case kCoordinatorDiesInStep: return coordinator_.DieAfter(dice_.Below(6));
    case kCommitFails: return coordinator_.FailNextCommit();
    case kCut:
      if (network_.Cut(host)) world_.timeline.Note(fmt::format("link of host {} is cut", host.index()));
      return;
    case kBlackLink:
      world_.ledger.HostWasAway(host.index());
      if (network_.TurnBlack(host)) world_.timeline.Note(fmt::format("link of host {} swallows all", host.index()));
      return;
    case kStall: return StallFor(host);
    case kHostCrashes: return host.Crash();
    case kLauncherDies: return host.KillLauncher();
    case kJournalFails:
      return For(dice_.Between(milliseconds(10), seconds(10)), fmt::format("disk of host {} fails", host.index()),
                 [&host](bool on) { host.FailDisk(on); });
    case kAgentFull:
      return For(dice_.Between(milliseconds(10), seconds(60)), fmt::format("disk of host {} is full", host.index()),
                 [&host](bool on) { host.FillDisk(on); });
    case kCoordinatorFull:
      return For(dice_.Between(milliseconds(10), seconds(60)), "disk of the coordinator is full",
                 [this](bool on) { coordinator_.FillDisk(on); });
    case kWallJumps:
      host.JumpWall(dice_.Between(-seconds(3600), seconds(3600)));
      return coordinator_.JumpWall(dice_.Between(-seconds(3600), seconds(3600)));
    case kStoreGoesBack: return went_back_.Begin();
    case kLauncherHangs: return host.HangLauncher(dice_.Between(milliseconds(10), seconds(60)));
    case kKinds: return;
  }
}

void Faults::StallFor(SimHost& host) {
  Duration time =
      dice_.PerCent(85) ? dice_.Between(milliseconds(10), seconds(15)) : dice_.Between(seconds(15), seconds(100));
  if (dice_.PerMille(5)) {  // until what it had is given up as lost
    time = dice_.Between(seconds(3700), seconds(4500));
    until_ = std::max(until_, world_.timeline.now() + time);
    world_.ledger.HostMayLose(host.index());
  }
  world_.timeline.Note(fmt::format("network of host {} stalls for {}", host.index(), FormatDuration(time)));
  world_.ledger.HostWasAway(host.index());
  network_.Stall(host, world_.timeline.now() + time);
}

void Faults::For(Duration time, std::string_view what, std::function<void(bool)> set) {
  world_.timeline.Note(fmt::format("{} for {}", what, FormatDuration(time)));
  set(true);
  world_.timeline.After(time, "disk is well", count_, [set = std::move(set)] { set(false); });
}

}  // namespace cromt::sim
