// What an agent lets containers do, and where their mounts may lead.
#include "agent/container/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace cromt {
namespace {

using ::testing::HasSubstr;

TEST(ContainerPolicy, NothingBesidesIsAllowedByDefault) {
  EXPECT_TRUE(Allowed({.image = "a", .network = "none", .user = "1000:1000", .read_only = true}, {}, false));
  struct Case {
    Container container;
    const char* word;
  };
  for (const Case& c : std::initializer_list<Case>{
           {{.image = "a", .privileged = true}, "privileged"},
           {{.image = "a", .network = "host"}, "host-network"},
           {{.image = "a", .pid = "host"}, "host-pid"},
           {{.image = "a", .ipc = "host"}, "host-ipc"},
           {{.image = "a", .user = "root"}, "root"},
           {{.image = "a", .user = "0:0"}, "root"},
           {{.image = "a", .user = "node"}, "root"},
           {{.image = "a", .user = "1000:0"}, "root"},
           {{.image = "a", .user = "1000:docker"}, "root"},
           {{.image = "a", .capabilities = {"SYS_ADMIN"}}, "capability:SYS_ADMIN"},
           {{.image = "a", .devices = {"/dev/kmsg"}}, "device:/dev/kmsg"},
       }) {
    const Status denied = Allowed(c.container, {}, false);
    ASSERT_FALSE(denied) << c.word;
    EXPECT_EQ(denied.error().code, ErrorCode::kDenied);
    EXPECT_THAT(denied.error().message, HasSubstr(std::string("'") + c.word + "' in containers.allow"));
    const auto policy = ParsePolicy({c.word});
    ASSERT_TRUE(policy) << c.word;
    EXPECT_TRUE(Allowed(c.container, *policy, false)) << c.word;
  }
  EXPECT_TRUE(Allowed({.image = "a", .user = "root"}, {}, true)) << "the agent's own jobs are root's";
  EXPECT_FALSE(Allowed({.image = "a", .capabilities = {"SYS_ADMIN"}}, *ParsePolicy({"capability:CHOWN"}), true));
}

TEST(ContainerPolicy, WordsThatAreNone) {
  for (const char* bad :
       {"", "all", "capability:", "capability:sys_admin", "device:/etc", "mount:relative", "mount:/a/../b"})
    EXPECT_FALSE(ParsePolicy({bad})) << bad;
  EXPECT_TRUE(ParsePolicy({"mount:/"}));
}

TEST(ContainerPolicy, ContainersThatRunAreNamed) {
  const Status denied = MayEnter("db", {});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, ErrorCode::kDenied);
  EXPECT_THAT(denied.error().message, HasSubstr("'container:db' in containers.allow"));
  EXPECT_TRUE(MayEnter("db", *ParsePolicy({"container:db"})));
  EXPECT_FALSE(MayEnter("db2", *ParsePolicy({"container:db", "privileged"})));
  EXPECT_TRUE(MayEnter("db2", *ParsePolicy({"container:*"})));
  for (const char* bad : {"container:", "container:../x", "container:d*"}) EXPECT_FALSE(ParsePolicy({bad})) << bad;
}

TEST(ContainerPolicy, WhatOneThatRunsCantBeGiven) {
  EXPECT_EQ(KeysOfFresh({.existing = "db", .image = "db", .pull = Pull::kNever, .user = "a", .bootstrap = true}, {}),
            "");
  EXPECT_EQ(KeysOfFresh({.existing = "db", .network = "none", .read_only = true}, {.pids = 3}),
            "'network', 'read_only', 'pids'");
}

class ContainerMounts : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::canonical(testing::TempDir()).string() + "/mounts";
    std::filesystem::remove_all(root_);
    for (const char* dir : {"/task/cache", "/secret", "/srv/data", "/run"})
      std::filesystem::create_directories(root_ + dir);
    std::ofstream(root_ + "/run/engine.sock") << "";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  Result<std::vector<EngineMount>> Resolve(const std::string& source, std::vector<std::string> allow = {}) {
    Container container{.image = "a", .mounts = {{source, "/m", false}}};
    return ResolveMounts(container, *ParsePolicy(allow), root_ + "/task", root_ + "/run/engine.sock");
  }

  std::string root_;
};

TEST_F(ContainerMounts, WithinTheTasksDirectoryOrAsAllowed) {
  EXPECT_EQ(Resolve("cache")->front().source, root_ + "/task/cache");
  EXPECT_EQ(Resolve("gone").error().code, ErrorCode::kNotFound);
  EXPECT_THAT(Resolve(root_ + "/srv/data").error().message, HasSubstr("'mount:" + root_ + "/srv/data'"));
  EXPECT_TRUE(Resolve(root_ + "/srv/data", {"mount:" + root_ + "/srv"}));
  EXPECT_FALSE(Resolve(root_ + "/secret", {"mount:" + root_ + "/sec"})) << "a part of a name is another folder";
}

TEST_F(ContainerMounts, ALinkIsWhereItLeads) {
  std::filesystem::create_symlink(root_ + "/secret", root_ + "/task/out");
  std::filesystem::create_symlink("..", root_ + "/task/up");
  std::filesystem::create_symlink("cache", root_ + "/task/in");
  EXPECT_EQ(Resolve("out").error().code, ErrorCode::kDenied);
  EXPECT_EQ(Resolve("up/secret").error().code, ErrorCode::kDenied);
  EXPECT_EQ(Resolve("in")->front().source, root_ + "/task/cache");
}

TEST_F(ContainerMounts, TheEnginesSocketIsNotReachedByTheWay) {
  EXPECT_THAT(Resolve(root_ + "/run", {"mount:" + root_}).error().message, HasSubstr("could do anything"));
  EXPECT_FALSE(Resolve(root_ + "/run/engine.sock", {"mount:" + root_}));
  EXPECT_TRUE(Resolve(root_ + "/run/engine.sock", {"mount:" + root_ + "/run/engine.sock"}));
  EXPECT_FALSE(ResolveMounts({.image = "a"}, {}, root_, root_ + "/run/engine.sock")) << "the task's own directory";
  EXPECT_TRUE(ResolveMounts({.image = "a"}, {}, root_ + "/task", root_ + "/run/engine.sock"));
}

TEST(ContainerLogins, AreForTheRegistryOfTheImage) {
  const std::string path = testing::TempDir() + "login";
  std::ofstream(path) << "ann:s3cret:x\n";
  const ContainerSettings settings{
      .engine = "", .policy = {}, .logins = {{"registry.example:5000", path}, {"docker.io", "/none"}}};
  const auto login = LoginFor("registry.example:5000/team/tool:1", settings);
  ASSERT_TRUE(login && *login);
  EXPECT_EQ((*login)->user, "ann");
  EXPECT_EQ((*login)->password, "s3cret:x");
  EXPECT_FALSE(*LoginFor("other.example/x", settings));
  EXPECT_EQ(LoginFor("team/tool", settings).error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace cromt
