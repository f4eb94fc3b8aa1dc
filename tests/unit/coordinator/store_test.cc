// The SQLite store: what is committed is what a new process finds; readers see it too.
#include "tests/unit/coordinator/store_env.h"

namespace cromt {
namespace {

using StoreTest = StoreEnv;

TEST_F(StoreTest, ANewProcessFindsUnfinishedRunsAsTheyWere) {
  MeshId mesh;
  uint64_t epoch = 0;
  {
    auto store = Open();
    auto state = *store->Load();
    mesh = state.mesh;
    epoch = state.epoch;
    EXPECT_GT(epoch, 0u);
    std::vector<Record> records = {NewRun("r1", "q1"), Finished("r1", 1),
                                   AgentSeen{AgentId("a"), JournalId("j"), "x:1", 42}};
    EXPECT_EQ(*store->Commit(records), 1u);
  }
  auto state = *Open()->Load();
  EXPECT_EQ(state.mesh, mesh);
  EXPECT_GT(state.epoch, epoch);
  EXPECT_EQ(state.commit, 1u);
  ASSERT_EQ(state.runs.size(), 1u);
  EXPECT_EQ(*state.runs[0].plan, *Tasks(2));
  EXPECT_EQ(state.runs[0].tasks[0], TaskStatus{});
  EXPECT_EQ(state.runs[0].tasks[1], Finished("r1", 1).status);
  ASSERT_EQ(state.agents.size(), 1u);
  EXPECT_EQ(state.agents[0].applied_sequence, 42u);
}

TEST_F(StoreTest, WhatWasCanceledAndIgnoredIsRemembered) {
  TaskChanged ignored = Finished("r1", 0);
  ignored.status.ignored = true;
  for (CancelWish wish : {CancelWish::kAllButCleanups, CancelWish::kAll}) {
    SetUp();
    const RunStatus running{.state = RunState::kRunning, .cancel = wish};
    std::vector<Record> records = {NewRun("r1", "q1"), RunChanged{RunId("r1"), running}, ignored};
    {
      auto store = Open();
      ASSERT_TRUE(store->Load());
      ASSERT_TRUE(store->Commit(records));
    }
    auto state = *Open()->Load();
    EXPECT_EQ(state.runs.at(0).status, running);
    EXPECT_TRUE(state.runs.at(0).tasks.at(0).ignored);
    EXPECT_FALSE(state.runs.at(0).tasks.at(1).ignored);
  }
}

TEST_F(StoreTest, ABatchIsAllOrNothing) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  std::vector<Record> first = {NewRun("r1", "q1")};
  ASSERT_TRUE(store->Commit(first));
  std::vector<Record> twice = {NewRun("r2", "q2"), NewRun("r3", "q1")};  // q1 is taken
  ASSERT_FALSE(store->Commit(twice));
  auto state = *Open()->Load();
  EXPECT_EQ(state.runs.size(), 1u);
  EXPECT_EQ(state.commit, 1u);
}

TEST_F(StoreTest, ARequestIdFindsItsRunForEver) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  RunStatus done{.state = RunState::kFinished, .outcome = RunOutcome::kSucceeded};
  std::vector<Record> records = {NewRun("r1", "q1"), RunChanged{RunId("r1"), done}};
  ASSERT_TRUE(store->Commit(records));
  EXPECT_EQ(*store->FindRequest(RequestId("q1")), RunId("r1"));
  EXPECT_TRUE(store->FindRequest(RequestId("q2"))->empty());
  EXPECT_TRUE(Open()->Load()->runs.empty());
}

TEST_F(StoreTest, AReaderFollowsARunFromChangeToChange) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  std::vector<Record> created = {NewRun("abc1", "q1")};
  ASSERT_TRUE(store->Commit(created));
  auto reader = *StoreReader::Open(path_);
  EXPECT_EQ(*reader.Resolve("ab", ""), RunId("abc1"));
  EXPECT_EQ(*reader.Resolve("last", "ann"), RunId("abc1"));
  EXPECT_EQ(reader.Resolve("last", "bob").error().code, ErrorCode::kNotFound);
  auto all = *reader.Snapshot(RunId("abc1"));
  EXPECT_EQ(all.update.tasks.size(), 2u);
  EXPECT_EQ(all.update.tasks[0].name, "say hello");
  std::vector<Record> change = {Finished("abc1", 1)};
  ASSERT_TRUE(store->Commit(change));
  auto since = *reader.Since(*all.update.run, all.seq);
  ASSERT_EQ(since.update.tasks.size(), 1u);
  EXPECT_EQ(since.update.tasks[0].index, 1u);
  EXPECT_EQ(since.update.tasks[0].status.outcome, TaskOutcome::kFailed);
  EXPECT_FALSE(since.update.run);
}

TEST_F(StoreTest, TheImageIsThatOfTheAttemptThatIsShown) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  RunCreated created = NewRun("r1", "q1");
  auto plan = std::make_shared<Plan>(*created.plan);
  plan->specs.push_back(plan->specs[0]);
  plan->specs[1].container = Container{.image = "tool:1"};
  plan->specs[1].limits.pids = 9;
  plan->tasks[1].spec = 1;
  created.plan = plan;
  ASSERT_TRUE(store->Commit(std::vector<Record>{created, Image("r1", 1, 1)}));
  auto reader = *StoreReader::Open(path_);
  auto all = *reader.Snapshot(RunId("r1"));
  EXPECT_EQ(all.update.tasks[0].confined, nullptr);
  ASSERT_TRUE(all.update.tasks[1].confined);
  EXPECT_EQ(*all.update.tasks[1].confined, ConfinedBy(plan->specs[1]));
  EXPECT_EQ(all.update.tasks[1].image_digest, "") << "it is that of an attempt before";
  ASSERT_TRUE(store->Commit(std::vector<Record>{Finished("r1", 1), Image("r1", 1, 2)}));
  RunView known = *all.update.run;
  known.tasks = all.update.tasks;
  EXPECT_EQ(reader.Since(known, all.seq)->update.tasks.at(0).image_digest, Image("r1", 1, 2).digest);
  EXPECT_EQ(reader.Run(RunId("r1"))->tasks[1].image_digest, Image("r1", 1, 2).digest);
  EXPECT_EQ(reader.Stored(RunId("r1"))->images, (std::vector{Image("r1", 1, 1), Image("r1", 1, 2)}));
}

TEST_F(StoreTest, OfATaskThatChangesMoreThanOnceInACommitTheLastIsKeptAndAllIsRemembered) {
  {
    auto store = Open();
    ASSERT_TRUE(store->Load());
    TaskChanged running = Finished("r1", 1);
    running.status.state = TaskState::kRunning;
    running.status.outcome.reset();
    TaskChanged other = running;
    other.task = 0;
    ASSERT_TRUE(store->Commit(std::vector<Record>{NewRun("r1", "q1"), running, other, Finished("r1", 1)}));
  }
  const auto state = Start(path_);  // whose checksums hold
  ASSERT_TRUE(state) << state.error().message;
  ASSERT_EQ(state->runs.size(), 1u);
  EXPECT_EQ(state->runs[0].tasks[0].state, TaskState::kRunning);
  EXPECT_EQ(state->runs[0].tasks[1].state, TaskState::kFinished);
  EXPECT_EQ(state->runs[0].tasks[1].reason, "killed");
  auto reader = *StoreReader::Open(path_);
  std::vector<TaskState> states;
  const auto history = *reader.History(RunId("r1"), 1);
  for (const TaskTransition& change : history) states.push_back(change.state);
  EXPECT_EQ(states, (std::vector{TaskState::kRunning, TaskState::kFinished}));
}

// Its last output may come after its end was reported.
TEST_F(StoreTest, AnAttemptBelongsToItsAgentAlsoWhileTheNextOneWaits) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  TaskStatus leased{.state = TaskState::kLeased, .attempt = 1, .agent = AgentId("a")};
  TaskStatus waits{.state = TaskState::kRetryWait, .attempt = 1};
  TaskStatus again{.state = TaskState::kLeased, .attempt = 2, .agent = AgentId("b")};
  std::vector<Record> created = {NewRun("r1", "q1")};
  ASSERT_TRUE(store->Commit(created));
  auto reader = *StoreReader::Open(path_);
  for (const TaskStatus& status : {leased, waits, again}) {
    EXPECT_TRUE(reader.AgentOf({RunId("r1"), 0, status.attempt + 1})->empty());
    std::vector<Record> change = {TaskChanged{RunId("r1"), 0, status}};
    ASSERT_TRUE(store->Commit(change));
    EXPECT_EQ(*reader.AgentOf({RunId("r1"), 0, 1}), AgentId("a"));
  }
  EXPECT_EQ(*reader.AgentOf({RunId("r1"), 0, 2}), AgentId("b"));
}

// ---- Applied files ----------------------------------------------------------------------------

TEST_F(StoreTest, AKeptProjectIsPlannedFromTheRevisionThatHeldItLast) {
  {
    auto store = Open();
    ASSERT_TRUE(store->Load());
    std::vector<Record> records = {
        Applied(1, "one", {.added = {"a", "b", "c"}, .changed = {}, .gone = {}, .removed = {}}, {"a", "b", "c"}),
        Applied(2, "two", {.added = {}, .changed = {"a"}, .gone = {}, .removed = {}}, {"a", "b", "c"}),
        Applied(3, "three", {.added = {}, .changed = {}, .gone = {"b"}, .removed = {}}, {"a", "b", "c"}),
        Applied(4, "four", {.added = {"d"}, .changed = {}, .gone = {}, .removed = {}}, {"a", "b", "c", "d"})};
    ASSERT_TRUE(store->Commit(records));
  }
  auto state = *Open()->Load();
  ASSERT_EQ(state.files.size(), 2u);
  EXPECT_EQ(state.files[0].text, "two");
  EXPECT_EQ(state.files[0].projects, std::vector<std::string>{"b"});
  EXPECT_EQ(state.files[1].text, "four");
  EXPECT_EQ(state.files[1].revision, 4u);
  EXPECT_EQ(state.files[1].projects, (std::vector<std::string>{"a", "c", "d"}));
  EXPECT_EQ(state.revision, 4u);
  ASSERT_EQ(state.applies.size(), 4u);
  EXPECT_EQ(state.applies[0].request, RequestId("q4"));
}

TEST_F(StoreTest, RevisionsAreReadNewestFirstAndByProject) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  const ProjectChanges first{.added = {"a", "b"}, .changed = {}, .gone = {}, .removed = {}};
  const ProjectChanges second{.added = {}, .changed = {"a"}, .gone = {"b"}, .removed = {}};
  const ProjectChanges third{.added = {}, .changed = {}, .gone = {}, .removed = {"b"}};
  std::vector<Record> records = {Applied(1, "one", first, {"a", "b"}), Applied(2, "two", second, {"a", "b"}),
                                 Applied(3, "two", third, {"a"})};
  ASSERT_TRUE(store->Commit(records));
  auto reader = *StoreReader::Open(path_);
  auto all = *reader.Revisions("", 2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].revision, 3u);
  EXPECT_EQ(all[0].changes, third);
  EXPECT_EQ(all[1].changes, second);
  EXPECT_EQ(all[1].file, "mesh");
  EXPECT_EQ(all[1].path, "/srv/jobs.yaml");
  EXPECT_EQ(all[1].author, "ann");
  EXPECT_EQ(all[1].at, WallFromMicros(7));
  auto of_a = *reader.Revisions("a", 50);
  ASSERT_EQ(of_a.size(), 2u);
  EXPECT_EQ(of_a[0].revision, 2u);
  EXPECT_EQ(of_a[1].changes, first);
  EXPECT_TRUE(reader.Revisions("nobody", 50)->empty());
}

// ---- Recovering -------------------------------------------------------------------------------

TEST_F(StoreTest, SchedulesPausesDrainsAndTheLedgerAreRemembered) {
  const Paused pause{"b", "disk", "ann", WallFromMicros(1), WallFromMicros(9)};
  const AgentDrained drained{"x:1", "kernel", "ann", WallFromMicros(5)};
  TickSettled gap = Ticked("b", 9, "");
  gap.first = WallFromMicros(4);
  gap.count = 300;
  gap.outcome = TickOutcome::kMissed;
  gap.why = "no coordinator was running then";
  {
    auto store = Open();
    ASSERT_TRUE(store->Load());
    const std::vector<Record> records = {Scheduled("b", 3),
                                         Scheduled("c", 4),
                                         Scheduled("b", 5),
                                         ScheduleDropped{"c"},
                                         Ticked("b", 3),
                                         Ticked("c", 4),
                                         gap,
                                         pause,
                                         Paused{"c", "", "bob", WallFromMicros(2), {}},
                                         Unpaused{"c"},
                                         drained,
                                         AgentDrained{"y:1", "", "bob", WallFromMicros(6)},
                                         AgentResumed{"y:1"}};
    ASSERT_TRUE(store->Commit(records));
  }
  auto state = Open()->Load();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->schedules, std::vector{Scheduled("b", 5)});
  EXPECT_EQ(state->pauses, std::vector{pause});
  EXPECT_EQ(state->drained, std::vector{drained});
  auto reader = *StoreReader::Open(path_);
  EXPECT_EQ(*reader.Ticks("b", 50), (std::vector{gap, Ticked("b", 3)}));
  EXPECT_EQ(*reader.Ticks("b", 1), std::vector{gap});
  EXPECT_TRUE(reader.Ticks("nobody", 50)->empty());
  Execute("UPDATE schedules SET handled_us = 1");
  EXPECT_FALSE(Open()->Load());
}

TEST_F(StoreTest, WhoPausedAProjectIsReadWithIt) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  Fill(*store);
  auto reader = *StoreReader::Open(path_);
  auto paused = [&](int64_t now) {
    std::vector<std::string> all;
    const auto projects = *reader.Projects(WallFromMicros(now));
    for (const ProjectView& project : projects) all.push_back(project.paused);
    return all;
  };
  EXPECT_EQ(paused(5),
            (std::vector<std::string>{"with all others by bob", "by ann until 1970-01-01T00:00:00.000009Z: disk"}));
  EXPECT_EQ(paused(9), (std::vector<std::string>{"with all others by bob", "with all others by bob"}));
}

// Agents would obey both by turns.
TEST_F(StoreTest, TwoThatStartFromTheSameStateHaveNoEpochInCommon) {
  const uint64_t before = Start(path_)->epoch;
  const std::string copy = folder_ + "/copy.db";
  for (const char* end : {"", "-mark"}) std::filesystem::copy_file(path_ + end, copy + end);
  auto first = Start(path_), second = Start(copy);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->commit, second->commit);
  EXPECT_NE(first->epoch, second->epoch);
  EXPECT_GT(std::min(first->epoch, second->epoch), before);
}

TEST_F(StoreTest, RecoveredItGoesOnAboveAllNumbers) {
  {
    auto store = Open();
    ASSERT_TRUE(store->Load());
    Fill(*store);
    ASSERT_TRUE(store->WentBack());
  }
  EXPECT_TRUE(Open()->Load()->went_back);
  std::filesystem::remove(path_ + "-mark");  // need not be there for this
  const std::vector<KeptAttempt> kept = {{AgentId("a"), {RunId("elsewhere"), 0, 1}},
                                         {AgentId("b"), {RunId("r2"), 1, 2}}};
  std::vector<Record> records = {Finished("r2", 30)};
  {
    auto store = Open();
    ASSERT_TRUE(store->LoadToRecover());
    ASSERT_TRUE(store->Recover(40, 700, records, kept));
  }
  auto state = Open()->Load();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_GT(state->epoch, 40u);
  EXPECT_EQ(state->commit, 701u);
  EXPECT_FALSE(state->went_back);
  EXPECT_EQ(state->kept, kept);
  EXPECT_EQ(state->runs.at(0).tasks.at(30).outcome, TaskOutcome::kFailed);
  {
    auto store = Open();
    ASSERT_TRUE(store->LoadToRecover());
    ASSERT_TRUE(store->Recover(50, 800, {}, {}));
  }
  EXPECT_TRUE(Open()->Load()->kept.empty());
  Execute("INSERT INTO kept VALUES ('a', 'r', 0, 1)");
  EXPECT_FALSE(Open()->Load());
}

}  // namespace
}  // namespace cromt
