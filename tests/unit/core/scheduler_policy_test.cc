// What a project's own rules make of failures and silence: max_failures, on_unreachable, on_lost, run_timeout,
// priority; and runs that take over what an earlier one has done.
#include <fmt/format.h>
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

// x on a, b, c, of which `most` may fail ──▶ y on a
std::shared_ptr<const Plan> Spread(uint32_t most, SilencePolicy silence = {}) {
  PlanBuilder plan;
  auto x = plan.Add("x", {.hosts = {"a", "b", "c"}, .max_failures = most, .silence = silence});
  plan.Add("y", {.needs = {x}});
  return plan.Build();
}

void ConnectAll(SchedulerEnv& env) {
  for (const char* name : {"a", "b", "c"}) env.Connect(name);
}

// ---- max_failures -----------------------------------------------------------------------------

TEST(SchedulerPolicy, WithinMaxFailuresTheProjectSucceedsAndNamesTheHosts) {
  SchedulerEnv env;
  ConnectAll(env);
  env.Start(Spread(1));
  env.Ends("b", "r1/2/1", 5);
  env.Ends("a", "r1/1/1");
  env.Ends("c", "r1/3/1");
  EXPECT_EQ(env.TaskText("r1", 2), "failed (ignored): exit code 5");
  env.Ends("a", "r1/4/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
  EXPECT_EQ(env.Run("r1").reason, "without 'x' on b, as the job file allows");
}

TEST(SchedulerPolicy, BeyondMaxFailuresNoneIsForgiven) {
  SchedulerEnv env;
  ConnectAll(env);
  env.Start(Spread(1));
  env.Ends("b", "r1/2/1", 5);
  env.Ends("c", "r1/3/1", 6);
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("leased", "failed: exit code 5", "failed: exit code 6", "waiting"));
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.TaskText("r1", 4), HasSubstr("skipped: 'x' on c failed: exit code 6"));
  EXPECT_EQ(env.RunText("r1"), "failed");
}

TEST(SchedulerPolicy, MaxFailuresAreCountedOnAfterARestart) {
  SchedulerEnv env;
  ConnectAll(env);
  env.Start(Spread(1));
  env.Ends("b", "r1/2/1", 5);
  env.Restart();
  ConnectAll(env);
  env.Ends("c", "r1/3/1", 6);
  EXPECT_EQ(env.TaskText("r1", 2), "failed: exit code 5");
  env.Ends("a", "r1/1/1");
  EXPECT_EQ(env.RunText("r1"), "failed");
}

TEST(SchedulerPolicy, WhatIsSkippedOrCanceledIsNoFailureOfMaxFailures) {
  SchedulerEnv env;
  ConnectAll(env);
  env.Start(Spread(1));
  env.CancelOne("r1", 1);
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  EXPECT_EQ(env.TaskText("r1", 1), "canceled: canceled");
  env.Ends("b", "r1/2/1", 5);
  env.Ends("c", "r1/3/1");
  EXPECT_EQ(env.TaskText("r1", 2), "failed (ignored): exit code 5");
  EXPECT_THAT(env.TaskText("r1", 4), HasSubstr("skipped")) << "a canceled host is not a forgiven one";
}

// ---- on_unreachable ---------------------------------------------------------------------------

TEST(SchedulerPolicy, AnUnreachableHostMayBeSkippedWhichIsNoFailure) {
  SchedulerEnv env;
  env.Connect("a");
  env.Connect("b");
  env.Start(Spread(0, {.unreachable = kUnreachableAfter, .skip_unreachable = true}));
  env.Disconnect("c");
  env.Ends("a", "r1/1/1");
  env.Ends("b", "r1/2/1");
  env.Pass(kUnreachableAfter);
  EXPECT_EQ(env.TaskText("r1", 3),
            "skipped (ignored): no agent could be reached at c (c:4000) for 10.0s: connection refused");
  EXPECT_EQ(env.TaskText("r1", 4), "leased");
  env.Ends("a", "r1/4/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
  EXPECT_EQ(env.Run("r1").reason, "without 'x' on c, as the job file allows");
}

TEST(SchedulerPolicy, EachTaskWaitsForItsAgentAsLongAsItsProjectSays) {
  PlanBuilder plan;
  plan.Add("patient", {.hosts = {"down"}, .silence = {.unreachable = seconds(300)}});
  plan.Add("hasty", {.hosts = {"down"}, .silence = {.unreachable = seconds(5)}});
  plan.Add("usual", {.hosts = {"down"}});
  SchedulerEnv env;
  env.Start(plan.Build());
  env.Disconnect("down");
  env.Pass(seconds(5));
  EXPECT_THAT(env.TaskText("r1", 2), HasSubstr("failed: no agent could be reached at down (down:4000) for 5.0s"));
  EXPECT_EQ(env.TaskText("r1", 3), "ready");
  env.Pass(seconds(55));
  EXPECT_THAT(env.TaskText("r1", 3), HasSubstr("failed"));
  EXPECT_EQ(env.TaskText("r1", 1), "ready");
  env.Connect("down");
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
}

// Of many that wait for one address each still ends within a second of its time.
TEST(SchedulerPolicy, ManyThatWaitForAnAddressAllEnd) {
  PlanBuilder plan;
  plan.Add("x", {.hosts = std::vector<std::string>(3000, "down")});
  SchedulerEnv env;
  env.Start(plan.Build());
  env.Pass(seconds(30));
  env.Start(plan.Build());
  env.Pass(seconds(31));
  EXPECT_EQ(env.RunText("r1"), "failed");
  EXPECT_EQ(env.RunText("r2"), "running");
  env.Pass(seconds(30));
  EXPECT_EQ(env.RunText("r2"), "failed");
}

// ---- on_lost ----------------------------------------------------------------------------------

std::shared_ptr<const Plan> OnLost(SilencePolicy silence, RetryPolicy retry = {}) {
  PlanBuilder plan;
  plan.Add("x", {.retry = retry, .silence = silence});
  return plan.Build();
}

TEST(SchedulerPolicy, OnLostMayWaitForLessAndNotBeforeALeaseIsOver) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(OnLost({.lost = seconds(1)}));
  env.Begins("a", "r1/1/1");
  env.Disconnect("a");
  env.Pass(kShortestLost - milliseconds(1));
  EXPECT_THAT(env.TaskText("r1", 1), HasSubstr("unreachable"));
  env.Pass(milliseconds(1));
  EXPECT_EQ(env.TaskText("r1", 1), "lost: lost: the agent at a (a:4000) was silent for 40.0s");
}

TEST(SchedulerPolicy, OnLostMayTryAgainAndSaysThatItMayHaveRun) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(OnLost({.lost = kShortestLost, .retry_lost = true}));
  env.Begins("a", "r1/1/1");
  env.Disconnect("a");
  env.Pass(kShortestLost);
  EXPECT_EQ(
      env.TaskText("r1", 1),
      "ready: lost: the agent at a (a:4000) was silent for 40.0s; it may have run, and on_lost says to try again (1 of "
      "3 times)");
  env.Forget();
  env.Connect("a");
  EXPECT_THAT(env.Effects(), ElementsAre("verdicts to a, stop r1/1/1", "lease r1/1/2 to a"));
  env.Ends("a", "r1/1/1", 0);  // the one that was called lost: only a note
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
  env.Ends("a", "r1/1/2", 0);
  EXPECT_EQ(env.TaskText("r1", 1), "succeeded");
}

// A task that takes its launcher down with it would else do so for ever.
TEST(SchedulerPolicy, OnLostTriesAgainSoManyTimesOnly) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(OnLost({.retry_lost = true}));
  for (uint32_t i = 1; i <= kLostRetries; ++i) {
    env.Ends("a", "r1/1/" + std::to_string(i), NotRun(AttemptResult::Kind::kLost, "lost: the launcher died"));
    EXPECT_EQ(env.TaskText("r1", 1), "leased");
  }
  env.Ends("a", "r1/1/4", NotRun(AttemptResult::Kind::kLost, "lost: the launcher died"));
  EXPECT_EQ(env.TaskText("r1", 1), "lost: lost: the launcher died");
}

// ---- and retries: neither uses up the other

TEST(SchedulerPolicy, ALossUsesUpNoRetry) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(OnLost({.retry_lost = true}, {.retries = 1, .delay = seconds(1)}));
  const AttemptResult lost = NotRun(AttemptResult::Kind::kLost, "lost: the launcher died");
  for (const char* attempt : {"r1/1/1", "r1/1/2"}) {
    env.Ends("a", attempt, lost);
    env.Pass(seconds(1));
  }
  env.Ends("a", "r1/1/3", 5);
  EXPECT_EQ(env.Task("r1", 1).reason, "exit code 5; try 2 of 2 follows, besides 2 lost");
  env.Restart();
  env.Connect("a");
  env.Pass(seconds(1));
  env.Ends("a", "r1/1/4", 5);
  EXPECT_EQ(env.TaskText("r1", 1), "failed: exit code 5");
}

TEST(SchedulerPolicy, AFailureUsesUpNoTryOfOnLost) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(OnLost({.retry_lost = true}, {.retries = 9, .delay = seconds(1)}));
  const AttemptResult lost = NotRun(AttemptResult::Kind::kLost, "lost: the launcher died");
  uint32_t attempt = 0;
  auto next = [&] { return "r1/1/" + std::to_string(++attempt); };
  for (uint32_t i = 1; i <= kLostRetries; ++i) {
    env.Ends("a", next(), 5);
    env.Pass(seconds(1));
    env.Ends("a", next(), lost);
    EXPECT_EQ(
        env.Task("r1", 1).reason,
        fmt::format("lost: the launcher died; it may have run, and on_lost says to try again ({} of 3 times)", i));
    env.Pass(seconds(1));
  }
  env.Ends("a", next(), 5);
  env.Pass(seconds(1));
  env.Ends("a", next(), lost);
  EXPECT_EQ(env.TaskText("r1", 1), "lost: lost: the launcher died");
}

// The pause grows with each attempt that is over, however it ended.
TEST(SchedulerPolicy, ALossIsFollowedByTheNextDelay) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(OnLost({.retry_lost = true}, {.retries = 9, .delay = seconds(10), .backoff_permille = 2000}));
  env.Ends("a", "r1/1/1", 5);
  env.Pass(seconds(10));
  env.Ends("a", "r1/1/2", NotRun(AttemptResult::Kind::kLost, "lost: the launcher died"));
  env.Pass(seconds(20) - milliseconds(1));
  EXPECT_EQ(env.Task("r1", 1).state, TaskState::kRetryWait);
  env.Pass(milliseconds(1));
  EXPECT_EQ(env.Task("r1", 1).state, TaskState::kLeased);
}

TEST(SchedulerPolicy, WithoutRetryALostTaskIsNotTriedAgainWhateverItsRetries) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(OnLost({}, {.retries = 5}));
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kLost, "lost: the launcher died"));
  EXPECT_EQ(env.TaskText("r1", 1), "lost: lost: the launcher died");
}

// ---- run_timeout ------------------------------------------------------------------------------

// x on a ──▶ y; after x, whatever comes of it: z
std::shared_ptr<const Plan> Limited(Duration limit) {
  PlanBuilder plan;
  auto x = plan.Add("x");
  plan.Add("y", {.needs = {x}});
  plan.Add("z", {.after_of = x, .when = When::kAlways});
  return plan.RunTimeout(limit).Build();
}

TEST(SchedulerPolicy, RunTimeoutStopsTheRunButItsCleanUps) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Limited(seconds(90)));
  env.Begins("a", "r1/1/1");
  env.Pass(seconds(90) - milliseconds(1));
  EXPECT_EQ(env.TaskText("r1", 1), "running");
  env.Forget();
  env.Pass(milliseconds(1));
  EXPECT_THAT(env.Effects(), ElementsAre("stop r1/1/1 at a"));
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  EXPECT_THAT(env.TaskTexts("r1"),
              ElementsAre("canceled: the run took longer than its run_timeout of 1m30s", "waiting", "leased"));
  env.Ends("a", "r1/3/1");
  EXPECT_EQ(env.RunText("r1"), "timed_out");
  EXPECT_EQ(env.Run("r1").reason, "the run took longer than its run_timeout of 1m30s");
  EXPECT_FALSE(env.scheduler().NextDeadline());
}

TEST(SchedulerPolicy, RunTimeoutCountsOnOverARestartAndSpendsNoMoreThanAllOfItAfterAClockJump) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Limited(seconds(90)));
  env.Pass(seconds(60));
  env.Restart();
  env.Pass(seconds(30));
  EXPECT_EQ(env.Run("r1").reason, "the run took longer than its run_timeout of 1m30s");

  env.Start(Limited(seconds(90)));
  env.SetWallBack(std::chrono::hours(24));
  env.Restart();
  env.Pass(seconds(90));
  EXPECT_EQ(env.Run("r2").reason, "the run took longer than its run_timeout of 1m30s");
}

TEST(SchedulerPolicy, RunTimeoutEndsARunWhoseSourcesDoNotCome) {
  PlanBuilder plan;
  plan.Add("x", {.repository = "git://h/r"});
  SchedulerEnv env;
  env.Start(plan.RunTimeout(seconds(5)).Build());
  env.Pass(seconds(5));
  EXPECT_EQ(env.RunText("r1"), "timed_out");
  EXPECT_EQ(env.TaskText("r1", 1), "canceled: the run took longer than its run_timeout of 5.0s");
}

TEST(SchedulerPolicy, ACanceledRunIsCanceledThoughItsTimePasses) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Limited(seconds(5)));
  env.Cancel("r1", "eve");
  env.Pass(seconds(5));
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  env.Ends("a", "r1/3/1");
  EXPECT_EQ(env.RunText("r1"), "canceled");
}

TEST(SchedulerPolicy, ACancelAfterTheRunTimeoutStopsTheCleanUpsToo) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Limited(seconds(5)));
  env.Pass(seconds(5));
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  env.Forget();
  env.Cancel("r1", "eve");
  EXPECT_THAT(env.Effects(), Contains("stop r1/3/1 at a"));
  env.Ends("a", "r1/3/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  EXPECT_EQ(env.RunText("r1"), "timed_out");
}

// ---- priority ---------------------------------------------------------------------------------

TEST(SchedulerPolicy, WhatWaitsForAnAgentGoesByPriorityThenByAge) {
  PlanBuilder plan;
  plan.Add("low", {.priority = -1});
  plan.Add("usual");
  plan.Add("high", {.priority = 7});
  plan.Add("high too", {.priority = 7});
  SchedulerEnv env;
  env.Start(plan.Build());
  env.Forget();
  env.Connect("a");
  EXPECT_THAT(env.Effects("lease"),
              ElementsAre("lease r1/3/1 to a", "lease r1/4/1 to a", "lease r1/2/1 to a", "lease r1/1/1 to a"));
}

TEST(SchedulerPolicy, PriorityDoesNotChangeTheOrderOfALane) {
  PlanBuilder plan;
  plan.Lane("db");
  plan.Add("low", {.groups = {"db"}, .priority = -1});
  plan.Add("high", {.groups = {"db"}, .priority = 7});
  SchedulerEnv env;
  env.Start(plan.Build());
  env.Connect("a");
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
  EXPECT_EQ(env.TaskText("r1", 2), "ready");
}

// ---- Runs that take over ----------------------------------------------------------------------

TEST(SchedulerPolicy, ARunMayBeginWithTasksThatHaveEnded) {
  PlanBuilder builder;
  auto x = builder.Add("x", {.hosts = {"a", "b"}});
  builder.Add("y", {.needs = {x}, .inputs = {{"patch", x, false}}});
  auto plan = builder.Build();
  TaskStatus done{.state = TaskState::kFinished, .outcome = TaskOutcome::kSucceeded, .reason = "as in run r0"};
  ArtifactsPublished published{
      RunId("r9"), 1, 0, AgentId("agent-b"), {{"patch", {std::string(64, 'a'), 3}, false, "t"}}};
  SchedulerEnv env;
  env.Connect("a");
  env.Connect("b");
  env.Forget();
  env.Apply(StartRun{.run = RunId("r9"),
                     .request = RequestId("q"),
                     .project = "p",
                     .trigger = Trigger::kRerun,
                     .plan = plan,
                     .tasks = {TaskStatus{}, done, TaskStatus{}},
                     .artifacts = {published}});
  EXPECT_THAT(env.Effects(), ElementsAre("reply r9", "lease r9/1/1 to a"));
  env.Ends("a", "r9/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r9/3/1 to a, patch from agent-b at b"));
  env.Restart();
  env.Connect("a");
  env.Ends("a", "r9/3/1");
  EXPECT_EQ(env.RunText("r9"), "succeeded");
  EXPECT_EQ(env.TaskText("r9", 2), "succeeded: as in run r0");
}

TEST(SchedulerPolicy, ARunOfWhichAllHasEndedIsOverAtOnce) {
  TaskStatus done{.state = TaskState::kFinished, .outcome = TaskOutcome::kSucceeded};
  SchedulerEnv env;
  env.Apply(
      StartRun{.run = RunId("r9"), .request = RequestId("q"), .project = "p", .plan = Chain(2), .tasks = {done, done}});
  EXPECT_EQ(env.RunText("r9"), "succeeded");
  EXPECT_THAT(env.Effects("lease"), IsEmpty());
}

}  // namespace
}  // namespace cromt
