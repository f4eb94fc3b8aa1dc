// Groups and lanes: who waits in which line, in which order, and what lets the next one pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/scheduler_env.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// `count` tasks on host "a" that depend on nothing, all in one group.
std::shared_ptr<const Plan> Group(const std::string& name, uint32_t depth, int count, bool mesh_wide = false) {
  PlanBuilder plan;
  plan.Group(name, depth, mesh_wide);
  for (int i = 0; i < count; ++i) plan.Add("x" + std::to_string(i + 1), {.groups = {name}});
  return plan.Build();
}

TEST(SchedulerGroups, DepthOneRunsInPlanOrder) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Group("g", 1, 3));
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/1 to a"));
  env.Begins("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), IsEmpty());
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/2/1 to a"));
  env.Ends("a", "r1/2/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to a"));
  env.Ends("a", "r1/3/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

TEST(SchedulerGroups, DepthOfThree) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Group("g", 3, 5));
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/1 to a", "lease r1/2/1 to a", "lease r1/3/1 to a"));
  env.Ends("a", "r1/2/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/4/1 to a"));
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/5/1 to a"));
}

TEST(SchedulerGroups, LaneIsSharedByTwoRunsInTheOrderQueued) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Group("db", 1, 2, true));
  env.Start(Group("db", 1, 1, true));
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/1 to a"));
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/2/1 to a"));
  env.Ends("a", "r1/2/1");
  EXPECT_EQ(env.RunText("r1"), "succeeded");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r2/1/1 to a"));
}

TEST(SchedulerGroups, LimitOfARunIsItsOwn) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Group("g", 1, 2, false));
  env.Start(Group("g", 1, 2, false));
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/1 to a", "lease r2/1/1 to a"));
}

// A lane outlives the run that made it as long as another one needs it, and no longer.
TEST(SchedulerGroups, LaneIsFreeAfterItsRunsHaveEnded) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Group("db", 1, 1, true));
  env.Ends("a", "r1/1/1");
  env.Forget();
  env.Start(Group("db", 2, 2, true));
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r2/1/1 to a", "lease r2/2/1 to a"));
}

// upload (2) ─ x1 x2 x3          x1 also needs db, which r1's y holds
// db (1)     ─ y x1
TEST(SchedulerGroups, WhoIsFirstInOneLineWaitsForTheOther) {
  PlanBuilder plan;
  plan.Limit("db", 1).Limit("upload", 2);
  plan.Add("y", {.groups = {"db"}});
  plan.Add("x1", {.groups = {"db", "upload"}});
  plan.Add("x2", {.groups = {"upload"}});
  plan.Add("x3", {.groups = {"upload"}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/1 to a"));  // in plan order: x2 does not pass x1
  env.Ends("a", "r1/1/1");
  // x1 takes its place in both; upload has one left, and x2 is now first there.
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/2/1 to a", "lease r1/3/1 to a"));
  env.Ends("a", "r1/2/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/4/1 to a"));
}

// Each task is in two of three lines, each line in another order of creation: whoever is first over all goes.
TEST(SchedulerGroups, CrossedLinesDoNotDeadlock) {
  PlanBuilder plan;
  plan.Limit("a", 1).Limit("b", 1).Limit("c", 1);
  plan.Add("ab", {.groups = {"a", "b"}});
  plan.Add("bc", {.groups = {"b", "c"}});
  plan.Add("ca", {.groups = {"c", "a"}});
  plan.Add("ab2", {.groups = {"b", "a"}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  std::vector<std::string> order;
  for (int step = 0; step < 4; ++step) {
    auto leases = env.Effects("lease");
    ASSERT_EQ(leases.size(), 1u);
    order.push_back(leases[0]);
    env.Ends("a", leases[0].substr(6, 6));
  }
  EXPECT_THAT(order, ElementsAre("lease r1/1/1 to a", "lease r1/2/1 to a", "lease r1/3/1 to a", "lease r1/4/1 to a"));
  EXPECT_EQ(env.RunText("r1"), "succeeded");
}

// Two runs, two lanes, opposite order in the file.
TEST(SchedulerGroups, CrossedLanesOfTwoRunsDoNotDeadlock) {
  auto make = [](const char* first, const char* second) {
    PlanBuilder plan;
    plan.Lane(first).Lane(second);
    auto x = plan.Add("x", {.groups = {first, second}});
    plan.Add("y", {.needs = {x}, .groups = {second, first}});
    return plan.Build();
  };
  SchedulerEnv env;
  env.Connect("a");
  env.Start(make("p", "q"));
  env.Start(make("q", "p"));
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/1 to a"));
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r2/1/1 to a"));  // queued before r1's second
  env.Ends("a", "r2/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/2/1 to a"));
  env.Ends("a", "r1/2/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r2/2/1 to a"));
}

TEST(SchedulerGroups, CancelOfATaskThatWaitsInALine) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Group("g", 1, 3));
  env.CancelOne("r1", 2);
  env.Forget();
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to a"));
}

// x1 waits first in both of its lines, x2 behind it in one of them only.
TEST(SchedulerGroups, CancelOfTheFirstInLineLetsTheNextPass) {
  PlanBuilder plan;
  plan.Limit("db", 1).Limit("upload", 2);
  plan.Add("y", {.groups = {"db"}});
  plan.Add("x1", {.groups = {"db", "upload"}});
  plan.Add("x2", {.groups = {"upload"}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Forget();
  env.CancelOne("r1", 2);
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to a"));
}

TEST(SchedulerGroups, CancelOfTheRunFreesTheLaneForOthers) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Group("db", 1, 3, true));
  env.Start(Group("db", 1, 1, true));
  env.Forget();
  env.Cancel("r1");
  EXPECT_THAT(env.Effects(), ElementsAre("reply r1", "stop r1/1/1 at a"));
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
  EXPECT_EQ(env.RunText("r1"), "canceled");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r2/1/1 to a"));
}

// A ready task holds the lane at an agent that is down; it is canceled there.
TEST(SchedulerGroups, CancelOfWhoPassedTheLineButWasNotLeased) {
  PlanBuilder down;
  down.Lane("db").Add("x", {.hosts = {"down"}, .groups = {"db"}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(down.Build());
  env.Start(Group("db", 1, 1, true));
  EXPECT_THAT(env.Effects("lease"), IsEmpty());
  env.Cancel("r1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r2/1/1 to a"));
}

struct End {
  const char* name;
  std::function<void(SchedulerEnv&)> happen;
};
class LaneIsFreed : public testing::TestWithParam<End> {};

// However the first of the lane ends, the second one passes.
TEST_P(LaneIsFreed, ByEveryKindOfEnd) {
  PlanBuilder plan;
  plan.Lane("db");
  plan.Add("first", {.hosts = {"b"}, .groups = {"db"}, .exit_policy = {.stop = {10}}});
  plan.Add("second", {.groups = {"db"}});
  SchedulerEnv env;
  env.Connect("a");
  env.Connect("b");
  env.Start(plan.Build());
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/1 to b"));
  GetParam().happen(env);
  EXPECT_EQ(env.Task("r1", 1).state, TaskState::kFinished);
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/2/1 to a"));
}
INSTANTIATE_TEST_SUITE_P(
    Ends, LaneIsFreed,
    testing::Values(End{"Success", [](SchedulerEnv& env) { env.Ends("b", "r1/1/1"); }},
                    End{"Failure", [](SchedulerEnv& env) { env.Ends("b", "r1/1/1", 1); }},
                    End{"EarlyEnd", [](SchedulerEnv& env) { env.Ends("b", "r1/1/1", 10); }},
                    End{"Timeout",
                        [](SchedulerEnv& env) {
                          env.Ends("b", "r1/1/1", NotRun(AttemptResult::Kind::kTimedOut, "timed out"));
                        }},
                    End{"NotStarted",
                        [](SchedulerEnv& env) {
                          env.Ends("b", "r1/1/1", NotRun(AttemptResult::Kind::kNotStarted, "no such file"));
                        }},
                    End{"LostByItsAgent",
                        [](SchedulerEnv& env) {
                          env.Ends("b", "r1/1/1", NotRun(AttemptResult::Kind::kLost, "lost: the launcher died"));
                        }},
                    End{"Cancel",
                        [](SchedulerEnv& env) {
                          env.CancelOne("r1", 1);
                          env.Ends("b", "r1/1/1", NotRun(AttemptResult::Kind::kStopped, "stopped"));
                        }},
                    End{"NewJournal",
                        [](SchedulerEnv& env) {
                          env.Disconnect("b");
                          env.LoseJournal("b");
                          env.Connect("b");
                        }}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(SchedulerGroups, ReturnedAttemptKeepsItsPlaceInTheLane) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Group("db", 1, 2, true));
  env.Forget();
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kNotStarted, "its lease ran out before it began", true));
  EXPECT_THAT(env.Effects("lease"), IsEmpty());
  env.Pass(kReturnPause);
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/1/2 to a"));
}

// r1 waits in the lane since before r2's task runs in it: the restored lane is held by r2, and r1 is next.
TEST(SchedulerGroups, LaneIsStillHeldAfterARestart) {
  PlanBuilder late;
  late.Lane("db");
  auto first = late.Add("first");
  late.Add("second", {.needs = {first}, .groups = {"db"}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(late.Build());             // r1 joins the lane after r2
  env.Start(Group("db", 1, 2, true));  // r2/1 has it
  env.Ends("a", "r1/1/1");
  EXPECT_EQ(env.TaskText("r1", 2), "ready");
  env.Begins("a", "r2/1/1");
  env.Restart();
  env.Connect("a");
  EXPECT_THAT(env.Effects(), ElementsAre("dial a", "verdicts to a, keep r2/1/1"));
  env.Ends("a", "r2/1/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r2/2/1 to a"));  // it was queued before r1's
  env.Ends("a", "r2/2/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/2/1 to a"));
}

// What a store that went back had leased, and what was found to run beside it.
TEST(SchedulerGroups, MoreThanMayRunWasRunningAndTheNextWaitsForAll) {
  SchedulerEnv env;
  env.Connect("a");
  env.Start(Group("db", 1, 3, true));
  env.Begins("a", "r1/1/1");
  env.Adopted("a", "r1/2/1");
  env.Restart();
  env.Connect("a");
  env.Forget();
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Effects("lease"), IsEmpty());
  env.Ends("a", "r1/2/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to a"));
}

// All ready at one moment, and the wall clock jumps back: the order of the line is still the order in which they came.
TEST(SchedulerGroups, OrderOfALineOutlivesARestartWhateverTheClockSays) {
  PlanBuilder plan;
  plan.Lane("db");
  auto x = plan.Add("x");
  auto y = plan.Add("y");
  plan.Add("x2", {.needs = {x}, .groups = {"db"}});
  plan.Add("y2", {.needs = {y}, .groups = {"db"}});
  plan.Add("hold", {.hosts = {"down"}, .groups = {"db"}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/2/1");
  env.SetWallBack(std::chrono::hours(24));
  env.Ends("a", "r1/1/1");
  env.Restart();
  env.Connect("a");
  env.Forget();
  env.CancelOne("r1", 5);                                               // it had the lane
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/4/1 to a"));  // y2, then x2
  env.Ends("a", "r1/4/1");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to a"));
}

}  // namespace
}  // namespace cromt
