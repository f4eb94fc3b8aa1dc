// What comes after others by `when`, failures that are ignored, and cancels that let clean-ups run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/scheduler_env.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kNotFailed[] = "skipped: 'onFailure' runs on failure only, and 'p' has not failed";

//   p ──▶ (onSuccess, onFailure, always)
//   └──▶ next
class ThreeAfter : public ::testing::Test {
 protected:
  void Start(ExitPolicy exit_policy = {}, bool ignore_failure = false) {
    PlanBuilder plan;
    auto p = plan.Add("p", {.exit_policy = exit_policy, .ignore_failure = ignore_failure});
    plan.Add("onSuccess", {.after_of = p});
    plan.Add("onFailure", {.after_of = p, .when = When::kFailure});
    plan.Add("always", {.after_of = p, .when = When::kAlways});
    plan.Add("next", {.needs = {p}});
    env_.Connect("a", 8);
    env_.Start(plan.Build());
    env_.Forget();
  }
  SchedulerEnv env_;
};

TEST_F(ThreeAfter, OnSuccess) {
  Start();
  env_.Ends("a", "r1/1/1");
  EXPECT_THAT(env_.TaskTexts("r1"), ElementsAre("succeeded", "leased", kNotFailed, "leased", "waiting"));
  env_.Ends("a", "r1/2/1");
  env_.Ends("a", "r1/4/1");
  env_.Ends("a", "r1/5/1");
  EXPECT_EQ(env_.RunText("r1"), "succeeded");
}

TEST_F(ThreeAfter, OnFailure) {
  Start();
  env_.Ends("a", "r1/1/1", 5);
  const std::string why = "skipped: 'p' on a failed: exit code 5";
  EXPECT_THAT(env_.TaskTexts("r1"), ElementsAre("failed: exit code 5", why, "leased", "leased", "waiting"));
  env_.Ends("a", "r1/3/1");
  env_.Ends("a", "r1/4/1");
  EXPECT_EQ(env_.TaskText("r1", 5), why);
  EXPECT_EQ(env_.RunText("r1"), "failed");
}

TEST_F(ThreeAfter, AnEarlyEndIsNeither) {
  Start({.stop = {99}});
  env_.Ends("a", "r1/1/1", 99);
  EXPECT_THAT(env_.TaskTexts("r1"),
              ElementsAre("stopped_early: exit code 99 ends it early", "skipped: 'p' on a requested an early end",
                          kNotFailed, "leased", "waiting"));
  env_.Ends("a", "r1/4/1");
  EXPECT_EQ(env_.RunText("r1"), "succeeded");
}

TEST_F(ThreeAfter, AFailureThatIsIgnoredIsASuccess) {
  Start({}, true);
  env_.Ends("a", "r1/1/1", 5);
  EXPECT_THAT(env_.TaskTexts("r1"),
              ElementsAre("failed (ignored): exit code 5", "leased", kNotFailed, "leased", "waiting"));
  env_.Ends("a", "r1/2/1");
  env_.Ends("a", "r1/4/1");
  env_.Ends("a", "r1/5/1");
  EXPECT_EQ(env_.RunText("r1"), "succeeded");
}

TEST_F(ThreeAfter, OneThatFailsFailsTheRunAndWhatDepends) {
  Start();
  env_.Ends("a", "r1/1/1");
  env_.Ends("a", "r1/2/1");
  env_.Ends("a", "r1/4/1", 3);
  EXPECT_EQ(env_.TaskText("r1", 5), "skipped: 'always' on a failed: exit code 3");
  EXPECT_EQ(env_.RunText("r1"), "failed");
}

TEST_F(ThreeAfter, TheSameAfterARestart) {
  Start({}, true);
  env_.Ends("a", "r1/1/1", 5);
  env_.Restart();
  env_.Connect("a", 8);
  EXPECT_THAT(env_.TaskTexts("r1"),
              ElementsAre("failed (ignored): exit code 5", "leased", kNotFailed, "leased", "waiting"));
  env_.Ends("a", "r1/2/1");
  env_.Restart();
  env_.Connect("a", 8);
  env_.Ends("a", "r1/4/1");
  env_.Ends("a", "r1/5/1");
  EXPECT_EQ(env_.RunText("r1"), "succeeded");
}

//   before ──▶ p ──▶ always
TEST(When, AFailureBeforeIsOneToo) {
  PlanBuilder plan;
  auto before = plan.Add("before");
  auto p = plan.Add("p", {.needs = {before}});
  plan.Add("clean", {.after_of = p, .when = When::kAlways});
  plan.Add("tell", {.after_of = p, .when = When::kFailure});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 5);
  EXPECT_THAT(env.TaskTexts("r1"),
              ElementsAre("failed: exit code 5", "skipped: 'before' on a failed: exit code 5", "leased", "leased"));
}

//   p ──▶ tell (on failure) ──▶ more
//         needs ask (on failure)
TEST(When, WhatIsNotWantedTakesAllBelowItAlong) {
  PlanBuilder plan;
  auto p = plan.Add("p");
  auto ask = plan.Add("ask", {.after_of = p, .when = When::kFailure});
  auto tell = plan.Add("onFailure", {.needs = {ask}, .after_of = p, .when = When::kFailure});
  plan.Add("more", {.after_of = tell, .when = When::kAlways});
  plan.Add("gate", {.hosts = {}, .after_of = tell, .when = When::kAlways});
  plan.Add("last", {.needs = {p}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.CancelOne("r1", 4);  // which is no failure of what does not run
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.TaskTexts("r1"),
              ElementsAre("succeeded", "skipped: 'ask' runs on failure only, and 'p' has not failed", kNotFailed,
                          "canceled: canceled", "leased"));
  env.Ends("a", "r1/5/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

TEST(When, OneHostOfThreeIsAFailure) {
  PlanBuilder plan;
  auto p = plan.Add("p", {.hosts = {"a", "b", "c"}});
  plan.Add("tell", {.after_of = p, .when = When::kFailure});
  SchedulerEnv env;
  for (const char* agent : {"a", "b", "c"}) env.Connect(agent);
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1");
  env.Ends("b", "r1/2/1", 1);
  EXPECT_EQ(env.TaskText("r1", 4), "waiting");
  env.Ends("c", "r1/3/1");
  EXPECT_EQ(env.TaskText("r1", 4), "leased");
}

TEST(When, IgnoredAreTimeoutsToo_ButNotWhatNeverRan) {
  PlanBuilder plan;
  auto slow = plan.Add("slow", {.ignore_failure = true});
  auto bad = plan.Add("bad", {.needs = {slow}});
  plan.Add("next", {.needs = {bad}, .ignore_failure = true});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  AttemptResult late = ExitedWith(0);
  late.kind = AttemptResult::Kind::kTimedOut;
  late.reason = "it took too long";
  env.Ends("a", "r1/1/1", late);
  EXPECT_EQ(env.TaskText("r1", 1), "timed_out (ignored): it took too long");
  env.Ends("a", "r1/2/1", 1);
  EXPECT_EQ(env.TaskText("r1", 3), "skipped: 'bad' on a failed: exit code 1");
  EXPECT_EQ(env.RunText("r1"), "failed");
}

// ---- Cancels ----------------------------------------------------------------------------------

//   p ──▶ clean (always) ──▶ report
//   └───▶ done
class CleanUps : public ::testing::Test {
 protected:
  CleanUps() {
    PlanBuilder plan;
    auto p = plan.Add("p");
    auto clean = plan.Add("clean", {.after_of = p, .when = When::kAlways});
    plan.Add("report", {.after_of = clean});
    plan.Add("done", {.after_of = p});
    env_.Connect("a");
    env_.Start(plan.Build());
    env_.Forget();
  }
  static AttemptResult Stopped() { return NotRun(AttemptResult::Kind::kStopped, ""); }
  SchedulerEnv env_;
};

TEST_F(CleanUps, RunAfterACancel) {
  env_.Cancel("r1", "eve");
  EXPECT_THAT(env_.Effects(), ElementsAre("reply r1", "stop r1/1/1 at a"));
  env_.Ends("a", "r1/1/1", Stopped());
  EXPECT_THAT(env_.TaskTexts("r1"),
              ElementsAre("canceled: canceled by eve", "leased", "waiting", "canceled: canceled by eve"));
  env_.Ends("a", "r1/2/1");
  EXPECT_EQ(env_.TaskText("r1", 3), "leased");
  env_.Ends("a", "r1/3/1");
  EXPECT_EQ(env_.RunText("r1"), "canceled");
}

TEST_F(CleanUps, RunOnWhenTheyHaveBegun) {
  env_.Ends("a", "r1/1/1");
  env_.Ends("a", "r1/4/1");
  env_.Forget();
  env_.Cancel("r1", "eve");
  EXPECT_THAT(env_.Effects(), ElementsAre("reply r1"));
  env_.Ends("a", "r1/2/1");
  env_.Ends("a", "r1/3/1");
  EXPECT_EQ(env_.RunText("r1"), "canceled");
}

TEST_F(CleanUps, AreStoppedByASecondCancel) {
  env_.Cancel("r1", "eve");
  env_.Ends("a", "r1/1/1", Stopped());
  env_.Forget();
  env_.Cancel("r1", "bob");
  EXPECT_THAT(env_.Effects(), ElementsAre("reply r1", "stop r1/2/1 at a"));
  EXPECT_THAT(env_.Records(), ElementsAre("run r1 running, all of it", "task r1/2 stopping: canceled by bob"));
  env_.Ends("a", "r1/2/1", Stopped());
  EXPECT_THAT(env_.TaskTexts("r1"), ElementsAre("canceled: canceled by eve", "canceled: canceled by bob",
                                                "canceled: canceled by eve", "canceled: canceled by eve"));
  EXPECT_EQ(env_.RunText("r1"), "canceled");
}

TEST_F(CleanUps, DoNotBeginAfterTwoCancels) {
  env_.Cancel("r1");
  env_.Cancel("r1");
  env_.Cancel("r1");
  EXPECT_THAT(env_.Effects(), ElementsAre("reply r1", "stop r1/1/1 at a", "reply r1", "reply r1"));
  env_.Ends("a", "r1/1/1", Stopped());
  EXPECT_THAT(env_.TaskTexts("r1"),
              ElementsAre("canceled: canceled", "canceled: canceled", "canceled: canceled", "canceled: canceled"));
  EXPECT_EQ(env_.RunText("r1"), "canceled");
}

TEST_F(CleanUps, AreRememberedOverARestart) {
  env_.Cancel("r1");
  env_.Restart();
  env_.Connect("a");
  env_.Ends("a", "r1/1/1", Stopped());
  EXPECT_EQ(env_.TaskText("r1", 2), "leased");
  env_.Restart();
  env_.Connect("a");
  EXPECT_EQ(env_.TaskText("r1", 2), "leased");
  env_.Cancel("r1");
  EXPECT_THAT(env_.TaskText("r1", 2), "stopping: canceled");
  env_.Restart();
  env_.Connect("a");
  env_.Ends("a", "r1/2/1", Stopped());
  EXPECT_EQ(env_.RunText("r1"), "canceled");
}

TEST_F(CleanUps, AreTriedAgainAfterACancel) {
  PlanBuilder plan;
  auto p = plan.Add("p", {.retry = {.retries = 3}});
  plan.Add("clean", {.after_of = p, .retry = {.retries = 1}, .when = When::kAlways});
  env_.Start(plan.Build());
  env_.Cancel("r2");
  env_.Ends("a", "r2/1/1", 1);
  EXPECT_EQ(env_.TaskText("r2", 1), "failed: exit code 1");  // it ended by itself, and is not tried again
  env_.Ends("a", "r2/2/1", 1);
  env_.Ends("a", "r2/2/2");
  EXPECT_EQ(env_.TaskText("r2", 2).substr(0, 9), "succeeded");
  EXPECT_EQ(env_.RunText("r2"), "canceled");
}

TEST_F(CleanUps, OneOfThemCanBeCanceledAlone) {
  env_.Cancel("r1");
  env_.CancelOne("r1", 2);
  EXPECT_EQ(env_.TaskText("r1", 2), "canceled: canceled");
  env_.Ends("a", "r1/1/1", Stopped());
  EXPECT_EQ(env_.TaskText("r1", 3), "skipped: 'clean' on a canceled: canceled");
  EXPECT_EQ(env_.RunText("r1"), "canceled");
}

// Nothing was done that could be cleaned up, and there may be no sources to run anything of.
TEST(When, ARunThatHasNotBegunRunsNoCleanUp) {
  PlanBuilder plan;
  auto p = plan.Add("p", {.repository = "git://r"});
  plan.Add("clean", {.after_of = p, .when = When::kAlways});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Cancel("r1");
  EXPECT_THAT(env.TaskTexts("r1"), ElementsAre("canceled: canceled", "canceled: canceled"));
  EXPECT_EQ(env.RunText("r1"), "canceled");
  EXPECT_THAT(env.Effects("lease"), IsEmpty());
}

}  // namespace
}  // namespace cromt
