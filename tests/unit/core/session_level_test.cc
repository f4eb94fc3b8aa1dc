// Which level the two sides of a session agree on, of neighbouring and of distant versions.
#include "core/session_level.h"

#include <gtest/gtest.h>

#include "core/agent_session.h"
#include "core/coordinator_session.h"
#include "core/queue.h"

namespace cromt {
namespace {

std::string Refusal(const SessionLevels& coordinator, const SessionLevels& agent) {
  auto level = CommonLevel(coordinator, agent);
  return level ? "" : level.error().message;
}

TEST(SessionLevel, IsTheNewestThatBothSpeak) {
  EXPECT_EQ(CommonLevel({}, {}), kSessionLevel);
  EXPECT_EQ(CommonLevel({5, 4}, {4, 4}), 4u);
  EXPECT_EQ(CommonLevel({4, 4}, {5, 4}), 4u);
  EXPECT_EQ(CommonLevel({7, 4}, {6, 5}), 6u);
  EXPECT_EQ(CommonLevel({7, 7}, {9, 7}), 7u);
  EXPECT_EQ(CommonLevel({UINT32_MAX, 0}, {4, 4}), 4u);
}

TEST(SessionLevel, WithoutOneWhoIsBehindIsNamed) {
  EXPECT_EQ(Refusal({6, 5}, {4, 4}), "the coordinator speaks session protocol 5 to 6, the agent 4: upgrade the agent");
  EXPECT_EQ(Refusal({4, 4}, {6, 5}),
            "the coordinator speaks session protocol 4, the agent 5 to 6: upgrade the coordinator");
  EXPECT_EQ(Refusal({4, 3}, {2, 1}),
            "the coordinator speaks session protocol 3 to 4, the agent 1 to 2: upgrade the agent");
  EXPECT_EQ(Refusal({4, 4}, {0, 0}), "the coordinator speaks session protocol 4, the agent 0: upgrade the agent");
}

// ---- In sessions ------------------------------------------------------------------------------

constexpr Now kNow{Mono(seconds(1)), Wall(seconds(1))};

// Both ends up to their hellos; an agent that would refuse is taken for one that does not look.
struct Ends {
  AgentQueue queue{{.slots = 2}, "boot", JournalId("journal")};
  AgentSession agent;
  CoordinatorSession coordinator;

  Ends(const SessionLevels& at_coordinator, const SessionLevels& at_agent)
      : agent({.agent = AgentId("a"), .boot = "boot", .slots = 2, .levels = at_agent}, kNow),
        coordinator("a:4000", {.mesh = MeshId("m"), .levels = at_coordinator}, kNow) {
    queue.Restore({}, kNow);
    queue.Apply(queue_event::LauncherUp{"launcher", {}}, kNow);
  }
  Status AgentHears() {
    CROMT_TRY(agent.Receive(coordinator.Poll(), queue, kNow));
    return {};
  }
  Status CoordinatorHears(FromAgent message) {
    CROMT_TRY(coordinator.Receive(std::move(message), kNow));
    return {};
  }
};

TEST(SessionLevel, IsTheSameAtBothEnds) {
  const std::pair<SessionLevels, SessionLevels> pairs[] = {{{4, 4}, {4, 4}}, {{6, 4}, {4, 4}}, {{4, 4}, {6, 4}}};
  for (const auto& [at_coordinator, at_agent] : pairs) {
    Ends ends(at_coordinator, at_agent);
    ASSERT_TRUE(ends.AgentHears());
    ASSERT_TRUE(ends.CoordinatorHears(ends.agent.Poll(ends.queue, kNow)));
    EXPECT_EQ(ends.coordinator.agent().levels, at_agent);
    EXPECT_EQ(ends.agent.level(), 4u);
    EXPECT_EQ(ends.coordinator.level(), 4u);
  }
}

TEST(SessionLevel, WithoutOneEachEndEndsTheSession) {
  Ends ends({4, 4}, {6, 5});
  const Error why{ErrorCode::kInvalid, Refusal({4, 4}, {6, 5})};
  EXPECT_EQ(ends.AgentHears().error(), why);
  EXPECT_TRUE(ends.agent.Poll(ends.queue, kNow).empty());
  FromAgent hello;
  hello.hello = AgentHello{.agent = AgentId("a"), .journal = JournalId("j"), .levels = {6, 5}, .slots = 2};
  EXPECT_EQ(ends.CoordinatorHears(hello).error(), why);
}

}  // namespace
}  // namespace cromt
