// Runs from start to end: gates, failures, after instances, cancels, limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/scheduler_env.h"

namespace cromt {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Scheduler, OneTaskFromStartToEnd) {
  SchedulerEnv env;
  env.Start(Chain(1));
  EXPECT_THAT(env.Records(), ElementsAre("run r1 created", "run r1 running", "task r1/1 ready"));
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1", "dial a"));

  env.Connect("a");
  EXPECT_THAT(env.Records(), ElementsAre("seen 0 of journal-a", "task r1/1 leased"));
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a", "lease r1/1/1 to a"));

  env.Begins("a", "r1/1/1");
  EXPECT_THAT(env.Records(), ElementsAre("task r1/1 running", "seen 1 of journal-a"));
  EXPECT_THAT(env.Effects(), ElementsAre("ack 1 to a"));

  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Records(), ElementsAre("task r1/1 succeeded", "run r1 succeeded", "seen 2 of journal-a"));
  EXPECT_THAT(env.Effects(), ElementsAre("ack 2 to a"));
  EXPECT_EQ(env.scheduler().unfinished_runs(), 0u);
  EXPECT_EQ(env.scheduler().unfinished_tasks(), 0u);
}

// p1 ──▶ p2 ──▶ p3
TEST(Scheduler, ChainRunsOneAfterTheOther) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(3));
  env.Forget();
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 1 to a", "lease r1/2/1 to a"));
  env.Ends("a", "r1/2/1");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 2 to a", "lease r1/3/1 to a"));
  env.Ends("a", "r1/3/1");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 3 to a"));
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

//        ┌─▶ left ──┐
//   top ─┤          ├─▶ bottom
//        └─▶ right ─┘
TEST(Scheduler, DiamondWaitsForBothSides) {
  PlanBuilder plan;
  auto top = plan.Add("top");
  auto left = plan.Add("left", {.needs = {top}});
  auto right = plan.Add("right", {.needs = {top}});
  plan.Add("bottom", {.needs = {left, right}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1");
  env.Forget();
  env.Ends("a", "r1/3/1");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 2 to a"));
  env.Ends("a", "r1/2/1");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 3 to a", "lease r1/4/1 to a"));
}

//   all (a, b, c) ──▶ one (a)
TEST(Scheduler, FanOutOverHostsIsOneNode) {
  PlanBuilder plan;
  auto all = plan.Add("all", {.hosts = {"a", "b", "c"}});
  plan.Add("one", {.needs = {all}});
  SchedulerEnv env;
  for (const char* agent : {"a", "b", "c"}) env.Connect(agent);
  env.Forget();
  env.Start(plan.Build());
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1", "lease r1/1/1 to a", "lease r1/2/1 to b", "lease r1/3/1 to c"));
  env.Ends("a", "r1/1/1");
  env.Ends("c", "r1/3/1");
  EXPECT_THAT(env.Effects("lease"), IsEmpty());
  env.Ends("b", "r1/2/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/4/1 to a"));
}

//   bad ──▶ next ──▶ last
//   good ──▶ fine
TEST(Scheduler, FailureSkipsDependentsAndSparesTheRest) {
  PlanBuilder plan;
  auto bad = plan.Add("bad");
  auto next = plan.Add("next", {.needs = {bad}});
  plan.Add("last", {.needs = {next}});
  auto good = plan.Add("good");
  plan.Add("fine", {.needs = {good}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 5);
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("failed: exit code 5", "skipped: 'bad' on a failed: exit code 5",
                                               "skipped: 'bad' on a failed: exit code 5", "leased", "waiting"));
  env.Ends("a", "r1/4/1");
  EXPECT_EQ(env.RunText("r1"), "running");
  env.Ends("a", "r1/5/1");
  EXPECT_EQ(env.RunText("r1"), "failed");
  EXPECT_EQ(env.Task("r1", 1).exit, ExitStatus(Exited{5}));
}

TEST(Scheduler, OneFailingHostOfThreeSkipsDependents) {
  PlanBuilder plan;
  auto all = plan.Add("all", {.hosts = {"a", "b", "c"}});
  plan.Add("one", {.needs = {all}});
  SchedulerEnv env;
  for (const char* agent : {"a", "b", "c"}) env.Connect(agent);
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1");
  env.Ends("b", "r1/2/1", 1);
  EXPECT_EQ(env.TaskText("r1", 4), "waiting");  // the others of the group are awaited
  env.Ends("c", "r1/3/1");
  EXPECT_EQ(env.TaskText("r1", 4), "skipped: 'all' on b failed: exit code 1");
  EXPECT_EQ(env.RunText("r1"), "failed");
}

TEST(Scheduler, ASignalIsNamed) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  AttemptResult killed = ExitedWith(0);
  killed.status = Signaled{9};
  env.Ends("a", "r1/1/1", killed);
  EXPECT_EQ(env.TaskText("r1", 1), "failed: killed by signal 9 (KILL)");
}

// {x1 x2} ──▶ [level] ──▶ {y1 y2}
TEST(Scheduler, PureGateIsALevelBarrier) {
  PlanBuilder plan;
  auto x1 = plan.Add("x1");
  auto x2 = plan.Add("x2");
  auto level = plan.Add("level", {.needs = {x1, x2}, .hosts = {}});
  plan.Add("y1", {.needs = {level}});
  plan.Add("y2", {.needs = {level}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1");
  env.Forget();
  env.Ends("a", "r1/2/1");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 2 to a", "lease r1/3/1 to a", "lease r1/4/1 to a"));
}

TEST(Scheduler, PureGateHandsOnAFailure) {
  PlanBuilder plan;
  auto x = plan.Add("x");
  auto level = plan.Add("level", {.needs = {x}, .hosts = {}});
  auto second = plan.Add("level2", {.needs = {level}, .hosts = {}});
  plan.Add("y", {.needs = {second}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 3);
  EXPECT_EQ(env.TaskText("r1", 2), "skipped: 'x' on a failed: exit code 3");
  EXPECT_EQ(env.RunText("r1"), "failed");
}

TEST(Scheduler, PlanOfGatesAloneSucceedsAtOnce) {
  PlanBuilder plan;
  auto first = plan.Add("first", {.hosts = {}});
  plan.Add("second", {.needs = {first}, .hosts = {}});
  SchedulerEnv env;
  env.Start(plan.Build());
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1"));
  EXPECT_EQ(env.RunText("r1"), "succeeded");
  env.Start(std::make_shared<Plan>());
  EXPECT_EQ(env.RunText("r2"), "succeeded");
}

// parent ─┬─▶ clean   (after)      dependent waits for the parent's done gate:
//         └─▶ notify  (after)      parent, clean and notify
TEST(Scheduler, DependentsWaitForWhatComesAfter) {
  PlanBuilder plan;
  auto parent = plan.Add("parent");
  plan.Add("clean", {.after_of = parent});
  plan.Add("notify", {.after_of = parent});
  plan.Add("dependent", {.needs = {parent}});
  SchedulerEnv env;
  env.Connect("a");
  env.Forget();
  env.Start(plan.Build());
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1", "lease r1/1/1 to a"));
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 1 to a", "lease r1/2/1 to a", "lease r1/3/1 to a"));
  env.Ends("a", "r1/3/1");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 2 to a"));
  env.Ends("a", "r1/2/1");
  EXPECT_THAT(env.Effects(), ElementsAre("ack 3 to a", "lease r1/4/1 to a"));
  env.Ends("a", "r1/4/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

// x ─after─▶ y ─after─▶ z; dependent needs x
TEST(Scheduler, AfterOfAfterHoldsTheOutermostGate) {
  PlanBuilder plan;
  auto x = plan.Add("x");
  auto y = plan.Add("y", {.after_of = x});
  plan.Add("z", {.after_of = y});
  plan.Add("dependent", {.needs = {x}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1");
  env.Ends("a", "r1/2/1");
  EXPECT_EQ(env.TaskText("r1", 4), "waiting");
  env.Ends("a", "r1/3/1", 2);
  EXPECT_EQ(env.TaskText("r1", 4), "skipped: 'z' on a failed: exit code 2");
  EXPECT_EQ(env.RunText("r1"), "failed");
}

TEST(Scheduler, AfterIsSkippedWhenItsParentFails) {
  PlanBuilder plan;
  auto parent = plan.Add("parent", {.hosts = {"a", "b"}});
  plan.Add("clean", {.after_of = parent});
  plan.Add("dependent", {.needs = {parent}});
  SchedulerEnv env;
  env.Connect("a");
  env.Connect("b");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1");
  env.Ends("b", "r1/2/1", 1);
  EXPECT_THAT(env.TaskTexts("r1"),
              ElementsAre("succeeded", "failed: exit code 1", "skipped: 'parent' on b failed: exit code 1",
                          "skipped: 'parent' on b failed: exit code 1"));
  EXPECT_EQ(env.RunText("r1"), "failed");
}

// The after instance has a `before` of its own.
TEST(Scheduler, AfterWithNeedsWaitsForBoth) {
  PlanBuilder plan;
  auto parent = plan.Add("parent");
  auto other = plan.Add("other", {.hosts = {"b"}});
  plan.Add("clean", {.needs = {other}, .after_of = parent});
  SchedulerEnv env;
  env.Connect("a");
  env.Connect("b");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1");
  EXPECT_EQ(env.TaskText("r1", 3), "waiting");
  env.Ends("b", "r1/2/1");
  EXPECT_EQ(env.TaskText("r1", 3), "leased");
}

TEST(Scheduler, SuccessCodesOfATask) {
  PlanBuilder plan;
  plan.Add("x", {.exit_policy = {.success = {0, 3}}});
  plan.Add("y", {.exit_policy = {.success = {3}}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 3);
  env.Ends("a", "r1/2/1", 0);
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("succeeded", "failed: exit code 0"));
}

// check ──▶ build ──▶ test; also other ──▶ test2
TEST(Scheduler, StopCodePrunesAndTheRunSucceeds) {
  PlanBuilder plan;
  auto check = plan.Add("check", {.exit_policy = {.stop = {10}}});
  auto build = plan.Add("build", {.needs = {check}});
  plan.Add("test", {.needs = {build}});
  plan.Add("other");
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 10);
  EXPECT_THAT(env.TaskTexts("r1"),
              ElementsAre("stopped_early: exit code 10 ends it early", "skipped: 'check' on a requested an early end",
                          "skipped: 'check' on a requested an early end", "leased"));
  env.Ends("a", "r1/4/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

// A failure outweighs an early end for who waits for both.
TEST(Scheduler, FailureIsWorseThanAnEarlyEnd) {
  PlanBuilder plan;
  auto check = plan.Add("check", {.exit_policy = {.stop = {10}}});
  auto bad = plan.Add("bad");
  auto both = plan.Add("both", {.needs = {check, bad}});
  plan.Add("last", {.needs = {both}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 10);
  env.Ends("a", "r1/2/1", 1);
  EXPECT_EQ(env.TaskText("r1", 3), "skipped: 'bad' on a failed: exit code 1");
  EXPECT_EQ(env.TaskText("r1", 4), "skipped: 'bad' on a failed: exit code 1");
  EXPECT_EQ(env.RunText("r1"), "failed");
}

TEST(Scheduler, ALongReasonIsCutWhereACharacterEnds) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(2));
  std::string long_reason;
  for (int i = 0; i < 400; ++i) long_reason += "é";
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kTimedOut, long_reason));
  EXPECT_EQ(env.Task("r1", 1).reason, long_reason);
  const std::string& cut = env.Task("r1", 2).reason;
  EXPECT_THAT(cut, HasSubstr("'p1' on a timed_out: éé"));
  EXPECT_LE(cut.size(), 400u);
  EXPECT_EQ(static_cast<unsigned char>(cut.back()), 0xA9) << "half a character: " << cut;
}

// ---- Sources ----------------------------------------------------------------------------------

std::shared_ptr<const Plan> Cloned() {
  PlanBuilder plan;
  auto x = plan.Add("x", {.repository = "https://example.org/x.git"});
  plan.Add("y", {.needs = {x}, .repository = "https://example.org/x.git"});
  return plan.Build();
}

TEST(Scheduler, RunWaitsForItsSourcesAndLeasesNameTheCommit) {
  SchedulerEnv env;
  env.Connect("a");
  env.Forget();
  env.Start(Cloned());
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1", "resolve r1 https://example.org/x.git@"));
  EXPECT_EQ(env.RunText("r1"), "queued");
  env.Forget();
  SourcesResolved resolved{RunId("r1"), {{"https://example.org/x.git", "", std::string(40, 'c'), "main", {"d1", 5}}}};
  env.Apply(resolved);
  EXPECT_THAT(env.Records(), ElementsAre("run r1 planned", "run r1 running", "task r1/1 ready", "task r1/1 leased"));
  EXPECT_THAT(env.Effects(), ElementsAre("lease r1/1/1 to a"));
  env.Apply(resolved);  // twice
  EXPECT_THAT(env.Records(), IsEmpty());
}

TEST(Scheduler, SourcesThatCannotBeHadFailTheRun) {
  SchedulerEnv env;
  env.Start(Cloned());
  env.Apply(SourcesFailed{RunId("r1"), "https://example.org/x.git: not found"});
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("skipped: https://example.org/x.git: not found",
                                               "skipped: https://example.org/x.git: not found"));
  EXPECT_EQ(env.RunText("r1"), "failed");
  EXPECT_EQ(env.scheduler().unfinished_tasks(), 0u);
}

TEST(Scheduler, AnAnswerThatMissesARepositoryFailsTheRun) {
  SchedulerEnv env;
  env.Start(Cloned());
  env.Apply(SourcesResolved{RunId("r1"), {}});
  EXPECT_EQ(env.RunText("r1"), "failed");
  EXPECT_THAT(env.TaskText("r1", 1), HasSubstr("skipped: internal: no commit"));
  EXPECT_EQ(env.scheduler().unfinished_tasks(), 0u);
}

TEST(Scheduler, SourcesAreAskedForAgainAfterARestart) {
  SchedulerEnv env;
  env.Start(Cloned());
  env.Restart();
  EXPECT_THAT(env.Effects(), ElementsAre("resolve r1 https://example.org/x.git@"));
}

// ---- Cancel -----------------------------------------------------------------------------------

TEST(Scheduler, CancelOfARunWhoseSourcesAreUnresolved) {
  SchedulerEnv env;
  env.Start(Cloned());
  env.Forget();
  env.Cancel("r1", "eve");
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1"));
  EXPECT_EQ(env.RunText("r1"), "canceled");
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("canceled: canceled by eve", "canceled: canceled by eve"));
  env.Forget();
  env.Apply(SourcesResolved{RunId("r1"), {}});
  EXPECT_THAT(env.Records(), IsEmpty());
}

// x ──▶ y, z ready elsewhere, w at an agent that is down
TEST(Scheduler, CancelOfARunningRunEndsAllThatWaits) {
  PlanBuilder plan;
  auto x = plan.Add("x");
  plan.Add("y", {.needs = {x}});
  plan.Add("w", {.hosts = {"down"}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Begins("a", "r1/1/1");
  env.Forget();
  env.Cancel("r1", "eve");
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1", "stop r1/1/1 at a"));
  EXPECT_THAT(env.Records(), ElementsAre("run r1 running, cancel wanted", "task r1/1 stopping: canceled by eve",
                                         "task r1/3 canceled: canceled by eve"));
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  EXPECT_THAT(env.TaskTexts("r1"),
              ElementsAre("canceled: canceled by eve", "canceled: canceled by eve", "canceled: canceled by eve"));
  EXPECT_EQ(env.RunText("r1"), "canceled");
  EXPECT_EQ(env.Run("r1").reason, "canceled by eve");
}

TEST(Scheduler, ATaskThatEndsByItselfBeforeTheStopKeepsItsOutcome) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(2));
  env.Cancel("r1");
  env.Ends("a", "r1/1/1", 0);
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("succeeded", "canceled: canceled"));
  EXPECT_EQ(env.RunText("r1"), "canceled");
}

TEST(Scheduler, FurtherCancelsStopNothingTwice) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(2));
  env.Cancel("r1", "eve");
  env.Forget();
  env.Cancel("r1", "bob");
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1"));
  EXPECT_THAT(env.Records(), ElementsAre("run r1 running, all of it"));  // scheduler_when_test.cc: what that means
  env.Cancel("r1", "bob");
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1"));
  EXPECT_THAT(env.Records(), IsEmpty());
}

TEST(Scheduler, CancelOfOneTaskSkipsItsDependentsOnly) {
  PlanBuilder plan;
  auto x = plan.Add("x");
  plan.Add("y", {.needs = {x}});
  plan.Add("z");
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Forget();
  env.CancelOne("r1", 1, "eve");
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1", "stop r1/1/1 at a"));
  env.CancelOne("r1", 1, "eve");
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1"));
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kNotStarted, "stopped before it began"));
  env.Ends("a", "r1/3/1");
  EXPECT_THAT(env.TaskTexts("r1"),
              ElementsAre("canceled: canceled by eve", "skipped: 'x' on a canceled: canceled by eve", "succeeded"));
  EXPECT_EQ(env.RunText("r1"), "succeeded");  // nothing failed; a person left a part of it out
}

// x ──▶ {y on a, y on b}: one of the two is canceled while it waits
TEST(Scheduler, CancelOfATaskThatWaitsForItsGate) {
  PlanBuilder plan;
  auto x = plan.Add("x");
  plan.Add("y", {.needs = {x}, .hosts = {"a", "b"}});
  SchedulerEnv env;
  env.Connect("a");
  env.Connect("b");
  env.Start(plan.Build());
  env.CancelOne("r1", 2);
  EXPECT_EQ(env.TaskText("r1", 2), "canceled: canceled");
  env.Forget();
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to b"));
  env.Ends("b", "r1/3/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

TEST(Scheduler, CancelOfWhatIsNotThere) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(1));
  env.Ends("a", "r1/1/1");
  env.Forget();
  env.Cancel("r1");
  env.Cancel("nobody");
  env.CancelOne("r1", 1);
  EXPECT_THAT(env.Effects(),
              ElementsAre("reply refused: run r1 is not running", "reply refused: run nobody is not running",
                          "reply refused: task 1 of run r1 is not running"));
  env.Start(Chain(1));
  env.Forget();
  env.CancelOne("r2", 7);
  EXPECT_THAT(env.Effects(), ElementsAre("reply refused: task 7 of run r2 is not running"));
  EXPECT_THAT(env.Records(), IsEmpty());
}

TEST(Scheduler, CanceledRunGoesOnBeingCanceledAfterARestart) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Chain(3));
  env.Begins("a", "r1/1/1");
  env.Cancel("r1", "eve");
  env.Restart();
  EXPECT_THAT(env.Effects(), ElementsAre("dial a"));
  env.Connect("a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a, stop r1/1/1"));
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, ""));
  EXPECT_EQ(env.RunText("r1"), "canceled");
}

// ---- Limits, repeats, size --------------------------------------------------------------------

TEST(Scheduler, SameRequestIsTheSameRun) {
  SchedulerEnv env;
  env.Start(Chain(1), "again");
  env.Forget();
  env.Start(Chain(1), "again");
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1"));
  EXPECT_THAT(env.Records(), IsEmpty());
  EXPECT_EQ(env.scheduler().unfinished_runs(), 1u);
}

TEST(Scheduler, LimitsAreNamedWhenTheyAreHit) {
  SchedulerEnv env({.unfinished_runs = 2, .unfinished_tasks = 5, .agents = 2});
  env.Start(Chain(3));
  env.Forget();
  env.Start(Chain(3));
  EXPECT_THAT(env.Effects(),
              ElementsAre("reply refused: 3 tasks have not finished; with 3 more the limit of 5 is passed"));
  PlanBuilder wide;
  wide.Add("x", {.hosts = {"b", "c"}});
  env.Start(wide.Build());
  EXPECT_THAT(env.Effects(), ElementsAre("reply refused: 1 agents are known; with 2 more the limit of 2 is passed"));
  env.Start(Chain(1));
  EXPECT_THAT(env.Effects(), ElementsAre("reply r4"));
  env.Start(Chain(1));
  EXPECT_THAT(env.Effects(),
              ElementsAre("reply refused: 2 runs have not finished, which is the limit; wait for some or cancel them"));
}

TEST(Scheduler, WhatTasksDoTakesABoundedPartOfMemory) {
  PlanBuilder plan;
  plan.Add(std::string(300, 'x'));  // twice in its spec, and as its command
  auto one = plan.Build();
  const size_t bytes = BytesOf(*one);
  EXPECT_GT(bytes, 600u);
  SchedulerEnv env({.bytes = 2 * bytes + 10});
  env.Connect("a");
  env.Start(one);
  env.Start(one);
  env.Forget();
  env.Start(one);
  EXPECT_THAT(env.Effects(),
              ElementsAre(testing::StartsWith("reply refused: what the tasks of unfinished runs do takes ")));
  env.Ends("a", "r1/1/1");
  env.Forget();
  env.Start(one);
  EXPECT_THAT(env.Effects(), testing::Contains("reply r4"));
}

TEST(Scheduler, PartOfAPlanRunsFromWhereItIsStarted) {
  PlanBuilder plan;
  auto build = plan.Add("build");
  auto deploy = plan.Add("deploy", {.needs = {build}, .hosts = {"a", "b"}});
  plan.Add("clean", {.after_of = deploy});
  plan.Add("announce", {.needs = {deploy}});
  auto part = StartFrom(plan.plan(), deploy);
  ASSERT_TRUE(part) << part.error().message;
  SchedulerEnv env;
  env.Connect("a");
  env.Connect("b");
  env.Forget();
  env.Start(std::make_shared<Plan>(*part));
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1", "lease r1/1/1 to a", "lease r1/2/1 to b"));
  env.Ends("a", "r1/1/1");
  env.Ends("b", "r1/2/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to a"));
  env.Ends("a", "r1/3/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/4/1 to a"));
  env.Ends("a", "r1/4/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

// A step that recursed along the chain would overflow the stack here, one that walked it would not come to an end.
TEST(Scheduler, AChainOfAHundredThousandTasks) {
  constexpr uint32_t kLength = 100'000;
  PlanBuilder plan;
  for (InstanceIndex i = 0; i < kLength; ++i) {
    InstanceOptions options;
    if (i > 0) options.needs = {i - 1};
    plan.Add("p", options);
  }
  Scheduler scheduler;
  Now now{MonoFromMicros(1), WallFromMicros(1)};
  scheduler.Apply(StartRun{.run = RunId("r"), .request = RequestId("q"), .plan = plan.Build()}, now);
  scheduler.Apply(AgentUp{"a:4000", {.agent = AgentId("a"), .journal = JournalId("j"), .slots = 4}, {}}, now);
  for (TaskIndex task = 0; task < kLength / 2; ++task) {
    auto decision = scheduler.Apply(AgentReported{"a:4000", {{task + 1, {RunId("r"), task, 1}, ExitedWith(0)}}}, now);
    ASSERT_EQ(decision.records.size(), 4u);  // ended, ready, leased, seen
  }
  auto last =
      scheduler.Apply(AgentReported{"a:4000", {{kLength / 2 + 1, {RunId("r"), kLength / 2, 1}, ExitedWith(1)}}}, now);
  EXPECT_EQ(last.records.size(), kLength / 2 + 2);  // half of it ended, the run, the sequence
  EXPECT_EQ(scheduler.unfinished_runs(), 0u);
  EXPECT_EQ(scheduler.Check(), "");
}

}  // namespace
}  // namespace cromt
