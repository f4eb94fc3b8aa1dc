// What retention takes out of the store: whole runs in steps of a few rows, at whatever moment it ends in between.
#include "coordinator/store/backup.h"
#include "coordinator/store/retention_reader.h"
#include "tests/unit/coordinator/store_env.h"

namespace cromt {
namespace {

constexpr int64_t kMany = 1'000'000;

class StoreRetentionTest : public StoreEnv {
 protected:
  static Wall At(int64_t us) { return WallFromMicros(us); }
  static RunRemoved Removed(const std::string& run, int64_t at = 100) { return {RunId(run), "too many", At(at)}; }
  static RemnantsSwept Sweep(int64_t rows, int64_t forget_before = 0) { return {rows, At(forget_before)}; }
  // A finished run that has something in each table.
  static std::vector<Record> Whole(const std::string& run, size_t tasks = 2) {
    std::vector<Record> records = {NewRun(run, "q-" + run, tasks)};
    for (TaskIndex task = 0; task < tasks; ++task) {
      records.emplace_back(Finished(run, task));
      records.emplace_back(Published(run, task));
      records.emplace_back(Image(run, task, 1));
    }
    records.emplace_back(RunChanged{
        RunId(run), {.state = RunState::kFinished, .outcome = RunOutcome::kSucceeded, .finished_at = At(50)}});
    return records;
  }
  void Commit(SqliteStore& store, std::vector<Record> records) {
    auto done = store.Commit(records);
    ASSERT_TRUE(done) << done.error().message;
  }
  int64_t Count(const std::string& table) {
    auto db = *sqlite::Database::Open(path_, sqlite::Database::Mode::kReadOnly);
    auto rows = *db.Prepare("SELECT count(*) FROM " + table);
    EXPECT_TRUE(*rows.Step());
    return rows.Int(0);
  }
  int64_t RowsOfRuns() {
    int64_t all = 0;
    for (const char* table : {"runs", "plans", "tasks", "transitions", "artifacts", "images", "output_removed"})
      all += Count(table);
    return all;
  }
  // That it is whole, by all sums.
  void ExpectWhole() {
    auto checked = CheckStore(path_);
    EXPECT_TRUE(checked) << checked.error().message;
    auto state = Start(path_);
    EXPECT_TRUE(state) << state.error().message;
  }
};

TEST_F(StoreRetentionTest, ARunGoesWithAllItsRowsAndNothingElse) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  Commit(*store, Whole("stays"));
  const int64_t before = RowsOfRuns();
  Commit(*store, Whole("goes", 5));
  Commit(*store, {OutputRemoved{RunId("goes"), 9, "too much", At(60)}});
  Commit(*store, {NewRun("on", "q-on")});
  const int64_t on = RowsOfRuns() - before;
  Commit(*store, {Removed("goes"), Sweep(kMany)});
  EXPECT_LT(RowsOfRuns() - before, on);
  EXPECT_EQ(Count("runs"), 2);
  EXPECT_EQ(Count("tasks"), 4);
  EXPECT_EQ(Count("output_removed"), 0);
  auto reader = *StoreReader::Open(path_);
  EXPECT_TRUE(reader.Run(RunId("stays")));
  const auto gone = reader.Resolve("goes", "");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(gone.error().message, "run goes was removed on 1970-01-01T00:00:00.000100Z: too many");
  store.reset();
  ExpectWhole();
}

TEST_F(StoreRetentionTest, WhatGoesOnOrIsNotThereIsLeftAlone) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  Commit(*store, {NewRun("on", "q-on")});
  const int64_t before = RowsOfRuns();
  Commit(*store, {Removed("on"), Removed("nobody"), OutputRemoved{RunId("on"), 1, "", At(1)}, Sweep(kMany)});
  EXPECT_EQ(RowsOfRuns(), before);
  EXPECT_EQ(Count("removed"), 0);
  store.reset();
  ExpectWhole();
}

TEST_F(StoreRetentionTest, ACrashAfterAnyStepLeavesAStoreThatGoesOn) {
  {
    auto store = Open();
    ASSERT_TRUE(store->Load());
    Commit(*store, Whole("a", 7));
    Commit(*store, Whole("b", 3));
    Commit(*store, {NewRun("on", "q-on")});
    Commit(*store, {Removed("a"), Removed("b"), Sweep(1)});
  }
  int steps = 0;
  for (int64_t before = RowsOfRuns();; ++steps) {
    ExpectWhole();
    auto reader = *RetentionReader::Open(path_);
    if (!*reader.HasRemnants(At(0))) break;
    auto runs = *StoreReader::Open(path_);
    EXPECT_EQ(runs.Runs("", 10)->size(), 1u) << "what is being removed is there for nobody";
    auto store = Open();
    ASSERT_TRUE(store->Load());
    EXPECT_EQ(*store->FindRequest(RequestId("q-a")), RunId("a"));
    Commit(*store, {Sweep(4)});
    EXPECT_LE(before - RowsOfRuns(), 4);
    before = RowsOfRuns();
  }
  EXPECT_GT(steps, 10);
  EXPECT_EQ(Count("tasks"), 2);
  EXPECT_EQ(Count("transitions"), 0);
  EXPECT_EQ(Count("plans"), 1);
}

TEST_F(StoreRetentionTest, ARequestIsKnownForAWhileAfterItsRunIsGone) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  Commit(*store, Whole("a"));
  Commit(*store, Whole("b"));
  Commit(*store, {Removed("a", 100), Removed("b", 200), Sweep(kMany)});
  Commit(*store, {Sweep(kMany, 100)});
  EXPECT_EQ(*store->FindRequest(RequestId("q-a")), RunId("a"));
  Commit(*store, {Sweep(kMany, 101)});
  EXPECT_TRUE(store->FindRequest(RequestId("q-a"))->empty());
  EXPECT_EQ(*store->FindRequest(RequestId("q-b")), RunId("b"));
  auto reader = *RetentionReader::Open(path_);
  EXPECT_FALSE(*reader.HasRemnants(At(200)));
  EXPECT_TRUE(*reader.HasRemnants(At(201)));
}

TEST_F(StoreRetentionTest, ANewRunNeverTakesOverWhatIsLeftOfAnother) {
  {
    auto store = Open();
    ASSERT_TRUE(store->Load());
    Commit(*store, Whole("old", 6));
    Commit(*store, {Removed("old"), Sweep(2)});
  }
  auto store = Open();
  ASSERT_TRUE(store->Load());
  Commit(*store, {NewRun("new", "q-new")});
  Commit(*store, {Sweep(kMany)});
  auto reader = *StoreReader::Open(path_);
  EXPECT_EQ(reader.Run(RunId("new"))->tasks.size(), 2u);
  EXPECT_EQ(Count("tasks"), 2);
}

TEST_F(StoreRetentionTest, FindsWhatIsBeyondAndNothingOfWhatGoesOn) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  for (int i = 0; i < 8; ++i) Commit(*store, Whole("r" + std::to_string(i)));
  Commit(*store, {NewRun("on", "q-on")});
  auto reader = *RetentionReader::Open(path_);
  EXPECT_EQ(*reader.Projects(), std::vector<std::string>{"hello"});
  RunSieve sieve(3, Duration(0), At(int64_t{100} * 1'000'000));
  std::vector<std::string> found;
  int64_t below = INT64_MAX;
  for (;;) {
    const auto some = *reader.Excess("hello", sieve, below, 2, At(1));
    if (some.empty()) break;
    EXPECT_LE(some.size(), 2u);
    for (const RunRemoved& one : some) found.push_back(one.run.text());
  }
  EXPECT_EQ(found, (std::vector<std::string>{"r4", "r3", "r2", "r1", "r0"}));
  EXPECT_TRUE(reader.SpeakerOf(RunId("r1"))->finished);
  EXPECT_FALSE(reader.SpeakerOf(RunId("on"))->finished);
  EXPECT_FALSE(reader.SpeakerOf(RunId("nobody"))->known);
}

TEST_F(StoreRetentionTest, OutputThatWasRemovedIsRememberedWithItsRun) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  Commit(*store, Whole("a"));
  auto reader = *StoreReader::Open(path_);
  EXPECT_FALSE(*reader.OutputGone(RunId("a")));
  Commit(*store, {OutputRemoved{RunId("a"), 77, "too much", At(60)}});
  const auto gone = *reader.OutputGone(RunId("a"));
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->bytes, 77);
  EXPECT_EQ(gone->why, "too much");
  EXPECT_TRUE(RetentionReader::Open(path_)->SpeakerOf(RunId("a"))->removed);
  store.reset();
  ExpectWhole();
}

TEST_F(StoreRetentionTest, TheLedgerKeepsItsNewestLines) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  std::vector<Record> lines;
  for (int64_t at = 1; at <= kTicksAtMost + 50; ++at) lines.emplace_back(Ticked("p", at));
  lines.emplace_back(Ticked("q", 1));
  Commit(*store, lines);
  auto reader = *RetentionReader::Open(path_);
  EXPECT_EQ(*reader.Projects(), (std::vector<std::string>{"p", "q"}));
  const auto beyond = *reader.ExcessTicks("p", Duration(0), At(0));
  ASSERT_TRUE(beyond);
  while (const auto up_to = *reader.ExcessTicks("p", Duration(0), At(0)))
    Commit(*store, {TicksForgotten{"p", *up_to, 20}});
  EXPECT_EQ(Count("ticks"), kTicksAtMost + 1);
  while (const auto up_to = *reader.ExcessTicks("p", Duration(10), At(1'000'000)))
    Commit(*store, {TicksForgotten{"p", *up_to, 1'000}});
  EXPECT_EQ(Count("ticks"), kTicksAlways + 1) << "the newest stay however old they are";
  EXPECT_FALSE(*reader.ExcessTicks("q", Duration(10), At(1'000'000)));
  EXPECT_EQ(StoreReader::Open(path_)->Ticks("p", 1)->at(0).first, At(kTicksAtMost + 50));
  store.reset();
  ExpectWhole();
}

}  // namespace
}  // namespace cromt
