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
  result.published = {{name, {std::string(64, digit), 5}, false, "grant"}};
  return result;
}

// From whom the agent gets what it asks for, or why from nobody.
std::string SourceFor(SchedulerEnv& env, const std::string& agent, const Digest& digest) {
  const Scheduler::BlobSource source = env.scheduler().SourcesFor(AgentId("agent-" + agent), {digest}).at(0);
  if (!source) return source.error().message;
  return *source ? (*source)->holder.text() : "the coordinator";
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
  EXPECT_EQ(SourceFor(env, "u", {std::string(64, 'b'), 5}), "agent-b");
}

// Whoever knows what some bytes are called has no right to them by that.
TEST(SchedulerArtifacts, BytesAreForWhoHasATaskThatTakesThem) {
  PlanBuilder plan;
  auto maker = plan.Add("maker", {.hosts = {"a"}});
  plan.Add("user", {.needs = {maker}, .hosts = {"u"}, .inputs = {{"x", maker, false}}});
  auto cloned = plan.Add("cloned", {.hosts = {"c"}, .repository = "https://r"});
  plan.Add("own", {.needs = {maker, cloned}, .hosts = {"a"}, .inputs = {{"x", maker, false}}});
  SchedulerEnv env;
  for (const char* agent : {"a", "u", "c"}) env.Connect(agent);
  env.Start(plan.Build());
  const Digest x{std::string(64, 'a'), 5}, tree{std::string(64, 't'), 100};
  env.Apply(SourcesResolved{RunId("r1"), {{"https://r", "", std::string(40, 'c'), "main", tree}}});
  EXPECT_EQ(SourceFor(env, "u", x), "no task that this agent has takes it");
  env.Ends("a", "r1/1/1", Publishing("x", 'a'));
  EXPECT_EQ(SourceFor(env, "u", x), "agent-a");
  EXPECT_EQ(SourceFor(env, "u", {x.sha256, 6}), "no task that this agent has takes it");
  EXPECT_EQ(SourceFor(env, "u", tree), "no task that this agent has takes it");
  EXPECT_EQ(SourceFor(env, "c", tree), "the coordinator");
  EXPECT_EQ(SourceFor(env, "c", x), "no task that this agent has takes it");
  EXPECT_EQ(SourceFor(env, "nobody", x), "no task that this agent has takes it");
  // What it says itself that it has is fetched from nobody for it, whatever else is called so.
  env.Ends("c", "r1/3/1", 0);
  EXPECT_EQ(SourceFor(env, "a", x), "the agent has published it itself");
  env.Ends("u", "r1/2/1", 0);
  EXPECT_EQ(SourceFor(env, "u", x), "no task that this agent has takes it");
  // Of several that it asks for each gets its own answer.
  const auto sources = env.scheduler().SourcesFor(AgentId("agent-a"), {tree, x, x});
  ASSERT_EQ(sources.size(), 3u);
  EXPECT_EQ(sources[0].error().message, "no task that this agent has takes it");
  EXPECT_EQ(sources[2].error().message, "the agent has published it itself");
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
