// Agents: windows of leases, silence, reconciliation of what both sides know, reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/scheduler_env.h"

namespace cromt {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// `count` tasks that depend on nothing, on the given host.
std::shared_ptr<const Plan> Many(int count, const std::string& host = "a") {
  PlanBuilder plan;
  for (int i = 0; i < count; ++i) plan.Add("x", {.hosts = {host}});
  return plan.Build();
}

// ---- Leases -----------------------------------------------------------------------------------

TEST(SchedulerAgents, LeasesAheadAreTwiceTheSlotsOrSixtyFour) {
  SchedulerEnv env;
  env.Connect("a", 4);
  env.Connect("b", 50);
  env.Start(Many(200, "a"));
  EXPECT_THAT(env.Effects("lease"), SizeIs(64));
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/65/1 to a"));
  env.Start(Many(200, "b"));
  EXPECT_THAT(env.Effects("lease"), SizeIs(100));
}

TEST(SchedulerAgents, WhoTakesNoLeasesGetsNoneUntilItDoes) {
  SchedulerEnv env;
  env.Connect("a");
  env.Apply(AgentRefuses{"a:4000", "no room"});
  env.Start(Many(1));
  EXPECT_THAT(env.Effects("lease"), IsEmpty());
  env.Pass(seconds(3600));
  EXPECT_EQ(env.TaskText("r1", 1), "ready");
  EXPECT_EQ(env.scheduler().Agents().front().reason, "no room");
  env.Disconnect("a");
  env.Connect("a");  // the new session says nothing of it
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/1 to a"));
  env.Apply(AgentRefuses{"a:4000", "no room"});
  env.Start(Many(1));
  EXPECT_THAT(env.Effects("lease"), IsEmpty());
  env.Apply(AgentRefuses{"a:4000", ""});
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r2/1/1 to a"));
}

TEST(SchedulerAgents, WhoIsOutOfServiceFinishesWhatItHasAndGetsNothingNew) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Many(1));
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/1 to a"));
  env.Apply(DrainAgent{"a:4000", "new kernel", "ann"});
  env.Start(Many(1));
  env.Ends("a", "r1/1/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
  env.Pass(seconds(3600));
  EXPECT_EQ(env.TaskText("r2", 1), "ready");
  EXPECT_EQ(env.scheduler().Agents().front().drained, "out of service by ann: new kernel");
  EXPECT_THAT(env.Why("r2", 1), Contains(HasSubstr("takes and begins nothing new: out of service by ann: new kernel")));
  EXPECT_THAT(env.Why("r2"), Contains(HasSubstr("new kernel")));
  // A new coordinator and a new session do not put it back.
  env.Restart();
  env.Connect("a");
  EXPECT_THAT(env.Effects("lease"), IsEmpty());
  env.Apply(ResumeAgent{"a:4000"});
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r2/1/1 to a"));
  EXPECT_EQ(env.scheduler().Agents().front().drained, "");
  env.Restart();
  EXPECT_EQ(env.scheduler().Agents().front().drained, "");
}

TEST(SchedulerAgents, OnlyWhoIsKnownAndOutOfServiceIsSetSo) {
  SchedulerEnv env;
  env.Connect("a");
  env.Forget();
  env.Apply(DrainAgent{"b:4000", "", "ann"});
  env.Apply(ResumeAgent{"a:4000"});
  EXPECT_THAT(env.Effects(), ElementsAre(HasSubstr("no agent is known at b:4000"), HasSubstr("is not out of service")));
  EXPECT_THAT(env.Records(), IsEmpty());
}

TEST(SchedulerAgents, LeaseThatNeverArrivedGoesOutAgainUnderANewNumber) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.LoseLease("a", "r1/1/1");
  env.Disconnect("a");
  env.Forget();
  env.Connect("a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a", "lease r1/1/2 to a"));
  EXPECT_THAT(env.Records(),
              ElementsAre("seen 0 of journal-a", "task r1/1 ready: its lease did not arrive", "task r1/1 leased"));
  // What is said of the first attempt, however late, is not about the second.
  env.Ends("a", "r1/1/1", 1);
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 1 to a"));
  env.Ends("a", "r1/1/2");
  EXPECT_EQ(env.TaskText("r1", 1), "succeeded");
}

// So that what is too large for it is not sent there each second.
TEST(SchedulerAgents, WhoGaveALeaseBackGetsOneAtATimeAndMoreAsTheyEnd) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Many(70));
  for (int task = 64; task > 2; --task)
    env.Ends("a", fmt::format("r1/{}/1", task), NotRun(AttemptResult::Kind::kNotStarted, "full", true));
  env.Forget();
  env.Pass(kReturnPause);
  EXPECT_THAT(env.Effects("lease"), SizeIs(1));  // it has two
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), SizeIs(2));
  env.Ends("a", "r1/2/1");
  EXPECT_THAT(env.Effects("lease"), SizeIs(2));
}

TEST(SchedulerAgents, ReturnedAttemptsGoOutAgainFirst) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Many(66));
  env.Forget();
  env.Ends("a", "r1/3/1", NotRun(AttemptResult::Kind::kNotStarted, "the agent drains", true));
  EXPECT_THAT(env.Effects(), ElementsAre("ack 1 to a"));  // not at once: it would only be given back again
  env.Pass(kReturnPause - milliseconds(1));
  EXPECT_THAT(env.Effects(), IsEmpty());
  env.Pass(milliseconds(1));
  EXPECT_THAT(env.Effects(), ElementsAre("lease r1/3/2 to a"));
  EXPECT_FALSE(env.scheduler().NextDeadline());
}

TEST(SchedulerAgents, ADrainingAgentIsNotAskedInATightLoop) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  uint32_t before = env.Task("r1", 1).attempt;
  for (int i = 0; i < 10; ++i) {
    auto id = fmt::format("r1/1/{}", env.Task("r1", 1).attempt);
    env.Ends("a", id, NotRun(AttemptResult::Kind::kNotStarted, "the agent drains", true));
    env.Pass(kReturnPause);
  }
  EXPECT_EQ(env.Task("r1", 1).attempt, before + 10);  // one try a second
}

TEST(SchedulerAgents, ReturnedAttemptOfACanceledTaskIsItsEnd) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Cancel("r1", "eve");
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kNotStarted, "the agent drains", true));
  EXPECT_EQ(env.TaskText("r1", 1), "canceled: canceled by eve");
  EXPECT_EQ(env.RunText("r1"), "canceled");
}

// Only what has not begun can be given back.
TEST(SchedulerAgents, AStartedAttemptCannotBeReturned) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Begins("a", "r1/1/1");
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kNotStarted, "the agent drains", true));
  EXPECT_EQ(env.TaskText("r1", 1), "failed: the agent drains");
}

// ---- Reports ----------------------------------------------------------------------------------

TEST(SchedulerAgents, ReportSaidTwiceIsAcknowledgedAndChangesNothing) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(2));
  env.Ends("a", "r1/1/1");
  env.Forget();
  env.ReportAs("a", 1, "r1/1/1", ExitedWith(1));
  EXPECT_THAT(env.Records(), ElementsAre("seen 1 of journal-a"));
  EXPECT_THAT(env.Effects(), ElementsAre("ack 1 to a"));
  env.ReportAs("a", 2, "r1/1/1", ExitedWith(1));  // a new report about what has ended
  EXPECT_EQ(env.TaskText("r1", 1), "succeeded");
}

TEST(SchedulerAgents, GapInTheReportsEndsTheSession) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Forget();
  env.ReportAs("a", 2, "r1/1/1", ExitedWith(0));
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
  EXPECT_THAT(env.Effects(), ElementsAre("hang-up a: report 2 came where 1 was due", "dial a"));
  env.ReportAs("a", 1, "r1/1/1", ExitedWith(0));  // still on its way when the session was ended
  EXPECT_THAT(env.Effects(), IsEmpty());
  env.Connect("a");
  env.ReportAs("a", 1, "r1/1/1", ExitedWith(0));
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

TEST(SchedulerAgents, ReportsOfUnknownRunsAndAgentsChangeNothing) {
  SchedulerEnv env;
  env.Connect("a");
  env.Forget();
  env.ReportAs("a", 1, "r77/1/1", ExitedWith(0));
  EXPECT_THAT(env.Records(), ElementsAre("seen 1 of journal-a"));
  EXPECT_THAT(env.Effects(), ElementsAre("ack 1 to a"));
  env.Apply(AgentReported{"nobody:4000", {{1, {RunId("r1"), 0, 1}, ExitedWith(0)}}});
  EXPECT_THAT(env.Records(), IsEmpty());
}

TEST(SchedulerAgents, ReportOfAnotherAgentAboutMyAttemptChangesNothing) {
  SchedulerEnv env;
  env.Connect("a");
  env.Connect("b");
  env.Start(Chain(1));
  env.ReportAs("b", 1, "r1/1/1", ExitedWith(0));
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
}

TEST(SchedulerAgents, SequencesGoOnOverARestart) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Many(2));
  env.Begins("a", "r1/1/1");
  env.Ends("a", "r1/1/1");
  env.Restart();
  env.Connect("a");
  env.Forget();
  env.ReportAs("a", 1, "r1/2/1", ExitedWith(9));  // was something else, and is known
  EXPECT_EQ(env.TaskText("r1", 2), "leased");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 2 to a"));
  env.ReportAs("a", 3, "r1/2/1", ExitedWith(0));
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

TEST(SchedulerAgents, NewJournalCountsFromOneAgain) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Many(1));
  env.Ends("a", "r1/1/1");
  env.Disconnect("a");
  env.LoseJournal("a");
  env.Connect("a");
  env.Start(Many(1));
  env.ReportAs("a", 1, "r2/1/1", ExitedWith(0));
  EXPECT_EQ(env.RunText("r2"), "succeeded");
}

// ---- Silence ----------------------------------------------------------------------------------

TEST(SchedulerAgents, AgentDownIsShownAfterTenSecondsAndForgottenWhenItIsBack) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Many(2));
  env.Begins("a", "r1/1/1");
  env.Forget();
  env.Disconnect("a", "reset");
  EXPECT_THAT(env.Effects(), ElementsAre("dial a"));
  EXPECT_THAT(env.Records(), IsEmpty());
  env.Pass(kUnreachableAfter - milliseconds(1));
  EXPECT_THAT(env.Records(), IsEmpty());
  env.Pass(milliseconds(1));
  EXPECT_THAT(env.Records(),
              testing::UnorderedElementsAre("task r1/1 unreachable: the agent at a (a:4000) is silent: reset",
                                            "task r1/2 unreachable: the agent at a (a:4000) is silent: reset"));
  env.Pass(std::chrono::minutes(30));
  EXPECT_THAT(env.Records(), IsEmpty());
  env.Connect("a");
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("running", "leased"));
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a, keep r1/1/1, keep r1/2/1"));
}

TEST(SchedulerAgents, BriefLossShowsNothing) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Disconnect("a");
  env.Pass(seconds(9));
  env.Connect("a");
  env.Forget();
  env.Pass(std::chrono::hours(2));
  EXPECT_THAT(env.Records(), IsEmpty());
  EXPECT_FALSE(env.scheduler().NextDeadline());
}

TEST(SchedulerAgents, StopWantedWhileUnreachableIsSaidWhenItIsBack) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Begins("a", "r1/1/1");
  env.Disconnect("a");
  env.Pass(kUnreachableAfter);
  env.Forget();
  env.Cancel("r1", "eve");
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1"));
  EXPECT_EQ(env.TaskText("r1", 1), "unreachable: canceled by eve");
  env.Connect("a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a, stop r1/1/1"));
  EXPECT_EQ(env.TaskText("r1", 1), "stopping: canceled by eve");
}

// x on "down" ──▶ y on a; z on a
TEST(SchedulerAgents, NeverReachedHostFailsAfterAMinuteAndTheRestGoesOn) {
  PlanBuilder plan;
  auto x = plan.Add("x", {.hosts = {"down"}});
  plan.Add("y", {.needs = {x}});
  plan.Add("z");
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Disconnect("down", "connection refused");
  env.Pass(kDefaultUnreachable - milliseconds(1));
  EXPECT_EQ(env.TaskText("r1", 1), "ready");
  env.Ends("a", "r1/3/1");
  env.Pass(milliseconds(1));
  EXPECT_EQ(env.TaskText("r1", 1),
            "failed: no agent could be reached at down (down:4000) for 1m00s: connection refused");
  EXPECT_THAT(env.TaskText("r1", 2), HasSubstr("skipped: 'x' on down failed: no agent could be reached"));
  EXPECT_EQ(env.RunText("r1"), "failed");
  EXPECT_FALSE(env.scheduler().NextDeadline());
}

// A host that has been down for long does not fail a new task at once.
TEST(SchedulerAgents, TheMinuteBeginsWhenTheTaskIsReady) {
  SchedulerEnv env;
  env.Start(Many(1, "down"));
  env.Pass(seconds(50));
  env.Start(Many(1, "down"));
  env.Pass(seconds(10));
  EXPECT_EQ(env.Task("r1", 1).state, TaskState::kFinished);
  EXPECT_EQ(env.TaskText("r2", 1), "ready");
  env.Pass(seconds(50));
  EXPECT_EQ(env.Task("r2", 1).state, TaskState::kFinished);
}

TEST(SchedulerAgents, LostAfterAnHourAndStoppedShouldItComeBack) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(2));
  env.Begins("a", "r1/1/1");
  env.Disconnect("a");
  env.Pass(kDefaultLost - milliseconds(1));
  EXPECT_EQ(env.Task("r1", 1).state, TaskState::kUnreachable);
  env.Pass(milliseconds(1));
  EXPECT_EQ(env.TaskText("r1", 1), "lost: lost: the agent at a (a:4000) was silent for 1h00m");
  EXPECT_EQ(env.RunText("r1"), "failed");
  env.Forget();
  env.Connect("a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a, stop r1/1/1"));
  env.Ends("a", "r1/1/1", 0);  // only a note
  EXPECT_THAT(env.Records(), Contains("seen 2 of journal-a"));
  EXPECT_THAT(env.TaskText("r1", 1), HasSubstr("lost"));
}

TEST(SchedulerAgents, WhatTheAgentStillReportsAfterItsRunIsForgotten) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Ends("a", "r1/1/1");
  env.Forget();
  AgentHello hello{.agent = AgentId("agent-a"), .journal = JournalId("journal-a"), .slots = 4};
  env.Apply(AgentUp{"a:4000", hello, {{{RunId("r1"), 0, 1}, InventoryItem::Phase::kEnded}}});
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a, forget r1/1/1"));
}

// ---- Who comes back ---------------------------------------------------------------------------

TEST(SchedulerAgents, NewJournalMeansLost) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Many(2));
  env.Begins("a", "r1/1/1");
  env.Disconnect("a");
  env.LoseJournal("a");
  env.Connect("a");
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("lost: lost: the agent at a (a:4000) came back with a new journal",
                                               "lost: lost: the agent at a (a:4000) came back with a new journal"));
  EXPECT_EQ(env.RunText("r1"), "failed");
}

// The agent that has the attempt may come back, by this address or another one: its silence counts, as always.
TEST(SchedulerAgents, AnotherAgentAtTheAddressIsSilenceOfTheFirst) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(2));
  env.Begins("a", "r1/1/1");
  env.Disconnect("a");
  env.ConnectAt("a", "other");
  env.Pass(kUnreachableAfter);
  EXPECT_EQ(env.TaskText("r1", 1),
            "unreachable: the agent at a (a:4000) is silent: another agent (agent-other) now answers at a:4000");
  env.Pass(kDefaultLost - kUnreachableAfter);
  EXPECT_EQ(env.TaskText("r1", 1), "lost: lost: the agent at a (a:4000) was silent for 1h00m");
  EXPECT_EQ(env.RunText("r1"), "failed");
  EXPECT_FALSE(env.scheduler().NextDeadline());
}

TEST(SchedulerAgents, WhatAnAgentHasIsFoundAgainAtAnotherAddress) {
  SchedulerEnv env;
  env.Watch("b");
  env.Connect("a");
  env.Start(Chain(2));
  env.Begins("a", "r1/1/1");
  env.ConnectAt("a", "other");  // without a word from the first
  env.Pass(kUnreachableAfter);
  env.Forget();
  env.ConnectAt("b", "a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to b, keep r1/1/1"));
  EXPECT_EQ(env.TaskText("r1", 1), "running");
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/2/1 to a"));  // whoever is there now
}

// The journal is the same but its tail is gone: what had started may not be started twice.
TEST(SchedulerAgents, StartedAttemptThatTheAgentNoLongerKnowsIsLost) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Begins("a", "r1/1/1");
  env.LoseLease("a", "r1/1/1");
  env.Disconnect("a");
  env.Connect("a");
  EXPECT_EQ(env.TaskText("r1", 1), "lost: lost: the agent at a (a:4000) no longer knows it, though it had started");
}

TEST(SchedulerAgents, RestartKnowsWhoHasWhat) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Many(3));
  env.Begins("a", "r1/1/1");
  env.LoseLease("a", "r1/3/1");
  env.Restart();
  EXPECT_THAT(env.Effects(), ElementsAre("dial a"));
  env.Connect("a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a, keep r1/1/1, keep r1/2/1", "lease r1/3/2 to a"));
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("running", "leased", "leased"));
}

TEST(SchedulerAgents, RestartCountsTheHourAnew) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Disconnect("a");
  env.Pass(std::chrono::minutes(50));
  env.Restart();
  env.Pass(std::chrono::minutes(50));
  EXPECT_EQ(env.Task("r1", 1).state, TaskState::kUnreachable);
  env.Pass(std::chrono::minutes(10));
  EXPECT_EQ(env.Task("r1", 1).outcome, TaskOutcome::kLost);
}

// ---- Two addresses of one agent ---------------------------------------------------------------

// Both sessions were opened at once; the agent keeps the newer, whose exchange happens to be heard first. What the
// coordinator hears in the other is out of date: the lease that has gone out meanwhile is not missing.
TEST(SchedulerAgents, TheOlderOfTwoSessionsIsHungUp) {
  PlanBuilder plan;
  plan.Add("x", {.hosts = {"a", "alias"}});
  SchedulerEnv env;
  env.Start(plan.Build());
  env.NextSession(2);
  env.ConnectAt("a", "a");
  EXPECT_EQ(env.Effects().back(), "lease r1/1/1 to a");
  env.LoseLease("a", "r1/1/1");  // not yet there when the older session looked
  env.NextSession(1);
  env.ConnectAt("alias", "a");
  EXPECT_THAT(env.Effects(), ElementsAre("hang-up alias: the same agent is reached at a:4000", "lease r1/2/1 to a"));
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("leased", "leased"));
}

// The newer session has even ended before the older one is heard.
TEST(SchedulerAgents, TheOlderOfTwoSessionsIsOutOfDateAlsoWhenTheNewerIsOver) {
  PlanBuilder plan;
  plan.Add("x", {.hosts = {"a", "alias"}});
  SchedulerEnv env;
  env.Start(plan.Build());
  env.NextSession(2);
  env.ConnectAt("a", "a");
  env.Begins("a", "r1/1/1");
  env.Disconnect("a");
  env.Forget();
  env.NextSession(1);
  AgentHello hello{.agent = AgentId("agent-a"), .journal = JournalId("journal-a"), .slots = 4};
  env.Apply(AgentUp{"alias:4000", hello, {}, 1});  // exchanged before the lease came
  EXPECT_THAT(env.Effects(), ElementsAre("hang-up alias: the agent has had a newer session since", "dial alias"));
  EXPECT_EQ(env.TaskText("r1", 1), "running");
  env.NextSession(3);
  env.ConnectAt("alias", "a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to alias, keep r1/1/1", "lease r1/2/1 to alias"));
}

// hosts a and alias lead to the same agent
TEST(SchedulerAgents, TwoAddressesOfOneAgentAreOnePlace) {
  PlanBuilder plan;
  plan.Add("x", {.hosts = {"a", "alias"}});
  SchedulerEnv env;
  env.Start(plan.Build());
  env.ConnectAt("a", "a");
  env.Forget();
  env.ConnectAt("alias", "a");
  EXPECT_THAT(env.Effects(), ElementsAre("hang-up a: the same agent is reached at alias:4000",
                                         "verdicts to alias, keep r1/1/1", "lease r1/2/1 to alias"));
  env.Disconnect("a", "hung up");  // of no consequence
  EXPECT_THAT(env.Effects(), IsEmpty());
  env.Ends("a", "r1/1/1");
  env.Ends("a", "r1/2/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
  auto views = env.scheduler().Agents();
  ASSERT_THAT(views, SizeIs(2));
  EXPECT_FALSE(views[0].up);
  EXPECT_EQ(views[0].reason, "the same agent as alias:4000");
  EXPECT_TRUE(views[1].up);
}

TEST(SchedulerAgents, AliasesAreBothDialledAndOneIsEnough) {
  PlanBuilder plan;
  plan.Add("x", {.hosts = {"a", "alias"}});
  SchedulerEnv env;
  env.Start(plan.Build());
  env.ConnectAt("a", "a");
  env.ConnectAt("alias", "a");
  env.Forget();
  env.Disconnect("alias");
  EXPECT_THAT(env.Effects(), ElementsAre("dial a", "dial alias"));
  env.ConnectAt("a", "a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a, keep r1/1/1, keep r1/2/1"));
  env.ConnectAt("alias", "a");  // was being dialled as well
  EXPECT_THAT(env.Effects(), ElementsAre("hang-up a: the same agent is reached at alias:4000",
                                         "verdicts to alias, keep r1/1/1, keep r1/2/1"));
  env.Pass(std::chrono::hours(2));
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("leased", "leased"));
}

// The second address was moved to another machine: the first has what it has, and is stopped by nobody.
TEST(SchedulerAgents, AliasThatAnotherAgentTookOver) {
  PlanBuilder plan;
  plan.Add("x", {.hosts = {"a", "alias"}});
  SchedulerEnv env;
  env.Start(plan.Build());
  env.ConnectAt("a", "a");
  env.ConnectAt("alias", "a");
  env.Disconnect("alias");
  env.ConnectAt("alias", "other");
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("leased", "leased"));
  env.Forget();
  env.ConnectAt("a", "a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a, keep r1/1/1, keep r1/2/1"));
  env.Ends("a", "r1/1/1");
  env.Ends("a", "r1/2/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

// An agent that moves to an address of its own is not mixed up with who now answers where it was.
TEST(SchedulerAgents, AgentMovesAndAnotherTakesItsAddress) {
  SchedulerEnv env;
  env.Watch("a");
  env.Watch("b");
  env.ConnectAt("a", "first");
  env.Disconnect("a");
  env.ConnectAt("a", "second");
  env.Forget();
  env.ConnectAt("b", "first");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to b"));
  auto views = env.scheduler().Agents();
  EXPECT_TRUE(views[0].up);
  EXPECT_EQ(views[0].agent, AgentId("agent-second"));
  EXPECT_TRUE(views[1].up);
  EXPECT_EQ(views[1].agent, AgentId("agent-first"));
}

TEST(SchedulerAgents, WatchedAgentIsDialledOnce) {
  SchedulerEnv env;
  env.Watch("a");
  EXPECT_THAT(env.Effects(), ElementsAre("dial a"));
  env.Watch("a");
  EXPECT_THAT(env.Effects(), IsEmpty());
  EXPECT_FALSE(env.scheduler().NextDeadline());
  EXPECT_EQ(env.scheduler().Agents()[0].reason, "not reached yet");
}

TEST(SchedulerAgents, SessionThatReplacesAnotherWithoutAWordBetween) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Forget();
  env.Connect("a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a, keep r1/1/1"));
}

}  // namespace
}  // namespace cromt
