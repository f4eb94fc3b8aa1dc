// Stopping, timeouts, and what a main process leaves behind; each with and without cgroups.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "agent/launcher/remains.h"
#include "tests/unit/launcher/test_agent.h"

namespace cromt::launcher {
namespace {

using seglog::Stream;

class EndingTest : public testing::TestWithParam<const char*> {
 protected:
  TestAgent agent{{.cgroup = GetParam()}};
};

INSTANTIATE_TEST_SUITE_P(Cgroups, EndingTest, testing::Values("", "none"),
                         [](const auto& param) { return std::string(*param.param ? "Without" : "With"); });

TEST_P(EndingTest, StopIsATermFirst) {
  uint64_t id = agent.Run(agent.Shell("trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.01; done"));
  agent.WaitPrinted(id, "up");
  agent.Send(Stop{id});
  Ended ended = agent.WaitEnded(id);
  EXPECT_EQ(ended.cause, Ended::Cause::kStopped);
  EXPECT_EQ(ended.exit_code, 5);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "up\nbye\n");
}

TEST_P(EndingTest, WhoIgnoresTermIsKilledAfterTheGrace) {
  Start start = agent.Shell("trap '' TERM; echo up; while :; do sleep 0.01; done");
  start.grace_us = 200'000;
  uint64_t id = agent.Run(start);
  agent.WaitPrinted(id, "up");
  agent.Send(Stop{id});
  Ended ended = agent.WaitEnded(id);
  EXPECT_EQ(ended.cause, Ended::Cause::kStopped);
  EXPECT_EQ(ended.signal, SIGKILL);
  EXPECT_GE(ended.ended_wall_us - ended.started_wall_us, 200'000);
}

TEST_P(EndingTest, AStopReachesTheWholeTreeAndAlsoWhatIsSuspended) {
  uint64_t id =
      agent.Run(agent.Shell("sh -c 'echo $$; kill -STOP $$; sleep 300' & "
                            "setsid sh -c 'echo $$; exec sleep 300' & wait; wait"));
  agent.WaitFor("two pids", [&] {
    std::string text = agent.Text(id, Stream::kStdout);
    return std::count(text.begin(), text.end(), '\n') == 2;
  });
  std::string text = agent.Text(id, Stream::kStdout);
  pid_t first = PidOf(text);
  pid_t second = PidOf(text.substr(text.find('\n') + 1));
  ASSERT_TRUE(first > 0 && second > 0) << text;
  agent.Send(Stop{id});
  EXPECT_EQ(agent.WaitEnded(id).signal, SIGTERM);
  EXPECT_FALSE(Lives(first));
  EXPECT_FALSE(Lives(second));
}

TEST_P(EndingTest, ATimeoutStopsAndIsToldAsTheCause) {
  Start start = agent.Shell("sleep 300");
  start.timeout_us = 100'000;
  Ended ended = agent.WaitEnded(agent.Run(start));
  EXPECT_EQ(ended.cause, Ended::Cause::kTimedOut);
  EXPECT_EQ(ended.signal, SIGTERM);
}

TEST_P(EndingTest, AStopOfWhatHasEndedOrNeverWasIsHarmless) {
  uint64_t id = agent.Run(agent.Shell("exit 0"));
  agent.WaitEnded(id);
  agent.Send(Stop{id});
  agent.Send(Stop{999});
  uint64_t next = agent.Run(agent.Shell("exit 6"));
  EXPECT_EQ(agent.WaitEnded(next).exit_code, 6);
  EXPECT_EQ(agent.ended[id].size(), 1u);
}

TEST_P(EndingTest, ALeftoverIsStoppedAndNamed) {
  uint64_t id = agent.Run(agent.Shell("sleep 300 & echo $!"));
  Ended ended = agent.WaitEnded(id);
  EXPECT_EQ(ended.cause, Ended::Cause::kItself);
  EXPECT_EQ(ended.exit_code, 0);
  pid_t sleeper = PidOf(agent.Text(id, Stream::kStdout));
  ASSERT_GT(sleeper, 0);
  EXPECT_FALSE(Lives(sleeper));
  EXPECT_EQ(agent.Text(id, Stream::kNote), fmt::format("left behind and stopped: {} sleep 300\n", sleeper));
}

TEST_P(EndingTest, ALeftoverInASessionOfItsOwnIsStoppedToo) {
  uint64_t id =
      agent.Run(agent.Shell("setsid sh -c 'echo $$; exec sleep 301' </dev/null 2>/dev/null & "
                            "while ! pgrep -f '^sleep 301$' >/dev/null; do :; done; exit 2"));
  EXPECT_EQ(agent.WaitEnded(id).exit_code, 2);
  pid_t sleeper = PidOf(agent.Text(id, Stream::kStdout));
  ASSERT_GT(sleeper, 0);
  EXPECT_FALSE(Lives(sleeper));
  EXPECT_EQ(agent.Text(id, Stream::kNote), fmt::format("left behind and stopped: {} sleep 301\n", sleeper));
}

TEST_P(EndingTest, ALeftoverThatIgnoresTermIsKilled) {
  uint64_t id =
      agent.Run(agent.Shell("sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.01; done' & "
                            "sleep 0.2"));
  EXPECT_EQ(agent.WaitEnded(id).exit_code, 0);
  pid_t stubborn = PidOf(agent.Text(id, Stream::kStdout));
  ASSERT_GT(stubborn, 0);
  EXPECT_FALSE(Lives(stubborn));
}

// As in bash's `exec > >(tee log)`: what empties its pipe and leaves by itself is let finish, and is not named.
TEST_P(EndingTest, WhatEndsByItselfSoonIsLetFinish) {
  uint64_t id = agent.Run(agent.Program({"/bin/bash", "-c", "exec > >(sed s/a/b/); echo a; exit 0"}));
  EXPECT_EQ(agent.WaitEnded(id).exit_code, 0);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "b\n");
  EXPECT_EQ(agent.Text(id, Stream::kNote), "");
}

TEST_P(EndingTest, OrphansOfARunningJobAreReaped) {
  uint64_t id = agent.Run(agent.Shell("for i in 1 2 3 4 5; do (sh -c : &) ; done; echo up; sleep 300"));
  agent.WaitPrinted(id, "up");
  pid_t launcher = static_cast<pid_t>(agent.hello().pid);
  agent.WaitFor("no zombies", [&] {
    std::string zombies = fmt::format("ps -o stat= --ppid {} | grep -q Z", launcher);
    uint64_t look = agent.Run(agent.Shell(zombies));
    return agent.WaitEnded(look).exit_code != 0;
  });
}

TEST_P(EndingTest, ASlotThatWasUsedIsUsedAgain) {
  for (int i = 0; i < 20; ++i) {
    Start start = agent.Shell(i % 2 ? "exit 7" : "sleep 300 & exit 7");
    start.slot = 0;
    EXPECT_EQ(agent.WaitEnded(agent.Run(start)).exit_code, 7) << i;
  }
}

// A kernel of 2025 kills whoever is cloned into a cgroup that was killed once.
TEST_P(EndingTest, ASlotInWhichSomethingWasKilledIsUsedAgain) {
  for (int i = 0; i < 3; ++i) {
    Start stubborn = agent.Shell("trap '' TERM; echo up; while :; do sleep 0.01; done");
    stubborn.grace_us = 1000;
    stubborn.slot = 0;
    uint64_t id = agent.Run(stubborn);
    agent.WaitPrinted(id, "up");
    agent.Send(Stop{id});
    EXPECT_EQ(agent.WaitEnded(id).signal, SIGKILL);
    Start next = agent.Shell("exit 7");
    next.slot = 0;
    Ended ended = agent.WaitEnded(agent.Run(next));
    EXPECT_EQ(ended.exit_code, 7) << "signal " << ended.signal;
  }
}

// Out of its session, and its environment wiped: without a cgroup nothing tells that it is ours.
TEST(EscapeTest, WhatCannotBeFoundCannotHoldUpTheEnd) {
  TestAgent agent{{.cgroup = "none"}};
  uint64_t id =
      agent.Run(agent.Shell("env -i setsid sh -c 'echo $$; : >up; while echo more; do :; done' & "
                            "while [ ! -e up ]; do sleep 0.01; done; exit 3"));
  EXPECT_EQ(agent.WaitEnded(id).exit_code, 3);
  EXPECT_EQ(agent.Text(id, Stream::kNote), "");
  // Its pipe is closed now, so it ends by itself; else it would go on for ever.
  pid_t escaped = PidOf(agent.Text(id, Stream::kStdout));
  ASSERT_GT(escaped, 0);
  agent.WaitFor("the escaped to end", [&] { return !Lives(escaped); });
}

TEST(OrphanedLauncherTest, StopsItsJobsAndLeavesWhenNoAgentComes) {
  TestAgent agent{{.orphan_timeout = seconds(1)}};
  uint64_t id = agent.Run(agent.Shell("echo $$; exec sleep 300"));
  agent.WaitPrinted(id, "\n");
  pid_t job = PidOf(agent.Text(id, Stream::kStdout));
  agent.Disconnect();
  agent.WaitLauncherGone();
  EXPECT_FALSE(Lives(job));
  std::ifstream left(LeftPath(agent.dir()));
  std::string word;
  std::getline(left, word);
  EXPECT_EQ(word, "no agent had come for 1.0s, so it had stopped its jobs and left");
}

TEST(OrphanedLauncherTest, ServesNobodyWhileItStopsItsJobs) {
  TestAgent agent{{.orphan_timeout = seconds(1)}};
  Start start = agent.Shell("trap '' TERM; echo up; while :; do sleep 0.05; done");
  start.grace_us = 1'500'000;
  uint64_t id = agent.Run(start);
  agent.WaitPrinted(id, "up\n");
  agent.Disconnect();
  const auto deadline = std::chrono::steady_clock::now() + kCap;
  while (std::filesystem::exists(SocketPath(agent.dir())) && std::chrono::steady_clock::now() < deadline)
    poll(nullptr, 0, 1);
  const auto late = LauncherClient::Connect(agent.dir(), milliseconds(20));
  EXPECT_TRUE(Lives(static_cast<pid_t>(agent.hello().pid))) << "its job has not ended";
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  agent.WaitLauncherGone();
}

TEST(DeadLauncherTest, TheAgentFindsWhatIsLeftByItsMark) {
  TestAgent agent{{.cgroup = "none"}};
  Start start = agent.Shell("setsid sh -c 'echo $$; exec sleep 300' & echo; exec sleep 300");
  std::string mark = start.mark;
  uint64_t id = agent.Run(start);
  pid_t main = static_cast<pid_t>(agent.WaitStarted(id).pid);
  agent.WaitFor("both lines", [&] {
    std::string text = agent.Text(id, Stream::kStdout);
    return std::count(text.begin(), text.end(), '\n') == 2;
  });
  agent.KillLauncher();
  EXPECT_TRUE(Lives(main));
  EXPECT_EQ(KillMarked([](const std::string& of) { return of == "another/1/1"; }).value(), 0u);
  EXPECT_EQ(KillMarked([&](const std::string& of) { return of == mark; }).value(), 2u);
  EXPECT_FALSE(Lives(main));
}

TEST(DeadLauncherTest, TheNextOneKillsWhatIsLeftInItsCgroup) {
  TestAgent agent;
  uint64_t id = agent.Run(agent.Shell("echo $$; cat /proc/$$/cgroup | grep ^0:; exec sleep 300"));
  agent.WaitPrinted(id, "0::");
  std::string text = agent.Text(id, Stream::kStdout);
  if (text.find("/cromt-") == std::string::npos) GTEST_SKIP() << "no cgroup v2 can be written here";
  pid_t job = PidOf(text);
  agent.KillLauncher();
  EXPECT_TRUE(Lives(job));
  agent.Launch();
  EXPECT_FALSE(Lives(job));
  agent.Connect();
}

}  // namespace
}  // namespace cromt::launcher
