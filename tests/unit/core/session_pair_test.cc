// The two ends of a session joined: plans run to their end, also over connections that break.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/plan_builder.h"
#include "tests/unit/core/seeds.h"
#include "tests/unit/core/session_pair.h"

namespace cromt {
namespace {

// Ten levels of twenty tasks, each level a gate after the one before; 200 in all.
std::shared_ptr<const Plan> TwoHundredTasks() {
  PlanBuilder plan;
  plan.Lane("lane");
  std::vector<InstanceIndex> level;
  for (int i = 0; i < 10; ++i) {
    InstanceIndex gate = plan.Add("gate", {.needs = level, .hosts = {}});
    level.clear();
    for (int k = 0; k < 20; ++k) {
      InstanceOptions options{.needs = {gate}};
      if (k == 0) options.groups = {"lane"};
      level.push_back(plan.Add("x", options));
    }
  }
  return plan.Build();
}

class JoinedSessions : public testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, JoinedSessions, Seeds(8));

TEST_P(JoinedSessions, RunAPlanToItsEnd) {
  SessionPair pair(GetParam());
  pair.Start(TwoHundredTasks());
  for (int step = 0; pair.scheduler().unfinished_runs() > 0; ++step) {
    ASSERT_LT(step, 100'000);
    pair.Step();
    if (HasFailure()) return;
  }
  EXPECT_EQ(pair.store().Run(RunId("r1")).status.outcome, RunOutcome::kSucceeded);
  EXPECT_EQ(pair.started(), 200u);
  EXPECT_GT(pair.largest_batch(), 1u);
  for (int step = 0; step < 1'000 && pair.queue().attempts() > 0; ++step) pair.Step();
  EXPECT_EQ(pair.queue().attempts(), 0u);  // acknowledged and forgotten
}

TEST_P(JoinedSessions, RunAPlanToItsEndOverBrokenConnections) {
  SessionPair pair(GetParam());
  pair.breaks = 60;
  pair.Start(TwoHundredTasks());
  pair.Start(TwoHundredTasks());
  for (int step = 0; pair.scheduler().unfinished_runs() > 0; ++step) {
    ASSERT_LT(step, 200'000);
    pair.Step();
    if (HasFailure()) return;
  }
  for (const char* run : {"r1", "r2"}) EXPECT_EQ(pair.store().Run(RunId(run)).status.outcome, RunOutcome::kSucceeded);
  EXPECT_EQ(pair.started(), 400u);  // none twice, whatever was lost on the way
}

// It is at fault, not the session. Each try of it fails, and no other task waits for it.
TEST_P(JoinedSessions, ALeaseThatCantBeReadCostsItsTaskOnly) {
  SessionPair pair(GetParam());
  pair.breaks = 60;
  pair.unread = 7;
  PlanBuilder plan;
  for (int i = 0; i < 20; ++i) plan.Add("x");
  pair.Start(plan.Build());
  for (int step = 0; pair.scheduler().unfinished_runs() > 0; ++step) {
    ASSERT_LT(step, 100'000);
    pair.Step();
    if (HasFailure()) return;
  }
  const auto& tasks = pair.store().Run(RunId("r1")).tasks;
  for (TaskIndex task = 0; task < tasks.size(); ++task) {
    EXPECT_EQ(tasks[task].outcome, task == 7 ? TaskOutcome::kFailed : TaskOutcome::kSucceeded);
    EXPECT_EQ(tasks[task].reason, task == 7 ? "the agent can't read what it is to do: spec.work: is missing" : "");
  }
  EXPECT_EQ(pair.started(), 19u);
}

TEST_P(JoinedSessions, CancelReachesEveryTask) {
  SessionPair pair(GetParam());
  pair.breaks = 200;
  pair.Start(TwoHundredTasks());
  for (uint64_t step = 0; step < 50 * GetParam(); ++step) pair.Step();
  pair.Cancel(RunId("r1"));
  for (int step = 0; pair.scheduler().unfinished_runs() > 0; ++step) {
    ASSERT_LT(step, 100'000);
    pair.Step();
    if (HasFailure()) return;
  }
  EXPECT_EQ(pair.store().Run(RunId("r1")).status.outcome, RunOutcome::kCanceled);
  EXPECT_TRUE(pair.queue().idle());
}

}  // namespace
}  // namespace cromt
