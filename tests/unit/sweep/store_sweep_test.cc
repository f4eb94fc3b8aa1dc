// Goal: whichever call of the disk fails, a store has all commits that it acknowledged, and nothing of others but
// whole ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/store/sqlite_store.h"
#include "tests/unit/sweep/sweep.h"

namespace cromt {
namespace {

using sim::Case;
using sim::SimDisk;
using sim::Sweep;

constexpr char kPath[] = "d/store.db";
constexpr uint64_t kCommits = 2;

RunCreated NewRun(uint64_t number) {
  auto plan = std::make_shared<Plan>();
  plan->specs = {{.name = "say hello", .project = "hello", .work = Script{std::string(3000, 'x')}}};
  plan->hosts = {{"h1", "127.0.0.1:1"}};
  plan->instances = {{.project = "hello", .first_task = 0, .task_count = 1}};
  plan->tasks.push_back({0, 0, 0, {}});
  const std::string id = "run-" + std::to_string(number);
  return {{RunId(id), RequestId("request-" + id), "hello", Trigger::kManual, 0, "ann", WallFromMicros(1)}, plan};
}

// Of a run, which is whole if it has both.
std::vector<Record> Batch(uint64_t number) {
  const RunCreated run = NewRun(number);
  return {run, RunChanged{run.header.id, {.state = RunState::kRunning}},
          AgentSeen{AgentId("a"), JournalId("j"), "x:1", number}};
}

struct Store {
  Result<std::unique_ptr<SqliteStore>> opened;
  Result<StoredState> state;
};

Store Start(SimDisk& disk) {
  SeededRandom random(1);
  Store store{SqliteStore::Open(kPath, random, Durability::kHost, disk), Fail(ErrorCode::kInternal, "")};
  store.state = store.opened ? (*store.opened)->Load() : tl::unexpected<Error>(store.opened.error());
  return store;
}

class StoreSweep : public testing::Test {
 protected:
  void Work(SimDisk& disk) {
    acknowledged_ = tried_ = 0;
    {
      Store store = Start(disk);
      while (store.state && tried_ < kCommits) {
        ++tried_;
        if (!(*store.opened)->Commit(Batch(tried_))) break;  // the process must end
        acknowledged_ = tried_;
        (void)(*store.opened)->KeepReserve(1000);
      }
      disk.Freeze();
    }
  }

  // The first so many runs, all or none of each.
  uint64_t RunsIn(const StoredState& state, const std::string& at) {
    for (uint64_t i = 0; i < state.runs.size(); ++i) {
      EXPECT_EQ(state.runs[i].header.id, NewRun(i + 1).header.id) << at;
      EXPECT_EQ(state.runs[i].status.state, RunState::kRunning) << at;
    }
    const uint64_t applied = state.agents.empty() ? 0 : state.agents[0].applied_sequence;
    EXPECT_EQ(applied, state.runs.size()) << at;
    return state.runs.size();
  }

  uint64_t acknowledged_ = 0, tried_ = 0;
};

TEST_F(StoreSweep, NothingAcknowledgedIsLostAndNothingHalfWrittenIsBelieved) {
  const uint64_t calls = Sweep([&](SimDisk& disk) { Work(disk); },
                               [&](SimDisk& disk, const Case& at) {
                                 uint64_t runs = 0;
                                 {
                                   Store store = Start(disk);
                                   ASSERT_TRUE(store.state) << at.text() << ": " << store.state.error().message;
                                   runs = RunsIn(*store.state, at.text());
                                   EXPECT_GE(runs, acknowledged_) << at.text();
                                   EXPECT_LE(runs, tried_) << at.text();
                                   if (at.kind == SimDisk::Call::kRead)
                                     return;  // nothing on the disk is another than without it
                                   // What is acknowledged from here on is there even if the machine crashes now,
                                   // whatever failed before.
                                   ASSERT_TRUE((*store.opened)->Commit(Batch(runs + 1))) << at.text();
                                   disk.Freeze();
                                 }
                                 disk.Crash();
                                 Store store = Start(disk);
                                 ASSERT_TRUE(store.state) << at.text() << ": " << store.state.error().message;
                                 EXPECT_EQ(RunsIn(*store.state, at.text()), runs + 1) << at.text();
                               });
  EXPECT_GT(calls, 40u);
}

// The simulator found that a commit whose sync had failed was read by the next coordinator out of the machine's memory,
// and that all that was committed after it was gone when the machine lost power.
TEST_F(StoreSweep, ACommitBehindOneWhoseSyncFailedOutlivesTheMachine) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    SimDisk disk(seed);
    (void)disk.MakeDirectory("d", 0700);
    {
      Store store = Start(disk);
      ASSERT_TRUE(store.state && (*store.opened)->Commit(Batch(1)));
      disk.FailSyncs(1);
      ASSERT_FALSE((*store.opened)->Commit(Batch(2)));
      disk.Freeze();
    }
    disk.Thaw();
    uint64_t runs = 0;
    {
      Store store = Start(disk);
      ASSERT_TRUE(store.state) << seed << ": " << store.state.error().message;
      runs = RunsIn(*store.state, "");
      ASSERT_TRUE((*store.opened)->Commit(Batch(runs + 1)));
      disk.Freeze();
    }
    disk.Crash();
    Store store = Start(disk);
    ASSERT_TRUE(store.state) << seed << ": " << store.state.error().message;
    EXPECT_EQ(RunsIn(*store.state, ""), runs + 1) << seed;
  }
}

}  // namespace
}  // namespace cromt
