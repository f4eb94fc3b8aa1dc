// Goal: an agent says in words that its launcher does not answer, takes nothing new meanwhile, and goes on by itself.
// Method: the real engine with a journal in memory; the test is the launcher and the clock.
#include "agent/launcher_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/engine_env.h"

namespace cromt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Duration kPatience = LauncherWatch::kPatience;

class LauncherWatchTest : public EngineEnv {
 protected:
  using EngineEnv::Step;
  // As the supervisor does: whatever is due is done at once, and must not be due for ever.
  void Step(std::vector<AgentInput> inputs) override {
    EngineEnv::Step(std::move(inputs));
    for (int i = 0; engine_->NextDeadline() && *engine_->NextDeadline() <= now_.mono; ++i) {
      ASSERT_LT(i, 5) << "it would spin";
      EngineEnv::Step({});
    }
  }
  // Wakes only when the engine has asked for it.
  void Pass(Duration time) {
    const Mono end = now_.mono + time;
    while (engine_->NextDeadline() && *engine_->NextDeadline() <= end) {
      now_.mono = *engine_->NextDeadline();
      Step();
    }
    now_.mono = end;
  }

  static constexpr const char* kHangs =
      "the launcher (process 7) has not answered for more than 10.0s: it is stopped or hangs, and what it was asked "
      "waits";
};

TEST_F(LauncherWatchTest, AStartThatIsNotAnsweredIsSaidOnceAndNothingNewIsTakenUntilItIs) {
  Connect();
  Up("launcher");
  EXPECT_EQ(Submit("a"), "ok");
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
  EXPECT_EQ(Submit("c"), "ok");
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
  EXPECT_EQ(Submit("a"), "ok");
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
  Step({agent_input::Tell{queue_event::JobSubmitted{RunId("a"), RequestId("a"), Spec()}, {}},
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
