// Why ready tasks wait: what is told, and that it is told once.
#include "coordinator/wait_reasons.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

constexpr int64_t kSecond = 1'000'000;

TaskView Ready(TaskIndex index, const std::string& host, const std::string& address) {
  TaskView task{.index = index, .host = host, .address = address};
  task.status.state = TaskState::kReady;
  task.status.queued_at = WallFromMicros(0);
  return task;
}

AgentView Down(const std::string& address, const std::string& reason) {
  return {.address = address, .up = false, .reason = reason};
}

TEST(WaitReasonsTest, WhoWaitsForAnAgentThatTakesNothingIsTold) {
  WaitReasons waiting;
  waiting.Learn({Ready(0, "hostA", "a:1"), Ready(1, "alias", "a:2")});
  const std::vector<AgentView> agents = {
      {.address = "a:1", .agent = AgentId("A"), .up = true, .reason = "no room"},
      {.address = "a:2", .agent = AgentId("A"), .up = false, .reason = "the same agent as a:1"}};
  const auto told = waiting.Changes(agents, WallFromMicros(2 * kSecond));
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].status.reason, "hostA (a:1) takes nothing new: no room");
  EXPECT_EQ(told[1].status.reason, "alias (a:2) takes nothing new: no room");
}

TEST(WaitReasonsTest, OnlyWhoWaitsForAnAgentThatIsDownHasAReason) {
  WaitReasons waiting;
  TaskView running = Ready(2, "hostB", "b:1");
  running.status.state = TaskState::kRunning;
  waiting.Learn({Ready(0, "hostA", "a:1"), Ready(1, "hostB", "b:1"), running});
  const std::vector<AgentView> agents = {{.address = "a:1", .agent = AgentId("A"), .up = true},
                                         Down("b:1", "Connection refused")};
  const auto told = waiting.Changes(agents, WallFromMicros(2 * kSecond));
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].index, 1u);
  EXPECT_EQ(told[0].host, "hostB");
  EXPECT_EQ(told[0].status.reason, "hostB (b:1) can't be reached: Connection refused");
}

TEST(WaitReasonsTest, AReasonIsToldOnceAndAgainWhenItChanges) {
  WaitReasons waiting;
  waiting.Learn({Ready(0, "hostB", "b:1")});
  const Wall now = WallFromMicros(2 * kSecond);
  EXPECT_EQ(waiting.Changes({Down("b:1", "refused")}, now).size(), 1u);
  EXPECT_TRUE(waiting.Changes({Down("b:1", "refused")}, now).empty());
  EXPECT_EQ(waiting.Changes({Down("b:1", "no route")}, now).size(), 1u);
  const auto up = waiting.Changes({{.address = "b:1", .agent = AgentId("B"), .up = true}}, now);
  ASSERT_EQ(up.size(), 1u);
  EXPECT_EQ(up[0].status.reason, "");
}

TEST(WaitReasonsTest, WhoHasJustBecomeReadyWaitsForNothingYet) {
  WaitReasons waiting;
  EXPECT_FALSE(waiting.any());
  waiting.Learn({Ready(0, "hostB", "b:1")});
  EXPECT_TRUE(waiting.any());
  EXPECT_TRUE(waiting.Changes({Down("b:1", "not reached yet")}, WallFromMicros(kSecond / 2)).empty());
  EXPECT_EQ(waiting.Changes({Down("b:1", "not reached yet")}, WallFromMicros(kSecond)).size(), 1u);
}

TEST(WaitReasonsTest, AnAgentReachedByAnotherAddressIsNotDown) {
  WaitReasons waiting;
  waiting.Learn({Ready(0, "hostB", "b:1")});
  AgentView alias = Down("b:1", "the same agent as c:1");
  alias.agent = AgentId("B");
  EXPECT_TRUE(
      waiting.Changes({alias, {.address = "c:1", .agent = AgentId("B"), .up = true}}, WallFromMicros(9 * kSecond))
          .empty());
}

}  // namespace
}  // namespace cromt
