// Many tasks: each ends exactly once, nothing is left open, an agent that does not read holds up only itself.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/launcher/test_agent.h"

namespace cromt::launcher {
namespace {

size_t OpenDescriptors(uint32_t pid) {
  std::filesystem::directory_iterator fds(fmt::format("/proc/{}/fd", pid));
  return static_cast<size_t>(std::distance(begin(fds), end(fds)));
}

// Else only root could count the launcher's descriptors.
struct AllowedToLook {
  AllowedToLook() { ::setenv("CROMT_CORE_DUMPS", "allow", 1); }
  ~AllowedToLook() { ::unsetenv("CROMT_CORE_DUMPS"); }
};

class FlowTest : public testing::TestWithParam<const char*> {
 protected:
  AllowedToLook allowed;
  TestAgent agent{{.cgroup = GetParam()}};
};

INSTANTIATE_TEST_SUITE_P(Cgroups, FlowTest, testing::Values("", "none"),
                         [](const auto& param) { return std::string(*param.param ? "Without" : "With"); });

TEST_P(FlowTest, TwoThousandQuickTasksEndOnceEachAndLeakNothing) {
  constexpr uint64_t kTasks = 2000;
  constexpr uint64_t kInFlight = 4;
  for (uint32_t slot = 0; slot < kInFlight; ++slot) {  // makes the cgroups of the slots
    Start start = agent.Program({"/bin/true"});
    start.slot = slot;
    agent.WaitEnded(agent.Run(start));
  }
  size_t before = OpenDescriptors(agent.hello().pid);
  uint64_t sent = 0;
  agent.WaitFor("all ends", [&] {
    while (sent < kTasks && sent < agent.ended.size()) {  // the first kInFlight ended before this
      Start start = agent.Program({sent % 10 ? "/bin/true" : "/bin/false"});
      start.slot = static_cast<uint32_t>(sent % kInFlight);
      agent.Run(start);
      ++sent;
    }
    return agent.ended.size() == kTasks + kInFlight;
  });
  size_t failed = 0;
  for (const auto& [log_id, ends] : agent.ended) {
    EXPECT_EQ(ends.size(), 1u) << log_id;
    EXPECT_EQ(ends[0].cause, Ended::Cause::kItself);
    failed += ends[0].exit_code == 1;
  }
  EXPECT_EQ(failed, kTasks / 10);
  EXPECT_EQ(OpenDescriptors(agent.hello().pid), before);
}

// Invalid ones, since they end at once: their results fill the socket and what the launcher keeps for it, it stops
// reading, and then the agent's side is full as well.
TEST(SlowAgentTest, WhoDoesNotReadIsReadNoMoreAndGetsAllLater) {
  constexpr size_t kTasks = 20'000;
  TestAgent agent;
  for (size_t i = 0; i < kTasks; ++i) agent.Run(agent.Program({}));
  EXPECT_FALSE(agent.PushAll()) << "the launcher took everything: this test needs more tasks";
  agent.WaitFor("all results", [&] { return agent.ended.size() == kTasks; });
  for (const auto& [log_id, ends] : agent.ended) ASSERT_EQ(ends.size(), 1u) << log_id;
}

// Filled with invalid ones, whose results are kept like any other and which cost no process.
TEST(FullLauncherTest, OneAttemptMoreIsRefusedUntilAResultIsForgotten) {
  TestAgent agent;
  const uint64_t first = agent.Run(agent.Program({}));
  for (size_t sent = 1; sent < kMaxAttempts; ++sent) {
    agent.Run(agent.Program({}));
    if (sent % 4096 == 0) agent.WaitFor("their ends", [&] { return agent.ended.size() == sent + 1; });
  }
  agent.WaitFor("the ends of all", [&] { return agent.ended.size() == kMaxAttempts; });
  const Ended refused = agent.WaitEnded(agent.Run(agent.Program({"/bin/true"})));
  EXPECT_EQ(refused.cause, Ended::Cause::kNotSpawned);
  EXPECT_EQ(refused.spawn_errno, EAGAIN);
  agent.Send(Forget{first});
  const Ended taken = agent.WaitEnded(agent.Run(agent.Program({"/bin/true"})));
  EXPECT_EQ(taken.cause, Ended::Cause::kItself);
  EXPECT_EQ(taken.exit_code, 0);
}

TEST(SlowAgentTest, JobsGoOnMeanwhile) {
  TestAgent agent;
  Start last = agent.Shell("echo last; touch done");
  for (int i = 0; i < 50; ++i) agent.Run(agent.Shell(fmt::format("exit {}", i)));
  agent.Run(last);
  auto deadline = std::chrono::steady_clock::now() + kCap;
  while (!std::filesystem::exists(agent.dir() + "/done")) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    poll(nullptr, 0, 5);
  }
  EXPECT_TRUE(agent.ended.empty()) << "nothing was read so far";
  EXPECT_EQ(agent.WaitEnded(last.log_id).exit_code, 0);
  agent.WaitFor("all ends", [&] { return agent.ended.size() == 51; });
}

}  // namespace
}  // namespace cromt::launcher
