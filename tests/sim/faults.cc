#include "tests/sim/faults.h"

#include <fmt/format.h>

#include <array>

namespace cromt::sim {
namespace {

constexpr uint64_t kAtLeast = 3;  // faults of a seed

struct Named {
  uint64_t weight = 0;  // how likely it is among those of a seed
  std::string_view name;
};
// By Kind.
constexpr auto kNamed = std::to_array<Named>({
    {6, "agent dies"},
    {10, "agent dies in a step"},
    {3, "coordinator dies"},
    {10, "coordinator dies in a step"},
    {2, "commit fails"},
    {10, "link cut"},
    {6, "link black"},
    {8, "network stalls"},
    {2, "host crashes"},
    {2, "launcher dies"},
    {2, "journal fails"},
    {3, "agent's disk full"},
    {3, "coordinator's disk full"},
    {2, "wall clock jumps"},
    {4, "store goes back"},
    {2, "launcher hangs"},
    {6, "link black one way"},
    {3, "agent hangs"},
    {3, "coordinator hangs"},
    {3, "agent upgraded"},
    {1, "agent installed anew"},
    {1, "agent installed anew while its launcher lives on"},
    {3, "coordinator's machine crashes"},
    {2, "sync fails"},
    {2, "sync lies"},
    {2, "coordinator's disk fails"},
    {2, "coordinator's disk slow"},
    {3, "bit flips"},
    {4, "two coordinators"},
});

}  // namespace

Faults::Faults(World& world, Network& network, SimCoordinator& coordinator,
               std::vector<std::unique_ptr<SimHost>>& hosts)
    : world_(world),
      network_(network),
      coordinator_(coordinator),
      hosts_(hosts),
      dice_(world.dice.Fork()),
      downtimes_(dice_.Fork()),
      went_back_(world, network, coordinator, hosts),
      twin_(world, coordinator, went_back_),
      rot_(world, coordinator) {
  static_assert(kNamed.size() == kKinds);
  for (uint64_t kind = 0; kind < kKinds; ++kind)
    // Where the store goes back less can be checked.
    if (dice_.PerCent(kind == kSyncLies || kind == kTwoCoordinators ? 20
                      : kind != kStoreGoesBack                      ? 60
                      : world.options.goes_back                     ? 100
                                                                    : 20))
      kinds_.insert(kinds_.end(), kNamed.at(kind).weight, static_cast<Kind>(kind));
  mean_ = dice_.PerCent(30) ? seconds(1) : dice_.PerCent(50) ? seconds(5) : seconds(15);
  strike_until_ = until_ = dice_.Between(seconds(30), seconds(150));
  if (dice_.PerCent(5)) DrawSilences();
  if (!world.options.faults) kinds_.clear();
}

// Nothing but long silences, one after another: the same task may be lost until nobody tries it again.
void Faults::DrawSilences() {
  silences_ = true;
  kinds_ = {kStall};
  mean_ = seconds(20);
  strike_until_ = until_ = seconds(600);
}

void Faults::Begin() {
  coordinator_.OnDamaged([this](const Error& why) {
    if (!rot_.strikes()) return went_back_.Damaged(why);
    world_.timeline.After(Downtime(), "coordinator boots", 0, [this] { coordinator_.Boot(); });  // with a backup
    return true;
  });
  coordinator_.OnDeath(
      [this] { world_.timeline.After(Downtime(), "coordinator boots", 0, [this] { coordinator_.Boot(); }); });
  for (auto& host : hosts_)
    host->OnDeath([this, h = host.get()] {
      world_.ledger.HostWasAway(h->index());
      world_.timeline.After(Downtime(), "agent boots", h->index(), [h] { h->Boot(); });
    });
  world_.timeline.At(until_, "faults end", 0, [this] { EndIfEnough(); });
  if (!kinds_.empty()) Next();
  if (world_.options.two)
    world_.timeline.At(downtimes_.Between(Duration(0), seconds(20)), "two coordinators", 0, [this] { twin_.Begin(); });
}

// Something may still be on that was to last longer.
void Faults::EndIfEnough() {
  if (kinds_.empty() || (IsEnough() && world_.timeline.now() >= until_)) return End();
  until_ = std::max(until_, world_.timeline.now() + seconds(5));
  world_.timeline.At(until_, "faults end", 0, [this] { EndIfEnough(); });
}

void Faults::End() {
  world_.timeline.Note("faults end");
  over_ = true;
  went_back_.End();
  twin_.End();
  network_.Heal();
  EndDisk();
  for (auto& host : hosts_) host->Boot();
  coordinator_.Boot();
}

Duration Faults::Downtime() {
  if (over_) return milliseconds(100);
  Dice& dice = downtimes_;
  if (dice.PerCent(70)) return dice.Between(milliseconds(1), seconds(2));
  return dice.PerCent(85) ? dice.Between(seconds(2), seconds(30)) : dice.Between(seconds(30), seconds(100));
}

void Faults::Next() {
  world_.timeline.After(dice_.Between(Duration(0), 2 * mean_), "fault", drawn_, [this] {
    if (over_ || (IsEnough() && world_.timeline.now() >= strike_until_)) return;
    const uint64_t number = ++drawn_;
    const Kind kind = kinds_[dice_.Below(kinds_.size())];
    SimHost& host = *hosts_[dice_.Below(hosts_.size())];
    Dice own(dice_.Fork());
    const auto& only = world_.options.part.faults;
    if (!only || only->contains(number)) {
      world_.timeline.Note(fmt::format("fault {}", number));
      if (Strike(kind, host, own)) {
        ++count_;
        world_.situations.Saw("fault", kNamed.at(kind).name);
      }
    }
    Next();
  });
}

bool Faults::Strike(Kind kind, SimHost& host, Dice& dice) {
  const bool all = kind == kCoordinatorDies || kind == kCoordinatorDiesInStep || kind == kCommitFails ||
                   kind == kCoordinatorFull || kind == kCoordinatorHangs || kind >= kCoordinatorsMachineCrashes;
  for (const auto& other : hosts_)
    if (all || other.get() == &host) world_.ledger.HostWasTroubled(other->index());
  const bool agent = host.up(), launcher = host.has_launcher(), coordinator = coordinator_.up();
  switch (kind) {
    case kAgentDies: host.Die("killed"); return agent;
    case kAgentDiesInStep:
      if (dice.PerCent(30))
        host.DieLaunching();
      else
        host.DieAfter(dice.Below(4));
      return agent;
    case kCoordinatorDies: coordinator_.Die("killed"); return coordinator;
    case kCoordinatorDiesInStep: coordinator_.DieAfter(dice.Below(6)); return coordinator;
    case kCommitFails: coordinator_.FailNextCommit(); return coordinator;
    case kCut:
    case kBlackLink:
    case kOneWay: return StrikeLink(kind, host, dice);
    case kStall: StallFor(host, dice); return true;
    case kHostCrashes: host.Crash(); return true;
    case kLauncherDies: host.KillLauncher(); return launcher;
    case kWallJumps: {
      const Duration most = std::chrono::hours(dice.PerCent(70) ? 1 : 4);  // more than a hundred ticks
      host.JumpWall(dice.Between(-most, most));
      coordinator_.JumpWall(dice.Between(-most, most));
      return true;
    }
    case kStoreGoesBack: return went_back_.Begin();
    case kTwoCoordinators: return twin_.Begin();
    case kLauncherHangs: {
      const Duration time = dice.Between(milliseconds(10), seconds(60));
      host.HangLauncher(time, dice.PerCent(50));
      if (dice.PerCent(40))  // and is killed for that
        world_.timeline.After(time - milliseconds(1), "watchdog", host.index(), [&host] { host.KillLauncher(); });
      return launcher;
    }
    case kAgentHangs:
      world_.ledger.HostWasAway(host.index());
      host.Hang(dice.Between(milliseconds(10), seconds(60)));
      return agent;
    case kCoordinatorHangs: coordinator_.Hang(dice.Between(milliseconds(10), seconds(60))); return coordinator;
    case kAgentUpgraded: host.Upgrade(); return true;
    case kAgentReinstalled: host.Reinstall(true); return true;
    case kLauncherOrphaned:
      host.Reinstall(false);
      if (dice.PerCent(50)) host.KillLauncher();  // which may leave what no journal tells of
      return launcher;
    default: return StrikeDisk(kind, host, dice);
  }
}

bool Faults::StrikeLink(Kind kind, SimHost& host, Dice& dice) {
  std::string how = "is cut";
  bool struck = false;
  if (kind == kCut) {
    struck = network_.Cut(host);
  } else {
    const bool to_host = kind == kOneWay && dice.PerCent(50);
    how = kind == kBlackLink ? "swallows all" : to_host ? "swallows what is sent to it" : "swallows what is sent by it";
    world_.ledger.HostWasAway(host.index());
    struck = network_.TurnBlack(host, kind == kBlackLink ? Network::Way::kBoth
                                      : to_host          ? Network::Way::kToHost
                                                         : Network::Way::kFromHost);
  }
  if (struck) world_.timeline.Note(fmt::format("link of host {} {}", host.index(), how));
  return struck;
}

// Of a part of a seed all of its faults come.
bool Faults::IsEnough() const {
  const auto& only = world_.options.part.faults;
  return only ? only->empty() || drawn_ >= *only->rbegin() : count_ >= kAtLeast;
}

void Faults::StallFor(SimHost& host, Dice& dice) {
  Duration time = !silences_ && dice.PerCent(85) ? dice.Between(milliseconds(10), seconds(15))
                                                 : dice.Between(seconds(15), seconds(100));
  if (!silences_ && dice.PerMille(5)) {  // until what it had is given up as lost
    time = dice.Between(seconds(3700), seconds(4500));
    until_ = std::max(until_, world_.timeline.now() + time);
    world_.ledger.HostMayLose(host.index());
  }
  world_.timeline.Note(fmt::format("network of host {} stalls for {}", host.index(), FormatDuration(time)));
  world_.ledger.HostWasAway(host.index());
  network_.Stall(host, world_.timeline.now() + time);
  // Its processes wait for somebody on the network, too; so some still run when they are called lost.
  if (silences_)
    host.HangProcesses(time + dice.Between(Duration(0), seconds(60)));
  else if (time > seconds(15) && dice.PerCent(50))
    host.HangProcesses(time);
}

bool Faults::For(Duration time, std::string_view what, std::function<void(bool)> set) {
  world_.timeline.Note(fmt::format("{} for {}", what, FormatDuration(time)));
  set(true);
  world_.timeline.After(time, "disk is well", count_, [set = std::move(set)] { set(false); });
  return true;
}

}  // namespace cromt::sim
