// Retries: which ends are tried again, when, and what becomes of the task's place in its lanes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/scheduler_env.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::shared_ptr<const Plan> Tried(RetryPolicy retry, const std::string& lane = "") {
  PlanBuilder plan;
  if (!lane.empty()) plan.Lane(lane);
  InstanceOptions options{.retry = retry};
  if (!lane.empty()) options.groups = {lane};
  plan.Add("x", options);
  return plan.Build();
}

TEST(SchedulerRetry, AFailureIsTriedAgainAsOftenAsThePolicySays) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 2}));
  env.Begins("a", "r1/1/1");
  env.Ends("a", "r1/1/1", 5);
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
  EXPECT_FALSE(env.Task("r1", 1).started_at);
  env.Ends("a", "r1/1/2", NotRun(AttemptResult::Kind::kTimedOut, "it ran longer than its timeout"));
  env.Ends("a", "r1/1/3", 6);
  EXPECT_EQ(env.TaskText("r1", 1), "failed: exit code 6");
  EXPECT_EQ(env.RunText("r1"), "failed");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/1 to a", "lease r1/1/2 to a", "lease r1/1/3 to a"));
}

TEST(SchedulerRetry, ASuccessOfALaterTryIsASuccess) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 1}));
  env.Ends("a", "r1/1/1", 5);
  env.Ends("a", "r1/1/2", 0);
  EXPECT_EQ(env.TaskText("r1", 1), "succeeded");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

TEST(SchedulerRetry, OfEachTryTheImageIsRemembered) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 1}));
  AttemptResult result = ExitedWith(5);
  result.image_digest = "tool@sha256:1";
  env.Forget();
  env.Ends("a", "r1/1/1", result);
  result = ExitedWith(0);
  result.image_digest = "tool@sha256:2";
  env.Ends("a", "r1/1/2", result);
  EXPECT_THAT(env.Records(),
              ::testing::IsSupersetOf({"image of r1/1/1 tool@sha256:1", "image of r1/1/2 tool@sha256:2"}));
}

TEST(SchedulerRetry, EachPauseIsLongerByTheBackoff) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 3, .delay = seconds(10), .backoff_permille = 2000}));
  env.Ends("a", "r1/1/1", 5);
  EXPECT_EQ(env.TaskText("r1", 1), "retry_wait: exit code 5; try 2 of 4 follows");
  env.Forget();
  env.Pass(seconds(10) - milliseconds(1));
  EXPECT_THAT(env.Effects(), IsEmpty());
  env.Pass(milliseconds(1));
  EXPECT_THAT(env.Effects(), ElementsAre("lease r1/1/2 to a"));
  env.Ends("a", "r1/1/2", 5);
  env.Pass(seconds(20) - milliseconds(1));
  EXPECT_EQ(env.Task("r1", 1).state, TaskState::kRetryWait);
  env.Pass(milliseconds(1));
  env.Ends("a", "r1/1/3", 5);
  env.Pass(seconds(40));
  env.Ends("a", "r1/1/4", 7);
  EXPECT_EQ(env.TaskText("r1", 1), "failed: exit code 7");
  EXPECT_FALSE(env.scheduler().NextDeadline());
}

TEST(SchedulerRetry, NoPauseIsLongerThanADay) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 100, .delay = std::chrono::hours(20), .backoff_permille = 1'000'000}));
  env.Ends("a", "r1/1/1", 5);
  env.Pass(std::chrono::hours(20));
  env.Ends("a", "r1/1/2", 5);
  env.Pass(kMaxRetryDelay);
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
}

TEST(SchedulerRetry, ARetryWaitsNoLongerThanItsPauseAfterAClockWasPutBack) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 1, .delay = seconds(10)}));
  env.Ends("a", "r1/1/1", 5);
  env.SetWallBack(std::chrono::hours(2));
  env.Restart();
  env.Connect("a");
  EXPECT_THAT(env.Why("r1", 1), ElementsAre(HasSubstr("its next try is due in 10.0s: ")));
  env.Pass(seconds(10));
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
}

// What has not ended by itself is not tried again.
TEST(SchedulerRetry, LostAndCanceledAreNot) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 3}));
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kLost, "lost: the launcher died"));
  EXPECT_EQ(env.TaskText("r1", 1), "lost: lost: the launcher died");
  env.Start(Tried({.retries = 3}));
  env.Cancel("r2", "eve");
  env.Ends("a", "r2/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  EXPECT_EQ(env.TaskText("r2", 1), "canceled: canceled by eve");
}

TEST(SchedulerRetry, AReturnedLeaseIsNoTry) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 1}));
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kNotStarted, "the agent drains", true));
  env.Pass(kReturnPause);
  env.Ends("a", "r1/1/2", 5);
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
  env.Ends("a", "r1/1/3", 5);
  EXPECT_EQ(env.TaskText("r1", 1), "failed: exit code 5");
}

TEST(SchedulerRetry, CanceledWhileItWaits) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 3, .delay = seconds(10)}));
  env.Ends("a", "r1/1/1", 5);
  env.Cancel("r1", "eve");
  EXPECT_EQ(env.TaskText("r1", 1), "canceled: canceled by eve");
  EXPECT_EQ(env.RunText("r1"), "canceled");
  env.Pass(seconds(20));  // its timer finds nobody
}

TEST(SchedulerRetry, ARestartGoesOnWithThePause) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 3, .delay = seconds(10)}));
  env.Ends("a", "r1/1/1", 5);
  env.Pass(seconds(4));
  env.Restart();
  env.Connect("a");
  env.Forget();
  env.Pass(seconds(6) - milliseconds(1));
  EXPECT_THAT(env.Effects(), IsEmpty());
  env.Pass(milliseconds(1));
  EXPECT_THAT(env.Effects(), ElementsAre("lease r1/1/2 to a"));
}

TEST(SchedulerRetry, WithoutPauseTheLaneIsKept) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 1}, "lane"));
  env.Start(Tried({}, "lane"));
  env.Forget();
  env.Ends("a", "r1/1/1", 5);
  EXPECT_THAT(env.Effects(), ElementsAre("ack 1 to a", "lease r1/1/2 to a"));
}

TEST(SchedulerRetry, WhoPausesLeavesTheLaneAndJoinsItsEnd) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Tried({.retries = 1, .delay = seconds(10)}, "lane"));
  env.Start(Tried({}, "lane"));
  env.Start(Tried({}, "lane"));
  env.Forget();
  env.Ends("a", "r1/1/1", 5);
  EXPECT_THAT(env.Effects(), ElementsAre("ack 1 to a", "lease r2/1/1 to a"));
  env.Pass(seconds(10));
  env.Forget();
  env.Ends("a", "r2/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r3/1/1 to a"));
  env.Ends("a", "r3/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/2 to a"));
}

TEST(SchedulerRetry, DependentsAreToldOnlyOfTheLastTry) {
  PlanBuilder plan;
  auto x = plan.Add("x", {.retry = {.retries = 1}});
  plan.Add("y", {.needs = {x}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 5);
  EXPECT_EQ(env.TaskText("r1", 2), "waiting");
  env.Ends("a", "r1/1/2", 6);
  EXPECT_THAT(env.TaskText("r1", 2), HasSubstr("skipped: 'x' on a failed: exit code 6"));
}

}  // namespace
}  // namespace cromt
