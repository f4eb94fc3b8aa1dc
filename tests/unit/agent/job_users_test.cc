// Whom a policy lets jobs run as.
#include "agent/job_users.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace cromt {
namespace {

JobSettings Own() {
  JobSettings own = OwnJobSettings("/bin/cromt-step");
  own.limits.pids = 7;
  return own;
}

TEST(JobUsersTest, WithoutAPolicyJobsAreTheAgentsOwn) {
  auto users = JobUsers::Open({}, Own());
  ASSERT_TRUE(users);
  const auto settings = users->For("");
  ASSERT_TRUE(settings);
  EXPECT_FALSE((*settings)->become);
  EXPECT_EQ((*settings)->user, Own().user);
  EXPECT_TRUE(users->For(Own().user)) << "by its name, too";
}

TEST(JobUsersTest, AnotherOneMustBeAllowed) {
  auto users = JobUsers::Open({.run_as = {"daemon"}}, Own());
  ASSERT_TRUE(users);
  const auto games = users->For("games");
  ASSERT_FALSE(games);
  EXPECT_EQ(games.error().code, ErrorCode::kDenied);
  EXPECT_EQ(games.error().message,
            "user: games is not what this agent allows; its configuration would, by run_as: [games]");
}

TEST(JobUsersTest, OneThatThereIsNot) {
  auto users = JobUsers::Open({.run_as = {"*"}}, Own());
  ASSERT_TRUE(users);
  const auto none = users->For("nosuchuser");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "this host has no user 'nosuchuser'");
  EXPECT_EQ(users->Known("nosuchuser").user, Own().user) << "for what has begun already";
}

TEST(JobUsersTest, AnotherOnesSettings) {
  auto users = JobUsers::Open({.run_as = {"*"}}, Own());
  ASSERT_TRUE(users);
  const auto daemon = users->For("daemon");
  if (::geteuid() != 0) {
    ASSERT_FALSE(daemon);
    EXPECT_NE(daemon.error().message.find("only an agent that is root"), std::string::npos);
    return;
  }
  ASSERT_TRUE(daemon) << daemon.error().message;
  ASSERT_TRUE((*daemon)->become);
  EXPECT_EQ((*daemon)->become->uid, 1u);
  EXPECT_EQ((*daemon)->become->gid, 1u);
  EXPECT_EQ((*daemon)->become->groups, std::vector<uint32_t>{1});
  EXPECT_EQ((*daemon)->home, "/usr/sbin");
  EXPECT_EQ((*daemon)->limits.pids, 7u) << "what is of the agent stays";
}

TEST(JobUsersTest, TheSandboxIsNeverLessThanThePolicys) {
  const auto users = JobUsers::Open({.least = Sandbox::kStandard}, Own());
  ASSERT_TRUE(users);
  EXPECT_EQ(users->SandboxOf({.sandbox = Sandbox::kOff}), Sandbox::kStandard);
  EXPECT_EQ(users->SandboxOf({.sandbox = Sandbox::kStandard}), Sandbox::kStandard);
  EXPECT_EQ(users->SandboxOf({.sandbox = Sandbox::kStrict}), Sandbox::kStrict);
}

TEST(JobUsersTest, TheStartSaysIt) {
  JobSettings settings = Own();
  settings.become = launcher::JobUser{5, 60, {60}};
  launcher::Start start;
  start.slot = 3;
  start.cwd = "/srv/app";
  Confine(start, settings, Sandbox::kStandard, "/work", "");
  EXPECT_EQ(start.become->groups, (std::vector<uint32_t>{60, kFirstSlotGroup + 3}));
  EXPECT_EQ(start.sandbox, launcher::Sandbox::kNone);
  Confine(start, settings, Sandbox::kStrict, "/work", "/script");
  EXPECT_EQ(start.sandbox, launcher::Sandbox::kStrict);
  EXPECT_EQ(start.writable, (std::vector<std::string>{"/work", "/srv/app"}));
  EXPECT_EQ(start.readable, (std::vector<std::string>{"/bin/cromt-step", "/script"}));
}

}  // namespace
}  // namespace cromt
