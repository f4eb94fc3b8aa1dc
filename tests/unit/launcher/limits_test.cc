// Limits of one attempt: as a job finds them under the real launcher here, by whichever version of control groups this
// host has; and, in directories that look like them, what is written for the other version.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "agent/launcher/limit_group.h"
#include "tests/unit/agent_journal/scratch_dir.h"
#include "tests/unit/launcher/test_agent.h"

namespace cromt::launcher {
namespace {

using seglog::Stream;

constexpr uint64_t kMiB = 1 << 20;
constexpr const char* kNeeds300MB = "exec perl -e '$x = \"a\" x 300000000'";

Start Limited(TestAgent& agent, const std::string& script, Limits limits) {
  Start start = agent.Shell(script);
  start.limits = limits;
  return start;
}

TEST(LimitsTest, WhatNeedsMoreMemoryIsKilledAndToldSo) {
  TestAgent agent;
  const Ended ended = agent.WaitEnded(agent.Run(Limited(agent, kNeeds300MB, {64 * kMiB})));
  EXPECT_TRUE(ended.out_of_memory) << ended.reason;
  EXPECT_EQ(ended.signal, SIGKILL);
}

TEST(LimitsTest, WhatNeedsLessIsNot) {
  TestAgent agent;
  const uint64_t id = agent.Run(Limited(agent, "echo here", {256 * kMiB, 500, 100}));
  const Ended ended = agent.WaitEnded(id);
  EXPECT_FALSE(ended.out_of_memory);
  EXPECT_EQ(ended.exit_code, 0) << ended.reason;
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "here\n");
}

TEST(LimitsTest, OneThatRanOutOfMemoryIsNotTheNextOnesBusiness) {
  TestAgent agent;
  agent.WaitEnded(agent.Run(Limited(agent, kNeeds300MB, {64 * kMiB})));
  EXPECT_FALSE(agent.WaitEnded(agent.Run(Limited(agent, "exit 1", {64 * kMiB}))).out_of_memory);
  EXPECT_EQ(agent.WaitEnded(agent.Run(agent.Shell(kNeeds300MB))).exit_code, 0)
      << "without limits again, in the same slot";
}

// A fork bomb: it can't grow beyond its limit, others run meanwhile, and a stop ends all of it.
TEST(LimitsTest, AForkBombIsHeldAndEnded) {
  TestAgent agent;
  const uint64_t bomb =
      agent.Run(Limited(agent, "echo begun; bomb() { bomb | bomb & }; bomb 2>/dev/null; exec sleep 1000", {0, 0, 64}));
  agent.WaitPrinted(bomb, "begun\n");
  const uint64_t other = agent.Run([&] {
    Start start = agent.Shell("echo other");
    start.slot = 1;
    return start;
  }());
  EXPECT_EQ(agent.WaitEnded(other).exit_code, 0);
  agent.Send(Stop{bomb});
  EXPECT_EQ(agent.WaitEnded(bomb).cause, Ended::Cause::kStopped);
  EXPECT_EQ(agent.Text(bomb, Stream::kNote).find("could not be killed"), std::string::npos);
}

TEST(LimitsTest, TheGroupsAreGoneAfterwards) {
  TestAgent agent;
  const uint64_t id =
      agent.Run(Limited(agent, "grep -o '/cromt-.*' /proc/self/cgroup | sort -u", {64 * kMiB, 500, 50}));
  agent.WaitEnded(id);
  std::istringstream groups(agent.Text(id, Stream::kStdout));
  EXPECT_NE(groups.str(), "") << "it was in none";
  for (std::string group; std::getline(groups, group);) {
    if (group.find("/slot-") != std::string::npos) continue;  // of v2, which the slot keeps
    for (const auto& hierarchy : std::filesystem::directory_iterator("/sys/fs/cgroup"))
      EXPECT_FALSE(std::filesystem::exists(hierarchy.path().string() + group)) << hierarchy.path() << group;
  }
}

TEST(LimitsTest, WithoutControlGroupsItIsNotStartedAndSaysWhy) {
  TestAgent agent({.cgroup = "none"});
  const Ended ended = agent.WaitEnded(agent.Run(Limited(agent, "echo never", {64 * kMiB})));
  EXPECT_EQ(ended.cause, Ended::Cause::kNotSpawned);
  EXPECT_EQ(ended.reason, "this host's agent can't limit jobs: it runs with --cgroup none");
}

// ---- Directories that look like control groups --------------------------------------------------

void Write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

std::string Read(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class FakeGroups : public testing::Test {
 protected:
  FakeGroups() {
    std::filesystem::create_directories(slot_path_);
    for (const char* file : {"cgroup.events", "cgroup.kill"}) Write(slot_path_ + "/" + file, "");
    for (const std::string& dir : {own_, tree_}) Write(dir + "/cgroup.subtree_control", "");
    slot_.emplace(SlotCgroup::Make(slot_path_).value());
  }

  static Start With(Limits limits) {
    Start start;
    start.log_id = 7;
    start.limits = limits;
    return start;
  }

  ScratchDir dir_;
  const std::string own_ = dir_.path() + "/own";
  const std::string tree_ = own_ + "/cromt-x";
  const std::string slot_path_ = tree_ + "/slot-0";
  std::optional<SlotCgroup> slot_;
};

TEST_F(FakeGroups, OfVersion2TheSlotsFilesAreWritten) {
  for (const char* file : {"memory.max", "memory.swap.max", "memory.oom.group", "cpu.max", "pids.max", "memory.events"})
    Write(slot_path_ + "/" + file, "");
  LimitTree tree("x", {});
  const auto limits = tree.Make(With({512 * kMiB, 1500, 100}), &*slot_);
  ASSERT_TRUE(limits) << limits.error().message;
  EXPECT_TRUE(limits->changed_slot());
  EXPECT_TRUE(limits->entries().empty());
  EXPECT_EQ(Read(slot_path_ + "/memory.max"), "536870912");
  EXPECT_EQ(Read(slot_path_ + "/memory.swap.max"), "0");
  EXPECT_EQ(Read(slot_path_ + "/memory.oom.group"), "1");
  EXPECT_EQ(Read(slot_path_ + "/cpu.max"), "150000 100000");
  EXPECT_EQ(Read(slot_path_ + "/pids.max"), "100");
  EXPECT_FALSE(limits->OutOfMemory());
  Write(slot_path_ + "/memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 1\n");
  EXPECT_TRUE(limits->OutOfMemory());
  Write(slot_path_ + "/memory.events", "low 0\nhigh 0\nmax 3\noom 0\noom_kill 0\noom_group_kill 0\n");
  EXPECT_FALSE(limits->OutOfMemory());
}

TEST_F(FakeGroups, AControllerOfVersion2IsAskedFor) {
  LimitTree tree("x", {});
  const auto limits = tree.Make(With({0, 0, 100}), &*slot_);
  EXPECT_EQ(Read(own_ + "/cgroup.subtree_control"), "+pids");
  EXPECT_EQ(Read(tree_ + "/cgroup.subtree_control"), "+pids");
  ASSERT_FALSE(limits);
  EXPECT_EQ(
      limits.error().message,
      fmt::format("this host's agent can't limit pids: the control group {} is not given that controller (No such "
                  "file or directory); run the agent as a service with Delegate=yes, or name a group of its own "
                  "with --cgroup",
                  own_));
}

TEST_F(FakeGroups, OfVersion1AGroupIsMadeEnteredAndRemoved) {
  const std::string memory = dir_.path() + "/memory";
  std::filesystem::create_directories(memory + "/cromt-x/3");  // of a dead launcher
  LimitTree tree("x", {.memory = memory});
  EXPECT_FALSE(std::filesystem::exists(memory + "/cromt-x"));
  // A plain directory has no files of a group by itself: the limit can't be set, and that is an error.
  const auto limits = tree.Make(With({64 * kMiB}), nullptr);
  ASSERT_FALSE(limits);
  EXPECT_NE(limits.error().message.find(memory + "/cromt-x/7/memory.limit_in_bytes"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(memory + "/cromt-x/7"));
}

}  // namespace
}  // namespace cromt::launcher
