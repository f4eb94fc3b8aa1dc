// The engine's own promises: one transaction before any answer, and one answer a request.
#include "coordinator/engine.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "coordinator/store/sqlite_store.h"

namespace cromt {
namespace {

class NoEdges final : public CoordinatorEdges {
 public:
  std::vector<std::string> said;
  void Dial(const std::string& address, LinkId) override { said.push_back("dial " + address); }
  void Close(LinkId, const std::string& reason) override { said.push_back("close: " + reason); }
  void Send(LinkId, ToAgent) override {}
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

  SeededRandom random_{1};
  NoEdges edges_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Engine> engine_;
};

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

class EngineThatWentBack : public EngineTest {
 protected:
  // An agent at the only address answers that it has seen this commit.
  void AgentHasSeen(Engine& engine, uint64_t commit) {
    const Now now{};
    ASSERT_TRUE(engine.Step({}, now));
    ASSERT_EQ(edges_.said.at(0), "dial a:4000");
    std::vector<EngineInput> inputs;
    inputs.push_back(engine_input::LinkOpened{1});
    FromAgent hello;
    hello.hello = AgentHello{.agent = AgentId("agent"), .journal = JournalId("journal"), .slots = 1};
    hello.hello->seen_commit = commit;
    inputs.push_back(engine_input::LinkMessage{1, std::move(hello)});
    ASSERT_TRUE(engine.Step(std::move(inputs), now));
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
  EXPECT_EQ(Start(engine, "q1"), "started");
  AgentHasSeen(engine, 1);
  EXPECT_EQ(engine.held(), "");
  EXPECT_EQ(Start(engine, "q2"), "started");
}

}  // namespace
}  // namespace cromt
