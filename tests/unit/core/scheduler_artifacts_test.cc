// Artifacts: who is told where to fetch what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/scheduler_env.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;

// maker on a and b ──▶ user on u, which takes "x"
std::shared_ptr<const Plan> MakerAndUser(bool all_hosts) {
  PlanBuilder plan;
  auto maker = plan.Add("maker", {.hosts = {"a", "b"}});
  plan.Add("user", {.needs = {maker}, .hosts = {"u"}, .inputs = {{"x", maker, all_hosts}}});
  return plan.Build();
}

AttemptResult Publishing(const std::string& name, char digit) {
  AttemptResult result = ExitedWith(0);
  result.published = {{name, {std::string(64, digit), 5}, false, "ticket"}};
  return result;
}

TEST(SchedulerArtifacts, TheLastListedHostsIsMeant) {
  SchedulerEnv env;
  for (const char* agent : {"a", "b", "u"}) env.Connect(agent);
  env.Start(MakerAndUser(false));
  env.Forget();
  env.Ends("b", "r1/2/1", Publishing("x", 'b'));
  EXPECT_THAT(env.Records(), ElementsAre("published r1/2 x", "task r1/2 succeeded", "seen 1 of journal-b"));
  env.Ends("a", "r1/1/1", Publishing("x", 'a'));
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to u, x from agent-b at b"));
}

TEST(SchedulerArtifacts, OfAllHostsEachUnderItsOwnName) {
  SchedulerEnv env;
  for (const char* agent : {"a", "b", "u"}) env.Connect(agent);
  env.Start(MakerAndUser(true));
  env.Ends("b", "r1/2/1", Publishing("x", 'b'));
  env.Forget();
  env.Ends("a", "r1/1/1", Publishing("x", 'a'));
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to u, a/x from agent-a at a, b/x from agent-b at b"));
}

TEST(SchedulerArtifacts, ARestartKnowsWhoHasThem) {
  SchedulerEnv env;
  for (const char* agent : {"a", "b"}) env.Connect(agent);
  env.Start(MakerAndUser(false));
  env.Ends("b", "r1/2/1", Publishing("x", 'b'));
  env.Ends("a", "r1/1/1", Publishing("x", 'a'));
  env.Restart();
  env.Connect("u");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to u, x from agent-b at b"));
  EXPECT_EQ(env.scheduler().HolderOf({std::string(64, 'a'), 5})->holder, AgentId("agent-a"));
  EXPECT_FALSE(env.scheduler().HolderOf({std::string(64, 'c'), 5}));
}

TEST(SchedulerArtifacts, AHolderThatMovedIsFoundWhereItIs) {
  SchedulerEnv env;
  for (const char* agent : {"a", "b"}) env.Connect(agent);
  env.Start(MakerAndUser(false));
  env.Ends("b", "r1/2/1", Publishing("x", 'b'));
  env.Ends("a", "r1/1/1", Publishing("x", 'a'));
  env.Disconnect("b");
  env.ConnectAt("elsewhere", "b");
  env.Forget();
  env.Connect("u");
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to u, x from agent-b at elsewhere"));
}

// An agent that reports a success without what it was to publish.
TEST(SchedulerArtifacts, WhatNobodyPublishedFailsWhoTakesIt) {
  SchedulerEnv env;
  for (const char* agent : {"a", "b", "u"}) env.Connect(agent);
  env.Start(MakerAndUser(false));
  env.Ends("a", "r1/1/1", 0);
  env.Ends("b", "r1/2/1", 0);
  EXPECT_EQ(env.TaskText("r1", 3), "failed: artifact 'x' was not published by 'maker'");
  EXPECT_EQ(env.RunText("r1"), "failed");
}

// user, which can't be leased ──▶ last; and another task waits for user's lane
TEST(SchedulerArtifacts, WhoDependsOnWhatCannotBeLeasedIsTold) {
  PlanBuilder plan;
  plan.Lane("lane");
  auto maker = plan.Add("maker");
  auto user = plan.Add("user", {.needs = {maker}, .groups = {"lane"}, .inputs = {{"x", maker, false}}});
  plan.Add("other", {.needs = {maker}, .groups = {"lane"}});
  plan.Add("last", {.needs = {user}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  env.Forget();
  env.Ends("a", "r1/1/1", 0);
  EXPECT_THAT(env.Effects("lease"), ElementsAre("lease r1/3/1 to a"));
  EXPECT_EQ(env.TaskText("r1", 4), "skipped: 'user' on a failed: artifact 'x' was not published by 'maker'");
  env.Ends("a", "r1/3/1", 0);
  EXPECT_EQ(env.RunText("r1"), "failed");
}

TEST(SchedulerArtifacts, NotPublishedIsAFailureThatMayBeTriedAgain) {
  PlanBuilder plan;
  plan.Add("maker", {.retry = {.retries = 1}});
  SchedulerEnv env;
  env.Connect("a");
  env.Start(plan.Build());
  AttemptResult result = ExitedWith(0);
  result.kind = AttemptResult::Kind::kNotPublished;
  result.reason = "artifact 'x': out is not there";
  env.Ends("a", "r1/1/1", result);
  EXPECT_EQ(env.TaskText("r1", 1), "leased");
  env.Ends("a", "r1/1/2", result);
  EXPECT_EQ(env.TaskText("r1", 1), "failed: artifact 'x': out is not there");
}

}  // namespace
}  // namespace cromt
