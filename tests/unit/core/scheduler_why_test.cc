// `why`: every state of a task has an answer that names the cause and who holds it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/lease.h"
#include "tests/unit/core/scheduler_env.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SchedulerWhy : public ::testing::Test {
 protected:
  SchedulerEnv env;
  PlanBuilder plan;
};

TEST_F(SchedulerWhy, Sources) {
  plan.Add("x", {.repository = "https://host/r.git"});
  env.Start(plan.Build());
  const std::string text = "sources: the run has not begun: its repositories are being fetched: https://host/r.git";
  EXPECT_THAT(env.Why("r1", 1), ElementsAre(text));
  EXPECT_THAT(env.Why("r1"), ElementsAre("progress: of 1 task: 1 waiting", text));
}

TEST_F(SchedulerWhy, NeedsAreFollowedToWhoDoesNotWait) {
  auto fetch = plan.Add("fetch", {.hosts = {"a", "b"}});
  auto build = plan.Add("build", {.needs = {fetch}});
  plan.Add("deploy", {.needs = {build}});
  env.Connect("a");
  env.Connect("b");
  env.Start(plan.Build());
  env.Begins("a", "r1/1/1");
  env.Begins("b", "r1/2/1");
  env.Ends("a", "r1/1/1");
  env.Pass(seconds(90));
  EXPECT_THAT(env.Why("r1", 4),
              ElementsAre("needs: 'deploy' waits for 'build', whose task has not ended",
                          "needs: 'build' waits for 'fetch', of whose 2 tasks 1 has not ended",
                          "running: 'fetch' on b: it has been running at b (b:4000) for 1m30s; it has no timeout"));
}

TEST_F(SchedulerWhy, AfterNamesWhomItComesAfterAndNeedsWhatComesAfter) {
  auto main = plan.Add("main");
  plan.Add("clean", {.after_of = main});
  plan.Add("next", {.needs = {main}});
  env.Connect("a");
  env.Start(plan.Build());
  EXPECT_THAT(env.Why("r1", 2).at(0), "after: 'clean' comes after 'main', whose task has not ended");
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Why("r1", 3).at(0),
              "needs: 'next' waits for 'main', whose tasks have ended, but not what comes after it");
  EXPECT_THAT(env.Why("r1", 3).at(1), HasSubstr("leased: 'clean' on a: "));
}

TEST_F(SchedulerWhy, LanesNameWhoHasThemAndHowManyAreBefore) {
  plan.Lane("db");
  plan.Add("x", {.groups = {"db"}});
  auto one = plan.Build();
  env.Connect("a");
  for (int i = 0; i < 3; ++i) env.Start(one);
  env.Begins("a", "r1/1/1");
  env.Pass(seconds(5));
  const std::string taken = "lane: the queue 'db' is taken by 'x' on a of run r1, which is running for 5.0s";
  EXPECT_THAT(env.Why("r2", 1), ElementsAre(taken));
  EXPECT_THAT(env.Why("r3", 1), ElementsAre(taken, "behind: 1 task is before it in the queue 'db'"));
}

TEST_F(SchedulerWhy, ParallelSaysHowManyRun) {
  plan.Limit("x", 1);
  plan.Add("x", {.hosts = {"a", "b"}, .groups = {"x"}});
  env.Connect("a");
  env.Start(plan.Build());
  EXPECT_THAT(env.Why("r1", 2), ElementsAre("parallel: 1 of its project run, which is all that 'parallel' allows"));
}

TEST_F(SchedulerWhy, SlotsSayHowBusyTheAgentIs) {
  plan.Add("x", {.hosts = std::vector<std::string>(70, "a")});
  env.Connect("a");
  env.Start(plan.Build());
  EXPECT_THAT(env.Why("r1", 70),
              ElementsAre("slots: the agent at a (a:4000) has 64 tasks for its 4 slots, and 6 more wait for it"));
}

TEST_F(SchedulerWhy, PausedAgentHasGivenBackALease) {
  plan.Add("x");
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kNotStarted, "the agent drains", true));
  EXPECT_THAT(env.Why("r1", 1),
              ElementsAre("paused: the agent at a (a:4000) has just given a task back: it drains, or is full"));
}

TEST_F(SchedulerWhy, UnreachableSaysWhatWillHappenWhen) {
  plan.Add("x", {.hosts = {"down"}});
  env.Start(plan.Build());
  env.Disconnect("down", "connection refused");
  env.Pass(seconds(20));
  EXPECT_THAT(env.Why("r1", 1),
              ElementsAre("unreachable: no agent answers at down (down:4000): connection refused; unless "
                          "one does, it is failed in 40.0s"));
}

TEST_F(SchedulerWhy, RetrySaysWhenAndAfterWhat) {
  plan.Add("x", {.retry = {.retries = 1, .delay = seconds(30)}});
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 5);
  env.Pass(seconds(10));
  EXPECT_THAT(env.Why("r1", 1), ElementsAre("retry: its next try is due in 20.0s: exit code 5; try 2 of 2 follows"));
}

TEST_F(SchedulerWhy, LeasedRunningStoppingSilent) {
  plan.Add("x");
  env.Connect("a");
  env.Start(plan.Build());
  EXPECT_THAT(env.Why("r1", 1),
              ElementsAre("leased: the agent at a (a:4000) has it and has not said that it began: it has "
                          "1 task for 4 slots, or prepares its files"));
  env.Begins("a", "r1/1/1");
  EXPECT_THAT(env.Why("r1", 1), ElementsAre("running: it has been running at a (a:4000); it has no timeout"));
  env.Disconnect("a");
  env.Pass(seconds(20));
  EXPECT_THAT(
      env.Why("r1", 1),
      ElementsAre("silent: the agent at a (a:4000) has been silent for 20.0s (connection refused), and the task may "
                  "be running; unless the agent comes back, it is lost in 59m40s"));
  env.Connect("a");
  env.CancelOne("r1", 1, "eve");
  EXPECT_THAT(env.Why("r1", 1),
              ElementsAre("stopping: it was told to stop and a (a:4000) has not confirmed its end: canceled by eve"));
}

TEST_F(SchedulerWhy, EndedTasksOfARunThatGoesOn) {
  auto x = plan.Add("x");
  plan.Add("y", {.needs = {x}});
  plan.Add("z", {.hosts = {"down"}});
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 5);
  EXPECT_THAT(env.Why("r1", 1), ElementsAre("ended: failed: exit code 5"));
  EXPECT_THAT(env.Why("r1", 2), ElementsAre("ended: skipped: 'x' on a failed: exit code 5"));
}

TEST_F(SchedulerWhy, OfARunItsCausesOnceEachWithWhomTheyConcern) {
  auto x = plan.Add("x", {.hosts = {"down", "down", "down", "down", "down", "down", "down"}});
  plan.Add("y", {.needs = {x}});
  env.Start(plan.Build());
  auto lines = env.Why("r1");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "progress: of 8 tasks: 1 waiting, 7 ready");
  EXPECT_THAT(lines[1],
              HasSubstr("unreachable: 'x' on down, 'x' on down, 'x' on down, 'x' on down, 'x' on down and 2 more: "
                        "no agent answers at down (down:4000): not reached yet"));
}

TEST_F(SchedulerWhy, UnknownRunsAndTasks) {
  env.Start(Chain(1));
  EXPECT_THAT(env.Why("r2"), ElementsAre("error: run r2 is not running"));
  EXPECT_THAT(env.Why("r1", 2), ElementsAre("error: run r1 is not running"));
}

}  // namespace
}  // namespace cromt
