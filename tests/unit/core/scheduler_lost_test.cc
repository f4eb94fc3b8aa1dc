// Lanes that an attempt keeps which was lost in its agent's silence: its process may still run, so nobody else may. And
// agents that lost what they knew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/lease.h"
#include "tests/unit/core/scheduler_env.h"

namespace cromt {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Two runs of one task each in the lane "db": the first on b, the second on a.
class LostLane : public ::testing::Test {
 protected:
  std::shared_ptr<const Plan> InLane(const std::string& host, SilencePolicy silence = {}) {
    PlanBuilder plan;
    plan.Lane("db");
    plan.Add("x", {.hosts = {host}, .groups = {"db"}, .silence = silence});
    return plan.Build();
  }
  // r1 runs on b, r2 waits; b is silent until r1 is lost.
  void Lose(SilencePolicy silence = {}) {
    env.Connect("a");
    env.Connect("b");
    env.Start(InLane("b", silence));
    env.Start(InLane("a"));
    env.Begins("b", "r1/1/1");
    env.Disconnect("b");
    env.Forget();
    env.Pass(std::max(silence.lost, kShortestLost));
  }
  SchedulerEnv env;
};

TEST_F(LostLane, IsKeptUntilTheAgentHasStoppedIt) {
  Lose();
  EXPECT_EQ(env.RunText("r1"), "failed");
  EXPECT_THAT(env.Records(), Contains("r1/1/1 keeps db"));
  EXPECT_EQ(env.TaskText("r2", 1), "ready");
  EXPECT_THAT(
      env.Why("r2", 1),
      ElementsAre("lane_lost: the queue 'db' is kept for 'x' of run r1, which was lost at b (b:4000) and may still run "
                  "there, where nobody answers (connection refused): until the agent there says that it has ended, or "
                  "`cromt agents forget` says that it won't come back"));
  env.Forget();
  env.Connect("b");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to b, stop r1/1/1"));
  env.Ends("b", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  EXPECT_THAT(env.Records(), Contains("r1/1/1 frees its lanes"));
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
}

TEST_F(LostLane, IsFreeOnceTheAgentSaysThatItHasEnded) {
  Lose();
  AgentHello hello{.agent = AgentId("agent-b"), .journal = JournalId("journal-b"), .slots = 4};
  env.Apply(AgentUp{"b:4000", hello, {{{RunId("r1"), 0, 1}, InventoryItem::Phase::kEnded}}});
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
}

TEST_F(LostLane, IsFreeOnceTheAgentKnowsNothingOfIt) {
  Lose();
  env.LoseJournal("b");
  env.Connect("b");
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
}

TEST_F(LostLane, AnotherAgentAtItsAddressIsNoProof) {
  Lose();
  env.ConnectAt("b", "other");
  EXPECT_EQ(env.TaskText("r2", 1), "ready");
  env.ConnectAt("c", "b");  // at another address
  env.Ends("b", "r1/1/1", 0);
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
}

TEST_F(LostLane, IsKeptOverARestartThoughItsRunIsOver) {
  Lose();
  env.Restart();
  env.Connect("a");
  EXPECT_EQ(env.TaskText("r2", 1), "ready");
  env.Restart();
  env.Connect("a");
  EXPECT_EQ(env.TaskText("r2", 1), "ready");
  env.Connect("b");
  env.Ends("b", "r1/1/1", 0);
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
  env.Restart();
  EXPECT_EQ(env.Task("r2", 1).state, TaskState::kLeased);
}

TEST_F(LostLane, APersonMaySayThatTheAgentIsGone) {
  Lose();
  env.Forget();
  env.ForgetAgent("b", "eve");
  EXPECT_THAT(env.Effects(), ElementsAre("reply ", "lease r2/1/1 to a"));
  EXPECT_THAT(env.Records(), Contains("r1/1/1 frees its lanes"));
}

TEST_F(LostLane, ATaskThatIsTriedAgainWaitsForItsOwnLostAttempt) {
  Lose({.lost = kShortestLost, .retry_lost = true});
  EXPECT_THAT(env.TaskText("r1", 1), HasSubstr("ready: lost"));
  EXPECT_EQ(env.TaskText("r2", 1), "ready");
  env.Connect("b");
  EXPECT_THAT(env.Effects(), Contains("verdicts to b, stop r1/1/1"));
  EXPECT_EQ(env.TaskText("r2", 1), "ready");
  env.Ends("b", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  EXPECT_EQ(env.TaskText("r2", 1), "leased") << "who waited is before who is tried again";
  env.Ends("a", "r2/1/1");
  EXPECT_EQ(env.Task("r1", 1).attempt, 2u);
}

TEST_F(LostLane, WhoIsTriedAgainAfterASilenceIsLastAlsoAfterARestart) {
  Lose({.lost = kShortestLost, .retry_lost = true});
  env.Restart();
  env.Connect("a");
  env.Connect("b");
  env.Ends("b", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
}

TEST_F(LostLane, WhoIsTriedAgainSinceItsAgentSaysThatItIsLostKeepsItsPlace) {
  env.Connect("a");
  env.Connect("b");
  env.Start(InLane("b", {.retry_lost = true}));
  env.Start(InLane("a"));
  env.Begins("b", "r1/1/1");
  env.Ends("b", "r1/1/1", NotRun(AttemptResult::Kind::kLost, "lost: the launcher died"));
  EXPECT_EQ(env.Task("r1", 1).attempt, 2u);
  EXPECT_EQ(env.TaskText("r2", 1), "ready");
  env.Ends("b", "r1/1/2");
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
}

TEST_F(LostLane, ALaneIsFreeAtOnceWhereTheAgentSaysItself) {
  env.Connect("a");
  env.Connect("b");
  env.Start(InLane("b"));
  env.Start(InLane("a"));
  env.Ends("b", "r1/1/1", NotRun(AttemptResult::Kind::kLost, "lost: the launcher died"));
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
  EXPECT_THAT(env.Records(), Not(Contains("r1/1/1 keeps db")));
}

// ---- Agents that are forgotten ----------------------------------------------------------------

TEST_F(LostLane, WhatAForgottenAgentHasIsLostAtOnce) {
  env.Connect("b");
  env.Start(InLane("b"));
  env.Start(InLane("b"));
  env.Begins("b", "r1/1/1");
  env.Disconnect("b");
  env.Pass(kUnreachableAfter);
  env.Forget();
  env.ForgetAgent("b", "eve");
  EXPECT_EQ(env.TaskText("r1", 1), "lost: lost: eve said that the agent at b (b:4000) will not come back");
  EXPECT_EQ(env.TaskText("r2", 1), "ready") << "what waits for the host waits for another agent there";
  env.Connect("b");
  EXPECT_THAT(env.Effects(), ElementsAre("reply ", "verdicts to b, stop r1/1/1", "lease r2/1/1 to b"));
}

TEST_F(LostLane, WhoIsTriedAgainSinceItsAgentIsForgottenLetsOthersGoFirst) {
  env.Connect("a");
  env.Connect("b");
  env.Start(InLane("b", {.retry_lost = true}));
  env.Start(InLane("a"));
  env.Begins("b", "r1/1/1");
  env.Disconnect("b");
  env.ForgetAgent("b", "eve");
  EXPECT_THAT(env.TaskText("r1", 1), HasSubstr("ready: lost: eve said"));
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
}

TEST_F(LostLane, OnlyWhoIsDownCanBeForgotten) {
  env.Connect("b");
  env.Forget();
  env.ForgetAgent("b");
  env.ForgetAgent("nowhere");
  EXPECT_THAT(env.Effects(),
              ElementsAre("reply refused: the agent at b:4000 is up; only one that will not come back can be forgotten",
                          "reply refused: no agent is known at nowhere:4000"));
  EXPECT_THAT(env.Records(), IsEmpty());
}

TEST_F(LostLane, WhoWasReplacedIsForgottenByItsAddress) {
  Lose();
  env.ConnectAt("b", "other");
  env.Forget();
  env.ForgetAgent("b", "eve");
  EXPECT_THAT(env.Effects(), ElementsAre("reply ", "lease r2/1/1 to a"));
  EXPECT_THAT(env.Records(), Contains("r1/1/1 frees its lanes"));
  env.ForgetAgent("b", "eve");
  EXPECT_THAT(
      env.Effects(),
      ElementsAre("reply refused: the agent at b:4000 is up; only one that will not come back can be forgotten"))
      << "of the one before it nothing is left";
}

TEST_F(LostLane, WhoWasReplacedIsForgottenWithWhatItHadAlsoAfterARestart) {
  env.Connect("b");
  env.Start(InLane("b"));
  env.Start(InLane("b"));
  env.Begins("b", "r1/1/1");
  env.Disconnect("b");
  env.ConnectAt("b", "other");
  env.Restart();
  env.ConnectAt("b", "other");
  EXPECT_EQ(env.TaskText("r2", 1), "ready");
  env.ForgetAgent("b", "eve");
  EXPECT_EQ(env.TaskText("r1", 1), "lost: lost: eve said that the agent at b (b:4000) will not come back");
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
  EXPECT_EQ(env.Task("r2", 1).agent, AgentId("agent-other"));
}

TEST_F(LostLane, AllThatWereAtTheAddressAreForgotten) {
  Lose();
  env.ConnectAt("b", "second");
  env.Start(InLane("b"));  // r3
  env.Disconnect("b");
  env.ConnectAt("b", "third");
  env.Disconnect("b");
  env.ForgetAgent("b");
  EXPECT_EQ(env.TaskText("r2", 1), "leased");
  EXPECT_EQ(env.TaskText("r3", 1), "ready");
  env.Forget();
  env.ForgetAgent("b");
  EXPECT_THAT(env.Effects(), ElementsAre("reply refused: no agent is known at b:4000")) << "nothing was forgotten";
}

TEST_F(LostLane, AnAgentMayBeForgottenByItsId) {
  Lose();
  env.ConnectAt("b", "other");
  env.Forget();
  env.ForgetById("agent-other");
  env.ForgetById("agent-b");
  env.ForgetById("agent-b");
  EXPECT_THAT(
      env.Effects(),
      ElementsAre("reply refused: agent agent-other is up at b:4000; only one that will not come back can be forgotten",
                  "reply ", "lease r2/1/1 to a",
                  "reply refused: agent agent-b has nothing that is not known to be over"));
}

TEST_F(LostLane, WhoHasMovedAndIsUpIsNotForgottenByWhereItWas) {
  env.Connect("b");
  env.Start(InLane("b"));
  env.Begins("b", "r1/1/1");
  env.Disconnect("b");
  env.ConnectAt("c", "b");
  env.ConnectAt("b", "other");
  env.Disconnect("b");
  env.Forget();
  env.ForgetAgent("b");
  EXPECT_THAT(env.Effects(), ElementsAre("reply ")) << "the other one";
  env.ForgetAgent("b");
  EXPECT_THAT(env.Effects(), ElementsAre("reply refused: the agent at b:4000 is up at c:4000; only one that will not "
                                         "come back can be forgotten"));
  EXPECT_EQ(env.TaskText("r1", 1), "running");
}

// A disk that was not mounted at one start, and is at the next.
TEST(LostJournal, ThatIsPutBackGoesOnWhereItWas) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Begins("a", "r1/1/1");
  env.Disconnect("a");
  env.LoseJournal("a");
  env.Connect("a");
  env.Disconnect("a");
  const AgentId agent("agent-a");
  const JournalId journal("journal-a");
  EXPECT_EQ(env.scheduler().AppliedOf(agent, journal), std::nullopt);
  AgentHello hello{.agent = agent, .journal = journal, .slots = 4};
  hello.acked_sequence = 1;
  env.NextSession(9);
  env.Apply(AgentUp{"a:4000", hello, {{{RunId("r1"), 0, 1}, InventoryItem::Phase::kEnded}}, 9});
  EXPECT_EQ(env.scheduler().AppliedOf(agent, journal), 1u);
  env.Forget();
  env.Apply(AgentReported{"a:4000", {{2, {RunId("r1"), 0, 1}, AttemptResult{}}}});
  EXPECT_THAT(env.Effects(), ElementsAre("ack 2 to a"));
  EXPECT_THAT(env.Records(), ElementsAre("seen 2 of journal-a"));
}

// The disk has forgotten the end of the journal, and the process that knew it is gone.
TEST(LostJournal, WhoseEndIsLostReportsByNumbersThatWereUsed) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(2));
  env.Begins("a", "r1/1/1");
  env.Ends("a", "r1/1/1");
  const AgentId agent("agent-a");
  const JournalId journal("journal-a");
  EXPECT_EQ(env.scheduler().AppliedOf(agent, journal), 2u);
  env.Disconnect("a");
  AgentHello hello{.agent = agent, .journal = journal, .slots = 4};
  hello.last_sequence = 1;
  env.NextSession(9);
  env.Apply(AgentUp{"a:4000", hello, {{{RunId("r1"), 1, 1}, InventoryItem::Phase::kRunning}}, 9});
  env.Forget();
  env.ReportAs("a", 2, "r1/2/1", ExitedWith(0));
  EXPECT_THAT(env.Effects(), testing::Contains("ack 2 to a"));
  EXPECT_EQ(env.TaskText("r1", 2), "succeeded");
}

// A second coordinator has leased it, or this one in what its store has lost: a lease under its number would be taken
// for that one, and stopped with it.
TEST(UnknownAttempt, UsesUpItsNumber) {
  SchedulerEnv env;
  PlanBuilder plan;
  plan.Add("x");
  plan.Add("y", {.hosts = {"b"}});
  env.Start(plan.Build());
  env.Forget();
  const AgentHello hello{.agent = AgentId("agent-a"), .journal = JournalId("journal-a"), .slots = 4};
  const RunId run("r1");
  env.Apply(AgentUp{"a:4000",
                    hello,
                    {{{run, 0, 3}, InventoryItem::Phase::kRunning},
                     {{run, 0, 7}, InventoryItem::Phase::kRunning},
                     {{run, 1, 7}, InventoryItem::Phase::kRunning},              // of another's task
                     {{run, 0, 2'000'000'000}, InventoryItem::Phase::kRunning},  // which nobody can have reached
                     {{run, 0, 1'000'008}, InventoryItem::Phase::kRunning},      // nor by steps
                     {{run, 9, 1}, InventoryItem::Phase::kRunning}}});
  EXPECT_THAT(
      env.Effects(),
      ElementsAre(
          "verdicts to a, stop r1/1/3, stop r1/1/7, stop r1/2/7, stop r1/1/2000000000, stop r1/1/1000008, stop r1/10/1",
          "lease r1/1/8 to a"));
  env.Connect("b");
  EXPECT_EQ(env.Task("r1", 2).attempt, 1u);
}

// It is found at two addresses, and comes by the other one.
TEST(UnknownAttempt, UsesUpItsNumberAtWhateverAddress) {
  SchedulerEnv env;
  PlanBuilder plan;
  plan.Add("x", {.hosts = {"alias"}});
  env.ConnectAt("alias", "a");
  env.Disconnect("alias");
  env.Start(plan.Build());
  env.Forget();
  const AgentHello hello{.agent = AgentId("agent-a"), .journal = JournalId("journal-a"), .slots = 4};
  env.Apply(AgentUp{"a:4000", hello, {{{RunId("r1"), 0, 1}, InventoryItem::Phase::kRunning}}});
  EXPECT_THAT(env.Effects(), Contains("lease r1/1/2 to a"));
}

}  // namespace
}  // namespace cromt
