// The rules of a plan, its order, and parts of it.
#include "core/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/core/plan_text.h"

namespace cromt {
namespace {

struct Written {
  const char* project;
  uint32_t tasks = 1;
  std::vector<InstanceIndex> needs = {};
  std::vector<InstanceIndex> after = {};
};

Plan Make(const std::vector<Written>& instances) {
  Plan plan;
  plan.hosts = {{"h", ""}};
  for (const Written& written : instances) {
    plan.specs.push_back({.name = written.project, .project = written.project});
    auto index = static_cast<InstanceIndex>(plan.instances.size());
    plan.instances.push_back({.project = written.project,
                              .first_task = static_cast<uint32_t>(plan.tasks.size()),
                              .task_count = written.tasks,
                              .needs = written.needs,
                              .after = written.after});
    for (uint32_t i = 0; i < written.tasks; ++i) plan.tasks.push_back({index, index, 0, {}});
  }
  return plan;
}

std::string Problem(const Plan& plan) {
  Status status = Validate(plan);
  return status ? "" : status.error().message;
}

std::string Order(const Plan& plan) {
  auto order = TopologicalOrder(plan);
  if (!order) return order.error().message;
  std::string out;
  for (InstanceIndex i : *order) out += plan.instances[i].project + " ";
  return out;
}

//        ┌─▶ left ──┐
// bottom ┤          ├─▶ top        a diamond, with a pure gate at its end
//        └─▶ right ─┘
const std::vector<Written> kDiamond = {{"bottom"}, {"left", 2, {0}}, {"right", 1, {0}}, {"top", 0, {1, 2}}};

TEST(PlanRules, ADiamondWithAGateIsValid) {
  EXPECT_EQ(Problem(Make(kDiamond)), "");
}

TEST(PlanRules, AnEmptyPlanIsValid) {
  EXPECT_EQ(Problem({}), "");
}

TEST(PlanRules, IndicesMustExist) {
  EXPECT_EQ(Problem(Make({{"a", 1, {1}}})), "instance 0 ('a') names instance 1, which does not exist");
  EXPECT_EQ(Problem(Make({{"a", 1, {}, {7}}})), "instance 0 ('a') names instance 7, which does not exist");
  Plan plan = Make({{"a"}});
  plan.tasks[0].spec = 1;
  EXPECT_EQ(Problem(plan), "task 1 names a spec that does not exist");
  plan = Make({{"a"}});
  plan.tasks[0].host = 1;
  EXPECT_EQ(Problem(plan), "task 1 names a host that does not exist");
  plan = Make({{"a"}});
  plan.tasks[0].groups = {0};
  EXPECT_EQ(Problem(plan), "task 1 names a group that does not exist");
}

TEST(PlanRules, TasksFollowTheirInstances) {
  Plan plan = Make({{"a", 2}, {"b", 1}});
  plan.tasks[1].instance = 1;
  EXPECT_EQ(Problem(plan), "task 2 belongs to another instance than its place says");
  plan = Make({{"a", 2}, {"b", 1}});
  plan.instances[1].first_task = 1;
  EXPECT_EQ(Problem(plan), "instance 1 ('b'): its tasks do not follow those of the instance before it");
  plan = Make({{"a", 2}});
  plan.instances[0].task_count = UINT32_MAX;
  EXPECT_EQ(Problem(plan), "instance 0 ('a'): its tasks do not follow those of the instance before it");
  plan.instances[0].task_count = 1;
  EXPECT_EQ(Problem(plan), "task 2 belongs to no instance");
}

TEST(PlanRules, GroupsAscendAndHaveRoom) {
  Plan plan = Make({{"a"}});
  plan.groups = {{"x", 1, true}, {"y", 2, false}};
  plan.tasks[0].groups = {0, 1};
  EXPECT_EQ(Problem(plan), "");
  plan.tasks[0].groups = {1, 1};
  EXPECT_EQ(Problem(plan), "task 1 has groups that are not ascending");
  plan.tasks[0].groups = {};
  plan.groups[1].depth = 0;
  EXPECT_EQ(Problem(plan), "group 'y' has depth 0");
}

TEST(PlanRules, AnAfterInstanceHasOneParent) {
  EXPECT_EQ(Problem(Make({{"a", 1, {}, {2}}, {"b", 1, {}, {2}}, {"c"}})),
            "instance 2 ('c') comes after two instances; it may have one parent");
}

TEST(PlanRules, CyclesArePrinted) {
  EXPECT_EQ(Problem(Make({{"a", 1, {0}}})), "the plan has a cycle: a → a");
  EXPECT_EQ(Problem(Make({{"a", 1, {1}}, {"b", 1, {2}}, {"c", 1, {0}}})), "the plan has a cycle: a → c → b → a");
  EXPECT_EQ(Problem(Make({{"a", 1, {}, {0}}})), "the plan has a cycle: a → a");
  // b comes after a, and needs it done: a's done gate waits for b's.
  EXPECT_EQ(Problem(Make({{"a", 1, {}, {1}}, {"b", 1, {0}}})), "the plan has a cycle: b → a → b");
}

TEST(PlanRules, TooManyTasksAreCountedFirst) {
  Plan plan;
  plan.tasks.resize(kMaxTasks + 1);
  auto status = Validate(plan);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kExhausted);
}

TEST(PlanOrder, NeedsComeFirst) {
  EXPECT_EQ(Order(Make(kDiamond)), "bottom left right top ");
}

TEST(PlanOrder, WhatComesAfterComesBeforeDependents) {
  // dep needs base; clean comes after base and so before dep.
  EXPECT_EQ(Order(Make({{"dep", 1, {1}}, {"base", 1, {}, {2}}, {"clean"}})), "base clean dep ");
}

TEST(PlanOrder, AMillionInARowNeedNoStack) {
  Plan plan;
  plan.instances.resize(1'000'000);
  for (InstanceIndex i = 0; i + 1 < plan.instances.size(); ++i) plan.instances[i].needs = {i + 1};
  auto order = TopologicalOrder(plan);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->front(), 999'999u);
  EXPECT_TRUE(std::is_sorted(order->rbegin(), order->rend()));
  plan.instances.back().needs = {0};
  EXPECT_EQ(TopologicalOrder(plan).error().code, ErrorCode::kInvalid);
}

TEST(StartFrom, KeepsWhatDependsOnItAndRenumbers) {
  //  a ─▶ b ─▶ d       e
  //  └──▶ c ───▲
  Plan plan = Make({{"e"}, {"a", 2}, {"b", 1, {1}}, {"c", 2, {1}}, {"d", 1, {2, 3}}});
  auto part = StartFrom(plan, 1);
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(Show(*part), "0 a: a@h a@h\n1 b: b@h | needs 0\n2 c: c@h c@h | needs 0\n3 d: d@h | needs 1 2\n");
  EXPECT_EQ(part->specs.size(), 4u);
  EXPECT_EQ(Problem(*part), "");
}

TEST(StartFrom, TakesWhatItWaitsForAsDone) {
  auto part = StartFrom(Make({{"a"}, {"b", 1, {0}}, {"c", 1, {1}}}), 1);
  ASSERT_TRUE(part);
  EXPECT_EQ(Show(*part), "0 b: b@h\n1 c: c@h | needs 0\n");
}

TEST(StartFrom, RefusesWhatNeedsMoreThanThat) {
  auto part = StartFrom(Make({{"a"}, {"x"}, {"b", 1, {0, 1}}}), 0);
  ASSERT_FALSE(part);
  EXPECT_EQ(part.error().message, "the run can't be started at 'a': 'b' also waits for 'x'");
}

TEST(StartFrom, ANeedThatIsItselfADependentFurtherOnIsFine) {
  // a → d, a → b → c → d: found only by a true set test.
  auto part = StartFrom(Make({{"a"}, {"b", 1, {0}}, {"c", 1, {1}}, {"d", 1, {0, 2}}}), 0);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->instances.size(), 4u);
}

TEST(StartFrom, TakesAfterAlongAndKeepsGroups) {
  Plan plan = Make({{"z"}, {"a", 1, {0}, {2}}, {"clean"}});
  plan.groups = {{"unused", 1, false}, {"lane", 1, true}};
  plan.tasks[1].groups = {1};
  auto part = StartFrom(plan, 1);
  ASSERT_TRUE(part);
  EXPECT_EQ(Show(*part), "0 a: a@h | after 1\n1 clean: clean@h\n");
  EXPECT_EQ(part->groups, (std::vector<PlannedGroup>{{"lane", 1, true}}));
  EXPECT_EQ(part->tasks[0].groups, std::vector<uint32_t>{0});
}

TEST(StartFrom, NotInTheMiddleOfAnotherInstance) {
  EXPECT_EQ(StartFrom(Make({{"a", 1, {}, {1}}, {"clean"}}), 1).error().message,
            "instance 1 ('clean') comes after 'a'; start there");
  EXPECT_EQ(StartFrom({}, 0).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace cromt
