// Which agents a pool gets, and what a plan makes of them.
#include "core/pool.h"

#include <gtest/gtest.h>

#include "core/planner.h"
#include "io/config/job_reader.h"
#include "tests/unit/core/plan_text.h"

namespace cromt {
namespace {

std::vector<PoolAgent> Four() {
  return {{"a", "a:1", {{"os", "debian"}, {"role", "db"}}, true, 8, 4},
          {"b", "b:1", {{"os", "debian"}}, true, 8, 1},
          {"c", "c:1", {{"os", "alpine"}}, true, 8, 0},
          {"d", "d:1", {{"os", "debian"}}, false, 8, 0}};
}

std::string Chosen(PoolChooser& chooser, const Pool& pool) {
  auto chosen = chooser.Choose(pool);
  if (!chosen) return chosen.error().message;
  std::string hosts;
  for (const PoolAgent* agent : *chosen) hosts += agent->host;
  return hosts;
}
std::string Chosen(const Pool& pool) {
  PoolChooser chooser(Four());
  return Chosen(chooser, pool);
}

TEST(Pool, AllAreAllThatFitReachedOrNot) {
  EXPECT_EQ(Chosen({.labels = {{"os", "debian"}}, .count = {}}), "abd");
  EXPECT_EQ(Chosen({.labels = {}, .count = {}}), "abcd");
  EXPECT_EQ(Chosen({.labels = {{"os", "debian"}, {"role", "db"}}, .count = {}}), "a");
}

TEST(Pool, OfManyThoseThatAreUpAndHaveTheMostFreeSlots) {
  EXPECT_EQ(Chosen({.labels = {{"os", "debian"}}, .count = 1}), "b");
  EXPECT_EQ(Chosen({.labels = {{"os", "debian"}}, .count = 2}), "ab");
  EXPECT_EQ(Chosen({.labels = {{"os", "debian"}}, .count = 3}), "abd");
}

TEST(Pool, WhatWasChosenIsBusy) {
  PoolChooser chooser(Four());
  const Pool debian{.labels = {{"os", "debian"}}, .count = 1};
  std::string all;
  for (int i = 0; i < 8; ++i) all += Chosen(chooser, debian);
  EXPECT_EQ(all, "bbbababa") << "b has three free slots more";
}

TEST(Pool, TooFewAreRefusedInWords) {
  EXPECT_EQ(Chosen({.labels = {{"os", "debian"}}, .count = 4}),
            "pool wants 4 agents with os=debian, and there are 3; of 4 known to the coordinator");
  EXPECT_EQ(Chosen({.labels = {{"os", "bsd"}, {"role", "db"}}, .count = {}}),
            "pool wants all agents with os=bsd, role=db, and there is none; of 4 known to the coordinator");
  PoolChooser empty({});
  EXPECT_EQ(Chosen(empty, {}),
            "pool wants 1 agent, and there are none; the coordinator's `agents` name none, and none has joined");
}

Result<Plan> Planned(const std::string& text, std::optional<std::vector<PoolAgent>> agents = Four()) {
  JobFileReading reading = ReadJobFile(text, "f");
  if (!reading.file) return Fail(ErrorCode::kInvalid, ErrorText(reading.diagnostics));
  return PlanRun(*reading.file, reading.file->projects[0].name, {}, {.pool_agents = std::move(agents)});
}
std::string Shown(const std::string& text, std::optional<std::vector<PoolAgent>> agents = Four()) {
  auto plan = Planned(text, std::move(agents));
  return plan ? Show(*plan) : plan.error().message;
}

TEST(PoolInAPlan, EachAgentGetsATask) {
  EXPECT_EQ(Shown("projects: {p: {run: x, pool: {labels: {os: debian}, count: all}}}"),
            "0 p: p@a=a:1 p@b=b:1 p@d=d:1\n");
  EXPECT_EQ(Shown("projects: {p: {run: x, pool: {}}}"), "0 p: p@c=c:1\n") << "one of any";
}

TEST(PoolInAPlan, AnEntrysOwnHostsOrUrlGoOverThePool) {
  const std::string q = "  q: {run: y, pool: {labels: {os: debian}}}\n";
  EXPECT_EQ(Shown("projects:\n  p: {run: x, url: 'http://p', before: [{name: q}]}\n" + q),
            "0 q: q@b=b:1\n1 p: p@p | needs 0\n");
  EXPECT_EQ(Shown("projects:\n  p: {run: x, before: [{name: q, url: 'http://h'}]}\n" + q),
            "0 q: q@h\n1 p: p@local | needs 0\n");
  EXPECT_EQ(Shown("projects:\n  p: {run: x, before: [{name: q, hosts: [{url: 'http://h'}]}]}\n" + q),
            "0 q: q@h\n1 p: p@local | needs 0\n");
}

TEST(PoolInAPlan, ParallelBoundsIt) {
  Plan plan = *Planned("projects: {p: {run: x, parallel: 2, pool: {count: all}}}");
  ASSERT_EQ(plan.groups.size(), 1u);
  EXPECT_EQ(plan.groups[0].depth, 2u);
}

TEST(PoolInAPlan, WhoDoesNotKnowTheAgentsPlansPlaceholders) {
  EXPECT_EQ(Shown("projects: {p: {run: x, pool: {count: 2}}}", std::nullopt), "0 p: p@pool p@pool-2\n");
  EXPECT_EQ(Shown("projects: {p: {run: x, pool: {count: all}}}", std::nullopt), "0 p: p@pool\n");
}

TEST(PoolInAPlan, TooFewAreRefusedWithTheirPlace) {
  EXPECT_EQ(Shown("projects:\n  p:\n    run: x\n    pool: {labels: {os: bsd}}\n"),
            "f:4:11: error: project 'p': pool wants 1 agent with os=bsd, and there are none; of 4 known to the "
            "coordinator");
}

TEST(PoolInAPlan, APoolChoosesAloneWhereAProjectRuns) {
  EXPECT_EQ(Shown("projects:\n  p: {run: x, hosts: [{url: 'http://h'}],\n    pool: {}}\n"),
            "f:3:5: error: 'pool' and 'hosts' in one project; it can have one of them");
  EXPECT_EQ(Shown("projects:\n  p: {run: x, url: 'http://h', pool: {}}\n"),
            "f:2:32: error: 'pool' and 'url' in one project; it can have one of them");
}

}  // namespace
}  // namespace cromt
