#include "tests/sim/went_back.h"

#include <fmt/format.h>

#include "coordinator/recovery.h"
#include "coordinator/store/commit_mark.h"
#include "coordinator/store/reader.h"
#include "coordinator/store/sqlite_store.h"
#include "tests/sim/store_files.h"

namespace cromt::sim {
namespace {

std::string CopyOf(const std::string& path) {
  return path + ".copy";
}

Result<std::vector<RunView>> RunsIn(const SimDisk& disk, const std::string& path) {
  CROMT_ASSIGN(auto reader, StoreReader::Open(path, disk));
  CROMT_ASSIGN(const auto runs, reader.Runs("", 1'000'000));
  std::vector<RunView> views;
  for (const RunView& run : runs) {
    CROMT_ASSIGN(RunView view, reader.Run(run.header.id));
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace

WentBack::WentBack(World& world, Network& network, SimCoordinator& coordinator,
                   std::vector<std::unique_ptr<SimHost>>& hosts)
    : world_(world), network_(network), coordinator_(coordinator), hosts_(hosts), dice_(world.dice.Fork()) {
  coordinator_.OnWentBack([this] {
    if (!std::exchange(operating_, true)) Operate();
  });
}

std::string WentBack::copy() const {
  return CopyOf(coordinator_.path());
}

bool WentBack::Copy() {
  if (begun_ || !coordinator_.up()) return false;
  const std::string& path = coordinator_.path();
  auto runs = RunsIn(coordinator_.disk(), path);
  if (!runs) return false;  // its disk fails
  begun_ = true;
  if (const auto mark = CommitMark::Read(path, coordinator_.disk()); mark && *mark) copied_ = (*mark)->commit;
  world_.timeline.Note("the store is copied");
  CopyStore(coordinator_.disk(), path, CopyOf(path));
  world_.ledger.StoreCopied(*runs);
  return true;
}

bool WentBack::Lie() {
  if (!Copy()) return false;
  lied_ = true;
  world_.timeline.Note("the coordinator's disk says that it syncs, and does not");
  coordinator_.disk().Lie(true);
  world_.timeline.After(dice_.Between(milliseconds(50), seconds(15)), "machine crashes", 0, [this] {
    if (!over_) CrashMachine();
  });
  return true;
}

void WentBack::CrashMachine() {
  const bool lost = coordinator_.CrashMachine();
  coordinator_.disk().Lie(false);
  if (!lost) return;
  world_.timeline.Note("what was synced is gone");
  StoreIsOlder();
}

bool WentBack::Begin() {
  if (!Copy()) return false;
  const Duration most = dice_.PerCent(30) ? milliseconds(500) : seconds(15);
  world_.timeline.After(dice_.Between(milliseconds(50), most), "store goes back", 0, [this] {
    if (!over_) GoBack();
  });
  return true;
}

void WentBack::GoBack() {
  world_.timeline.Note("the store goes back");
  coordinator_.Die("its store goes back");
  CopyStore(coordinator_.disk(), CopyOf(coordinator_.path()), coordinator_.path());
  // Who comes late may find that as many commits have been made as are gone.
  if (dice_.PerCent(40))
    for (const auto& host : hosts_)
      network_.Stall(*host, world_.timeline.now() + dice_.Between(Duration(0), seconds(8)));
  StoreIsOlder();
}

// As in the copy, or later.
void WentBack::StoreIsOlder() {
  for (const auto& host : hosts_) {
    world_.ledger.HostWasTroubled(host->index());
    world_.ledger.HostWasAway(host->index());
  }
  world_.ledger.StoreWentBack();
}

bool WentBack::Damaged(const Error&) {
  if (!lied_) return false;
  if (!std::exchange(operating_, true)) Operate();
  return true;
}

// Until every agent can be asked; what one that is not asked has would be stopped.
void WentBack::Operate() {
  // Mostly soon, while jobs still run of which the store does not know.
  const Duration wait =
      dice_.PerCent(70) ? dice_.Between(milliseconds(100), seconds(2)) : dice_.Between(seconds(2), seconds(40));
  world_.timeline.After(wait, "operator", 0, [this] {
    if (may_operate_ && !may_operate_()) return Operate();
    for (const auto& host : hosts_)
      if (!host->Answers(coordinator_.mesh()) || network_.IsStalled(*host)) return Operate();
    operating_ = false;
    coordinator_.Die("the operator stops it");
    Recover();
    world_.timeline.After(milliseconds(100), "coordinator boots", 0, [this] { coordinator_.Boot(); });
  });
}

void WentBack::Recover() {
  const std::string& path = coordinator_.path();
  const uint64_t failures = coordinator_.disk().failures();
  auto fail = [&](const Error& error) {
    world_.timeline.Note("the store can't be recovered: " + error.message);
    if (coordinator_.disk().failures() != failures || error.code == ErrorCode::kExhausted) {  // later
      operating_ = true;
      return Operate();
    }
    if (!lied_) return world_.ledger.Violation("the store can't be recovered: " + error.message);
    CopyStore(coordinator_.disk(), CopyOf(path), path);
  };
  const auto mark = CommitMark::Read(path, coordinator_.disk());
  SeededRandom random(1);
  auto store = SqliteStore::Open(path, random, Durability::kHost, coordinator_.disk(), &coordinator_.store_clock());
  if (!store) return fail(store.error());
  auto state = (*store)->LoadToRecover();
  if (!state) return fail(state.error());
  if (lied_ && state->commit < copied_) {  // also what had been there before is gone: the backup is newer
    world_.timeline.Note("the copy is put in its place");
    store->reset();
    return CopyStore(coordinator_.disk(), CopyOf(path), path);
  }
  std::vector<InspectedAgent> agents;
  for (const auto& host : hosts_) {
    auto agent = host->Inspect(state->mesh);
    if (!agent) {  // later
      world_.timeline.Note(fmt::format("agent {} can't be asked: {}", host->index(), agent.error().message));
      operating_ = true;
      return Operate();
    }
    agents.push_back(*std::move(agent));
  }
  if (!MissingAgents(*state, agents).empty()) return fail({ErrorCode::kInternal, "all were asked and one is missing"});
  const auto output = coordinator_.WithOutput(*state);
  if (!output) return fail(output.error());
  Recovery recovery = PlanRecovery(*state, agents, mark && *mark ? (*mark)->commit : 0, coordinator_.wall(), *output);
  if (world_.options.bugs.recovery) world_.options.bugs.recovery(recovery);
  auto done = (*store)->Recover(recovery.epoch, recovery.commit, recovery.records, recovery.kept);
  if (!done) return fail(done.error());
  world_.timeline.Note(fmt::format("the store is recovered: epoch {}, commit {}, {} adopted, {} lost, {} kept",
                                   recovery.epoch, recovery.commit, recovery.adopted.size(), recovery.lost.size(),
                                   recovery.kept.size()));
  for (const AttemptId& id : recovery.adopted) world_.timeline.Note("adopted: " + ToString(id));
  for (const AttemptId& id : recovery.lost) world_.timeline.Note("lost: " + ToString(id));
  for (const KeptAttempt& kept : recovery.kept) {
    world_.timeline.Note("kept: " + ToString(kept.id));
    world_.ledger.Kept(kept.id);
  }
  world_.ledger.StoreRecovered();
}

}  // namespace cromt::sim
