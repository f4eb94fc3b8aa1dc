// The engine's own promises: one transaction before any answer, and one answer a request.
#include "coordinator/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "coordinator/store/disk_reserve.h"
#include "coordinator/store/reader.h"
#include "coordinator/store/sqlite_store.h"
#include "tests/unit/core/plan_builder.h"

namespace cromt {
namespace {

class NoEdges final : public CoordinatorEdges {
 public:
  std::vector<std::string> said;
  std::vector<Verdict> verdicts;
  void Dial(const std::string& address, LinkId) override { said.push_back("dial " + address); }
  void Close(LinkId, const std::string& reason) override { said.push_back("close: " + reason); }
  void Send(LinkId, ToAgent message) override {
    verdicts.insert(verdicts.end(), message.verdicts.begin(), message.verdicts.end());
  }
  void CollectLogs(LinkId, const MeshId&, const AgentId&) override {}
  void PushBlob(LinkId, const std::string&, const Digest&, const std::optional<LeaseInput>&) override {}
  void FetchBlob(const LeaseInput&, std::function<void(const Status&)>) override {}
  void Resolve(const ResolveSources&) override {}
  void Published(std::span<const RunChange>) override {}
  void Held(const std::string& why) override { said.push_back("held: " + why); }
};

class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "engine-test.db";
    for (const char* end : {"", "-wal", "-shm", "-mark"}) std::filesystem::remove(path + end);
    store_ = *SqliteStore::Open(path, random_);
  }
  Engine& Start(Engine::Options options = {}) {
    engine_ = std::make_unique<Engine>(*store_, edges_, random_, std::move(options));
    auto no_files = [](const std::string&, const std::string&) -> Result<std::shared_ptr<const JobFile>> {
      return Fail(ErrorCode::kInternal, "there are none");
    };
    EXPECT_TRUE(engine_->Start(no_files, Now{}));
    return *engine_;
  }

  // Of one task.
  void BeginRun(Now now) {
    PlanBuilder plan;
    plan.Add("x");
    StartRun start{RunId("run"), RequestId("q"), "x"};
    start.plan = plan.Build();
    std::vector<EngineInput> inputs;
    inputs.push_back(engine_input::Ask{start, {}});
    ASSERT_TRUE(engine_->Step(std::move(inputs), now));
  }

  // It is woken whenever it asked for that.
  void Pass(Duration time, Now& now) {
    const Mono end = now.mono + time;
    while (now.mono < end) {
      now.mono = std::clamp(engine_->NextDeadline().value_or(end), now.mono + milliseconds(1), end);
      ASSERT_TRUE(engine_->Step({}, now));
    }
  }

  SeededRandom random_{1};
  NoEdges edges_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Engine> engine_;
};

// By SIGSTOP, or a disk for which it waits: nobody was called meanwhile, so that nobody can be blamed for not
// answering.
TEST_F(EngineTest, TheTimeForWhichItWasStoppedCountsForNobody) {
  Engine& engine = Start({.limits = {}, .agents = {"a:4000"}});
  Now now{MonoFromMicros(0), {}};
  BeginRun(now);
  now.mono += std::chrono::hours(2);
  ASSERT_TRUE(engine.Step({}, now));
  EXPECT_EQ(engine.scheduler().unfinished_tasks(), 1u);
  Pass(seconds(59), now);
  EXPECT_EQ(engine.scheduler().unfinished_tasks(), 1u);
  Pass(seconds(2), now);
  EXPECT_EQ(engine.scheduler().unfinished_tasks(), 0u);
}

// A transport that owes an answer: the dial is given up, said and made again.
TEST_F(EngineTest, ADialThatIsNeverAnsweredIsMadeAgain) {
  Engine& engine = Start({.limits = {}, .agents = {"a:4000"}});
  Now now{};
  auto step_at_deadline = [&] {
    now.mono = std::max(now.mono, *engine.NextDeadline());
    ASSERT_TRUE(engine.Step({}, now));
  };
  step_at_deadline();
  EXPECT_EQ(edges_.said, std::vector<std::string>{"dial a:4000"});
  step_at_deadline();
  EXPECT_EQ(edges_.said.back(), "close: no answer");
  EXPECT_EQ(engine.scheduler().Agents()[0].reason, "no answer");
  step_at_deadline();
  EXPECT_EQ(edges_.said.back(), "dial a:4000");
  EXPECT_LT(now.mono, MonoFromMicros(0) + seconds(20));
}

TEST_F(EngineTest, ARequestRepeatedInTheBatchThatEndsItsRunGetsTheFirstAnswer) {
  Engine& engine = Start();
  // A run without tasks ends in the moment in which it starts.
  std::vector<std::string> answers;
  std::vector<EngineInput> twice;
  for (const char* run : {"first", "second"}) {
    StartRun start{RunId(run), RequestId("q"), "p"};
    start.plan = std::make_shared<const Plan>();
    twice.push_back(engine_input::Ask{start, [&](Result<RunId> answer) { answers.push_back(answer->text()); }});
  }
  ASSERT_TRUE(engine.Step(std::move(twice), Now{}));
  EXPECT_EQ(answers, (std::vector<std::string>{"first", "first"}));
}

class EngineThatLetsGo : public EngineTest {
 protected:
  // Of these runs, in one batch with `before`: the answer.
  static std::string LetGo(Engine& engine, std::vector<std::string> runs, std::vector<EngineInput> before = {}) {
    std::string answer = "none";
    engine_input::LetGo wish{{}, [&](Result<RunId> done) { answer = done ? "done" : done.error().message; }};
    for (const std::string& run : runs) {
      wish.records.emplace_back(RunRemoved{RunId(run), "too many", {}});
      wish.records.emplace_back(OutputRemoved{RunId(run), 1, "too much", {}});
    }
    wish.records.emplace_back(RemnantsSwept{1000, {}});
    before.emplace_back(std::move(wish));
    EXPECT_TRUE(engine.Step(std::move(before), Now{}));
    return answer;
  }
  static EngineInput StartOf(const std::string& run, std::shared_ptr<const Plan> plan) {
    StartRun start{RunId(run), RequestId("q-" + run), "p"};
    start.plan = std::move(plan);
    return engine_input::Ask{start, {}};
  }
  std::vector<std::string> Runs() {
    auto reader = *StoreReader::Open(testing::TempDir() + "engine-test.db");
    const auto runs = *reader.Runs("", 10);
    std::vector<std::string> ids;
    for (const RunView& run : runs) ids.push_back(run.header.id.text());
    return ids;
  }
};

TEST_F(EngineThatLetsGo, OfWhatHasEndedAndNothingElse) {
  Engine& engine = Start();
  std::vector<EngineInput> starts;
  starts.push_back(StartOf("ended", std::make_shared<const Plan>()));  // in the moment in which it starts
  PlanBuilder plan;
  plan.Add("p");
  starts.push_back(StartOf("on", plan.Build()));
  EXPECT_EQ(LetGo(engine, {"on", "ended", "nobody"}, std::move(starts)), "done");
  EXPECT_EQ(Runs(), std::vector<std::string>{"on"});
  EXPECT_TRUE(engine.scheduler().IsUnfinished(RunId("on")));
  // Who repeats the start gets the run that is no more.
  std::string answer;
  std::vector<EngineInput> again;
  again.push_back(StartOf("again", std::make_shared<const Plan>()));
  std::get<StartRun>(std::get<engine_input::Ask>(again[0]).event).request = RequestId("q-ended");
  std::get<engine_input::Ask>(again[0]).reply = [&](Result<RunId> got) { answer = got ? got->text() : ""; };
  ASSERT_TRUE(engine.Step(std::move(again), Now{}));
  EXPECT_EQ(answer, "ended");
}

TEST_F(EngineThatLetsGo, NotOfWhatStillHoldsLanes) {
  {
    Engine& before = Start();
    std::vector<EngineInput> starts;
    starts.push_back(StartOf("lost", std::make_shared<const Plan>()));
    starts.push_back(StartOf("ended", std::make_shared<const Plan>()));
    ASSERT_TRUE(before.Step(std::move(starts), Now{}));
    std::vector<Record> records = {LaneHeld{{RunId("lost"), 0, 1}, AgentId("a"), "h (a:4000)", "p", {"deploy"}}};
    ASSERT_TRUE(store_->Commit(records));
  }
  Engine& engine = Start();
  EXPECT_EQ(LetGo(engine, {"lost", "ended"}), "done");
  EXPECT_EQ(Runs(), std::vector<std::string>{"lost"});
}

class EngineThatWentBack : public EngineTest {
 protected:
  // An agent at the only address answers that it has seen this commit, and has nothing but what this store has never
  // heard of.
  void AgentHasSeen(Engine& engine, uint64_t commit, LinkId link = 1, Now now = {}, uint64_t acked = 0) {
    ASSERT_TRUE(engine.Step({}, now));
    ASSERT_EQ(edges_.said.at(0), "dial a:4000");
    std::vector<EngineInput> inputs;
    inputs.push_back(engine_input::LinkOpened{link});
    FromAgent hello;
    hello.hello = AgentHello{.agent = AgentId("agent"), .journal = JournalId("journal"), .slots = 1};
    hello.hello->seen_commit = commit;
    hello.hello->acked_sequence = acked;
    hello.inventory.push_back({{RunId("gone"), 0, 1}, InventoryItem::Phase::kRunning});
    hello.inventory_done = true;
    inputs.push_back(engine_input::LinkMessage{link, std::move(hello)});
    ASSERT_TRUE(engine.Step(std::move(inputs), now));
    std::vector<EngineInput> writable;  // after its own hello
    writable.push_back(engine_input::LinkWritable{link});
    ASSERT_TRUE(engine.Step(std::move(writable), now));
  }
  std::string Start(Engine& engine, const std::string& request) {
    std::string answer = "none";
    StartRun start{RunId("run-" + request), RequestId(request), "p"};
    start.plan = std::make_shared<const Plan>();
    std::vector<EngineInput> inputs;
    inputs.push_back(
        engine_input::Ask{start, [&](Result<RunId> got) { answer = got ? "started" : got.error().message; }});
    EXPECT_TRUE(engine.Step(std::move(inputs), Now{}));
    return answer;
  }
};

TEST_F(EngineThatWentBack, AsAnAgentProvesTakesNothingAnyMore) {
  Engine& engine = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  EXPECT_EQ(Start(engine, "q1"), "started");
  AgentHasSeen(engine, 100);
  EXPECT_NE(engine.held().find("agent agent at a:4000 has seen commit 100"), std::string::npos) << engine.held();
  EXPECT_EQ(edges_.said.back(), "held: " + engine.held());
  EXPECT_NE(Start(engine, "q2").find("cromt-coordinator recover"), std::string::npos);
  EXPECT_EQ(engine.NextDeadline(), std::nullopt);
  // The next process knows it from the store.
  Engine& next = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  EXPECT_NE(next.held(), "");
  EXPECT_NE(Start(next, "q3").find("cromt-coordinator recover"), std::string::npos);
}

TEST_F(EngineThatWentBack, IsNotOneWhoseAgentHasSeenItsLastCommit) {
  Engine& engine = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  AgentHasSeen(engine, 0);
  EXPECT_EQ(Start(engine, "q1"), "started");
  std::vector<EngineInput> inputs;
  inputs.push_back(engine_input::LinkClosed{1, "it broke"});
  ASSERT_TRUE(engine.Step(std::move(inputs), {}));
  AgentHasSeen(engine, 1, 2, Now{Mono(seconds(10)), {}});
  EXPECT_EQ(engine.held(), "");
  EXPECT_EQ(Start(engine, "q2"), "started");
}

TEST_F(EngineThatWentBack, IsOneThatLacksReportsWhichItHasAcknowledged) {
  EngineTest::Start();
  ASSERT_TRUE(store_->Commit(std::vector<Record>{AgentSeen{AgentId("agent"), JournalId("journal"), "a:4000", 7, {}}}));
  Engine& engine = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  AgentHasSeen(engine, 0, 1, {}, 7);
  EXPECT_EQ(engine.held(), "");
  EXPECT_EQ(edges_.verdicts, (std::vector<Verdict>{{{RunId("gone"), 0, 1}, Verdict::Kind::kStop}}));
  Engine& next = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  AgentHasSeen(next, 0, 1, {}, 8);
  EXPECT_NE(next.held().find("8 reports were acknowledged, the store has 7"), std::string::npos) << next.held();
}

// What it runs is from before, so nothing is stopped: it is asked for nothing and told nothing.
TEST_F(EngineThatWentBack, IsOneThatDoesNotKnowAnAgentWhoseReportsItHasAcknowledged) {
  Engine& engine = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  AgentHasSeen(engine, 0, 1, {}, 1);
  EXPECT_NE(engine.held().find("1 reports were acknowledged, the store has 0"), std::string::npos) << engine.held();
  EXPECT_EQ(edges_.verdicts, std::vector<Verdict>{});
}

// Its data directory was away for a while.
TEST_F(EngineThatWentBack, IsNotOneThatKnowsAnotherJournalOfTheAgent) {
  EngineTest::Start();
  ASSERT_TRUE(store_->Commit(std::vector<Record>{AgentSeen{AgentId("agent"), JournalId("other"), "a:4000", 2, {}}}));
  Engine& engine = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  AgentHasSeen(engine, 0, 1, {}, 7);
  EXPECT_EQ(engine.held(), "");
  Engine& next = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  AgentHasSeen(next, 0, 1, {}, 7);
  EXPECT_EQ(next.held(), "");
}

// By this store the task is leased, and the agent has nothing: it may have ended long ago, which the store lacks.
TEST_F(EngineThatWentBack, DecidesNothingByWhatTheAgentHasThatProvesIt) {
  PlanBuilder plan;
  plan.Add("p", {.hosts = {"a"}});
  StartRun start{RunId("run"), RequestId("q"), "p"};
  start.plan = plan.Build();
  Engine& before = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  AgentHasSeen(before, 0);
  std::vector<EngineInput> inputs;
  inputs.push_back(engine_input::Ask{start, {}});
  ASSERT_TRUE(before.Step(std::move(inputs), {}));
  auto leased = [&] {
    auto reader = *StoreReader::Open(testing::TempDir() + "engine-test.db");
    const TaskStatus task = reader.Stored(RunId("run"))->tasks.at(0);
    return task.state == TaskState::kLeased ? task.attempt : 0;
  };
  ASSERT_EQ(leased(), 1u);
  edges_.said.clear();
  Engine& engine = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  AgentHasSeen(engine, 100);
  EXPECT_NE(engine.held(), "");
  EXPECT_EQ(leased(), 1u);
}

// The numbers that it has seen are others than ours, though we have made as many since.
TEST_F(EngineThatWentBack, IsOneWhoseAgentComesLate) {
  Engine& engine = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  EXPECT_EQ(Start(engine, "q1"), "started");
  EXPECT_EQ(Start(engine, "q2"), "started");
  AgentHasSeen(engine, 1);
  EXPECT_NE(engine.held().find("has seen commit 1"), std::string::npos) << engine.held();
}

// ---- A full disk --------------------------------------------------------------------------------

class FullStore final : public Store {
 public:
  explicit FullStore(std::unique_ptr<Store> real) : real_(std::move(real)) {}
  bool full = false;
  Result<StoredState> Load() override { return real_->Load(); }
  Result<uint64_t> Commit(std::span<const Record> records) override { return real_->Commit(records); }
  Result<RunId> FindRequest(const RequestId& request) override { return real_->FindRequest(request); }
  Status KeepReserve(size_t) override { return full ? Status(Fail(ErrorCode::kExhausted, "no room")) : Status(); }

 private:
  std::unique_ptr<Store> real_;
};

class EngineWithoutRoom : public EngineThatWentBack {
 protected:
  void SetUp() override {
    EngineThatWentBack::SetUp();
    auto full = std::make_unique<FullStore>(std::move(store_));
    disk_ = full.get();
    store_ = std::move(full);
  }
  FullStore* disk_ = nullptr;
};

TEST_F(EngineWithoutRoom, HoldsStillAndGoesOnByItself) {
  Engine& engine = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  ASSERT_TRUE(engine.Step({}, Now{}));
  disk_->full = true;
  EXPECT_EQ(Start(engine, "q1"), "started");  // it was decided, and found room
  EXPECT_EQ(edges_.said.at(edges_.said.size() - 2).substr(0, 35), "close: the coordinator's disk is fu");
  const std::string why =
      "the coordinator's disk is full, and nothing is started, canceled or leased until there is room: no room";
  EXPECT_EQ(edges_.said.back(), "held: " + why);
  EXPECT_EQ(Start(engine, "q2"), why);
  // It is looked for once a second, and nothing else happens.
  const size_t said = edges_.said.size();
  Now now{};
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(engine.NextDeadline(), now.mono + seconds(1));
    now.mono += seconds(1);
    ASSERT_TRUE(engine.Step({}, now));
  }
  EXPECT_EQ(edges_.said.size(), said);
  disk_->full = false;
  now.mono += seconds(1);
  ASSERT_TRUE(engine.Step({}, now));
  EXPECT_EQ(engine.held(), "");
  EXPECT_EQ(edges_.said.at(said), "held: ");
  EXPECT_EQ(edges_.said.at(said + 1), "dial a:4000");
  EXPECT_EQ(Start(engine, "q2"), "started");
}

// Silence that was our own: also when it began before anybody was reached, and when it came twice.
TEST_F(EngineWithoutRoom, ItsTimeCountsForNobody) {
  disk_->full = true;
  Engine& engine = EngineTest::Start({.limits = {}, .agents = {"a:4000"}});
  ASSERT_NE(engine.held(), "");
  disk_->full = false;
  Now now{MonoFromMicros(0) + seconds(1), {}};
  ASSERT_TRUE(engine.Step({}, now));
  BeginRun(now);
  for (int i = 0; i < 2; ++i) {
    disk_->full = true;
    ASSERT_TRUE(engine.Step({}, now));
    ASSERT_NE(engine.held(), "");
    now.mono += std::chrono::hours(2);
    disk_->full = false;
    ASSERT_TRUE(engine.Step({}, now));
    EXPECT_EQ(engine.held(), "");
    EXPECT_EQ(engine.scheduler().unfinished_tasks(), 1u) << "given up in a time in which nobody was asked";
  }
  Pass(seconds(61), now);
  EXPECT_EQ(engine.scheduler().unfinished_tasks(), 0u);
}

// Nobody would fetch them again before the next start.
TEST_F(EngineWithoutRoom, SourcesThatWereFetchedMeanwhileAreNotForgotten) {
  Engine& engine = EngineTest::Start();
  PlanBuilder plan;
  plan.Add("x", {.repository = "https://r"});
  std::vector<EngineInput> inputs;
  StartRun start{RunId("run"), RequestId("q"), "x"};
  start.plan = plan.Build();
  inputs.push_back(engine_input::Ask{start, {}});
  ASSERT_TRUE(engine.Step(std::move(inputs), Now{}));
  disk_->full = true;
  ASSERT_TRUE(engine.Step({}, Now{}));
  ASSERT_NE(engine.held(), "");
  inputs.clear();
  inputs.push_back(engine_input::Ask{SourcesFailed{RunId("run"), "the repository can't be reached"}, {}});
  ASSERT_TRUE(engine.Step(std::move(inputs), Now{}));
  EXPECT_EQ(engine.scheduler().unfinished_runs(), 1u);
  disk_->full = false;
  ASSERT_TRUE(engine.Step({}, Now{MonoFromMicros(0) + seconds(1), {}}));
  EXPECT_EQ(engine.scheduler().unfinished_runs(), 0u);
}

TEST(DiskReserve, IsMadeGivenAndMadeAgain) {
  const std::string path = testing::TempDir() + "disk-reserve-test";
  DiskReserve reserve(path);
  EXPECT_FALSE(reserve.Free());
  ASSERT_TRUE(reserve.Keep(1 << 20));
  ASSERT_TRUE(reserve.Keep(1 << 19));
  EXPECT_EQ(std::filesystem::file_size(path), 1u << 20);
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_GE(info.st_blocks * 512, 1 << 20);  // not only a size
  EXPECT_TRUE(reserve.Free());
  EXPECT_FALSE(std::filesystem::exists(path));
  ASSERT_TRUE(reserve.Keep(1 << 20));
  std::filesystem::remove(path);  // by whoever needed the room
  ASSERT_TRUE(reserve.Keep(5 << 20));
  EXPECT_EQ(std::filesystem::file_size(path), 5u << 20);
  ASSERT_TRUE(reserve.Keep(1 << 20));  // much less
  EXPECT_EQ(std::filesystem::file_size(path), 1u << 20);
  EXPECT_TRUE(reserve.Free());
  EXPECT_FALSE(DiskReserve(testing::TempDir() + "no-such-folder/reserve").Keep(1));
}

}  // namespace
}  // namespace cromt
