// Goal: an agent says in words that its launcher does not answer, takes nothing new meanwhile, and goes on by itself.
// Method: the real engine with a journal in memory; the test is the launcher and the clock.
#include "agent/launcher_watch.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/engine.h"
#include "agent/fake_journal.h"

namespace cromt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Duration kPatience = LauncherWatch::kPatience;

class LauncherWatchTest : public testing::Test, private AgentEdges {
 protected:
  LauncherWatchTest() {
    AgentEdges& edges = *this;
    engine_ = std::make_unique<AgentEngine>(journal_, edges, AgentIdentity{.agent = AgentId("a"), .boot = "boot"},
                                            QueueLimits{.slots = 2}, JournalId("journal"));
    EXPECT_TRUE(engine_->Start({}, now_));
    const auto content = journal_.Reopen();
    if (content) before_ = std::get<journal::Opened>(content->records.at(0)).next_ticket - 1;
  }

  void Step(std::vector<AgentInput> inputs = {}) {
    EXPECT_TRUE(engine_->Step(std::move(inputs), now_));
    // As the supervisor does: whatever is due is done at once, and must not be due for ever.
    for (int i = 0; engine_->NextDeadline() && *engine_->NextDeadline() <= now_.mono; ++i) {
      ASSERT_LT(i, 5) << "it would spin";
      EXPECT_TRUE(engine_->Step({}, now_));
    }
  }
  void Tell(QueueEvent event) { Step({agent_input::Tell{std::move(event), {}}}); }
  // Wakes only when the engine has asked for it.
  void Pass(Duration time) {
    const Mono end = now_.mono + time;
    while (engine_->NextDeadline() && *engine_->NextDeadline() <= end) {
      now_.mono = *engine_->NextDeadline();
      Step();
    }
    now_.mono = end;
  }

  void Connect(uint32_t pid = 7) { Step({agent_input::LauncherConnected{pid}}); }
  void Up(const std::string& incarnation, std::vector<queue_event::LauncherUp::Known> known = {}) {
    for (auto& item : known) item.ticket += before_;
    Tell(queue_event::LauncherUp{incarnation, std::move(known)});
  }
  // Attempts count from 1 here.
  void Begins(Ticket number) { Tell(queue_event::LauncherStarted{before_ + number, now_.wall, 0}); }
  void Ends(Ticket number) {
    Tell(queue_event::LauncherEnded{
        before_ + number, {.kind = AttemptResult::Kind::kExited, .status = Exited{0}}, 0, 0, true});
  }
  // What the submitter is told: the empty text, or why it is refused.
  std::string Submit(const std::string& job) {
    auto spec = std::make_shared<TaskSpec>(TaskSpec{.name = "x", .project = "x", .work = Command{{"x"}}});
    std::string told;
    Step({agent_input::Tell{queue_event::JobSubmitted{RunId(job), RequestId(job), std::move(spec)},
                            [&](Result<RunId> reply) { told = reply ? "" : reply.error().message; }}});
    return told;
  }
  // Of a plain job nobody stops the process but by StopWanted.
  void Stop(const std::string& job) { Tell(queue_event::StopWanted{kPlainMesh, {RunId(job), 0, 1}}); }
  std::vector<std::string> Said() { return std::exchange(said_, {}); }
  std::vector<std::string> Orders() { return std::exchange(orders_, {}); }

  static constexpr const char* kHangs =
      "the launcher (process 7) has not answered for more than 10.0s: it is stopped or hangs, and what it was asked "
      "waits";

  std::unique_ptr<AgentEngine> engine_;
  Ticket before_ = 0;  // the last one that is not of this journal

 private:
  void Launch(const QueuedAttempt& attempt, uint32_t) override {
    orders_.push_back(fmt::format("start {}", attempt.ticket - before_));
  }
  void StopProcess(Ticket ticket) override { orders_.push_back(fmt::format("stop {}", ticket - before_)); }
  void ForgetResult(Ticket) override {}
  void Prepare(const QueuedAttempt&, uint32_t) override {}
  void StopPreparing(Ticket) override {}
  void CleanSlot(uint32_t) override {}
  void Publish(const QueuedAttempt&, uint32_t) override {}
  void BlobFailed(const BlobFailure&) override {}
  void Send(StreamId, FromAgent) override {}
  void Close(StreamId, const Error&) override {}
  void Refuses(const std::string& reason) override { said_.push_back(reason); }
  void JobChanged(const QueuedAttempt&) override {}
  void Forgotten(Ticket) override {}

  FakeJournal journal_;
  Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
  std::vector<std::string> said_, orders_;
};

TEST_F(LauncherWatchTest, AStartThatIsNotAnsweredIsSaidOnceAndNothingNewIsTakenUntilItIs) {
  Connect();
  Up("launcher");
  EXPECT_EQ(Submit("a"), "");
  Pass(kPatience - milliseconds(1));
  EXPECT_THAT(Said(), IsEmpty());
  Pass(milliseconds(1));
  EXPECT_THAT(Said(), ElementsAre(kHangs));
  EXPECT_THAT(Orders(), ElementsAre("start 1"));
  EXPECT_THAT(Submit("b"), HasSubstr(kHangs));
  Pass(seconds(3600));
  EXPECT_THAT(Said(), IsEmpty());
  Begins(1);
  EXPECT_THAT(Said(), ElementsAre(""));
  EXPECT_EQ(Submit("c"), "");
  EXPECT_THAT(Orders(), ElementsAre("start 2"));
}

TEST_F(LauncherWatchTest, AProcessThatRunsForLongIsNoSilence) {
  Connect();
  Up("launcher");
  Submit("a");
  Begins(1);
  Submit("b");
  Ends(2);  // it could not be started
  Pass(seconds(3600));
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(LauncherWatchTest, EveryOverdueAnswerIsWaitedFor) {
  Connect();
  Up("launcher");
  Submit("a");
  Submit("b");
  Pass(kPatience);
  EXPECT_THAT(Said(), ElementsAre(kHangs));
  Begins(1);
  EXPECT_THAT(Said(), IsEmpty());
  Begins(2);
  EXPECT_THAT(Said(), ElementsAre(""));
}

TEST_F(LauncherWatchTest, ALauncherThatDoesNotGreetIsSilentToo) {
  Connect();
  EXPECT_EQ(Submit("a"), "");
  Pass(kPatience);
  EXPECT_THAT(Said(), ElementsAre(kHangs));
  EXPECT_THAT(Orders(), IsEmpty());
  Up("launcher");
  EXPECT_THAT(Said(), ElementsAre(""));
  EXPECT_THAT(Orders(), ElementsAre("start 1"));
}

TEST_F(LauncherWatchTest, AnotherLauncherOwesNothingOfTheOneBefore) {
  Connect();
  Up("launcher");
  Submit("a");
  Pass(kPatience);
  EXPECT_THAT(Said(), ElementsAre(kHangs));
  Tell(queue_event::LauncherDown{"killed"});
  EXPECT_THAT(Said(), ElementsAre(""));
  Connect(8);
  Up("another");
  Pass(seconds(3600));
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(LauncherWatchTest, AStopHasTheGraceOfItsJob) {
  Connect();
  Up("launcher");
  Submit("a");
  Begins(1);
  Stop("a");
  EXPECT_THAT(Orders(), ElementsAre("start 1", "stop 1"));
  Pass(TaskSpec().grace + kPatience - milliseconds(1));
  EXPECT_THAT(Said(), IsEmpty());
  Pass(milliseconds(1));
  EXPECT_THAT(Said(), ElementsAre(kHangs));
  Ends(1);
  EXPECT_THAT(Said(), ElementsAre(""));
}

TEST_F(LauncherWatchTest, AStopThatCrossesWithTheEndIsNotWaitedFor) {
  Connect();
  Up("launcher");
  Submit("a");
  Begins(1);
  AttemptResult end{.kind = AttemptResult::Kind::kExited, .status = Exited{0}};
  Step({agent_input::Tell{queue_event::StopWanted{kPlainMesh, {RunId("a"), 0, 1}}, {}},
        agent_input::Tell{queue_event::LauncherEnded{before_ + 1, std::move(end), 0, 0, true}, {}}});
  EXPECT_THAT(Orders(), ElementsAre("start 1", "stop 1"));
  Pass(seconds(3600));
  EXPECT_THAT(Said(), IsEmpty());
}

// As after the agent was stopped for a while: what it decides in one step may be over before it can do it.
TEST_F(LauncherWatchTest, AStartThatAnotherLauncherHasOvertakenIsNotCarriedOut) {
  Connect();
  Up("launcher");
  auto spec = std::make_shared<TaskSpec>(TaskSpec{.name = "x", .project = "x", .work = Command{{"x"}}});
  Step({agent_input::Tell{queue_event::JobSubmitted{RunId("a"), RequestId("a"), std::move(spec)}, {}},
        agent_input::Tell{queue_event::LauncherDown{"it died"}, {}},
        agent_input::Tell{queue_event::LauncherUp{"another", {}}, {}}});
  EXPECT_THAT(Orders(), IsEmpty());
  EXPECT_EQ(engine_->queue().Jobs().at(0)->result.kind, AttemptResult::Kind::kLost);
}

TEST_F(LauncherWatchTest, AnEndThatAFullDiskHoldsBackIsNoSilence) {
  Connect();
  Up("launcher");
  Submit("a");
  Begins(1);
  Submit("b");
  Begins(2);
  Stop("a");
  Step({agent_input::OutputBlocked{"no room"}});
  Stop("b");
  Pass(seconds(3600));
  EXPECT_THAT(Said(), ElementsAre("no room"));
  Step({agent_input::OutputBlocked{""}});
  Pass(seconds(3600));
  EXPECT_THAT(Said(), ElementsAre(""));
}

}  // namespace
}  // namespace cromt
