// The launcher and the segmented log: limits, records of descriptor 3, a launcher that dies, a full disk.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "io/seglog/writer.h"
#include "tests/unit/launcher/test_agent.h"

namespace cromt::launcher {
namespace {

using seglog::Stream;

const std::string kOver =
    "the output has passed its limit of 1000 bytes: only the last 65536 bytes will be added at its end\n";

TEST(LauncherLogTest, BeyondItsLimitOutputIsCountedAndDroppedButForItsEnd) {
  TestAgent agent;
  Start start = agent.Shell("head -c 1000000 /dev/zero | tr '\\0' x; printf 'the cause' >&2; exit 1");
  start.log_limit_bytes = 1000;
  uint64_t id = agent.Run(start);
  Ended ended = agent.WaitEnded(id);
  EXPECT_EQ(ended.exit_code, 1);
  const size_t tail = 65536 - 9;
  EXPECT_EQ(agent.Text(id, Stream::kStdout), std::string(1000 + tail, 'x'));
  EXPECT_EQ(agent.Text(id, Stream::kStderr), "the cause");
  std::string notes =
      kOver + fmt::format("the output passed its limit of 1000 bytes: {} bytes are left out here\n", 999'000 - tail);
  EXPECT_EQ(agent.Text(id, Stream::kNote), notes);
  EXPECT_EQ(ended.log_bytes, static_cast<int64_t>(1000 + 65536 + notes.size()));
  std::vector<LogLine> log = agent.Log(id);
  EXPECT_EQ(log.back().text, "the cause");
  EXPECT_EQ(log.back().stream, Stream::kStderr);
}

TEST(LauncherLogTest, WhatIsALittleBeyondItsLimitIsAllThere) {
  TestAgent agent;
  Start start = agent.Shell("i=0; while [ $i -lt 300 ]; do echo line $i; echo err $i >&2; i=$((i+1)); done");
  start.log_limit_bytes = 1000;
  uint64_t id = agent.Run(start);
  agent.WaitEnded(id);
  std::string out, err;
  for (int i = 0; i < 300; ++i) {
    out += fmt::format("line {}\n", i);
    err += fmt::format("err {}\n", i);
  }
  EXPECT_EQ(agent.Text(id, Stream::kStdout), out);
  EXPECT_EQ(agent.Text(id, Stream::kStderr), err);
  EXPECT_EQ(agent.Text(id, Stream::kNote), kOver);
}

// Not where the log has come to: what others say is no part of it.
TEST(LauncherLogTest, AnAttemptEndsInTheLogBehindWhatItHasSaid) {
  TestAgent agent;
  const uint64_t first = agent.Run(agent.Shell("echo first; exec sleep 1000"));
  const uint64_t silent = agent.Run(agent.Shell("exec sleep 1000"));
  const LogPosition said = agent.hello().log_end + seglog::kHeaderBytes + 6;
  agent.WaitFor("what it says", [&] { return agent.log_end == said; });
  const uint64_t second = agent.Run(agent.Shell("head -c 100000 /dev/zero | tr '\\0' x"));
  EXPECT_GE(agent.WaitEnded(second).log_end, said + 100'000);
  for (const uint64_t id : {first, silent}) agent.Send(Stop{id});
  EXPECT_EQ(agent.WaitEnded(first).log_end, said);
  const Ended ended = agent.WaitEnded(silent);
  EXPECT_EQ(ended.log_end, ended.log_begin) << "it has said nothing";
}

// printf that writes a record (frame.h) on descriptor 3.
std::string Printf(Stream stream, const std::string& text) {
  return fmt::format("printf '\\00{}\\000\\000\\000\\{:03o}\\000\\000\\000{}' >&3; ", static_cast<int>(stream),
                     text.size(), text);
}

TEST(LauncherLogTest, RecordsKeepTheirOrder) {
  TestAgent agent;
  Start start = agent.Shell(Printf(Stream::kStep, "task run a") + Printf(Stream::kStdout, "out") +
                            Printf(Stream::kStderr, "err") + Printf(Stream::kStdout, "more") +
                            Printf(Stream::kStep, "task exit a"));
  start.records = true;
  uint64_t id = agent.Run(start);
  agent.WaitEnded(id);
  std::vector<LogLine> expected = {{Stream::kStep, "task run a", 0},
                                   {Stream::kStdout, "out", 10},
                                   {Stream::kStderr, "err", 13},
                                   {Stream::kStdout, "more", 16},
                                   {Stream::kStep, "task exit a", 20}};
  EXPECT_EQ(agent.Log(id), expected);
}

TEST(LauncherLogTest, ManyRecordsInPiecesArrive) {
  TestAgent agent;
  std::string block(1000, 'r');
  Start start = agent.Shell("i=0; while [ $i -lt 300 ]; do printf '\\001\\000\\000\\000\\350\\003\\000\\000%s' " +
                            block + "; i=$((i+1)); done >&3");
  start.records = true;
  uint64_t id = agent.Run(start);
  EXPECT_EQ(agent.WaitEnded(id).log_bytes, 300'000);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), std::string(300'000, 'r'));
}

TEST(LauncherLogTest, WhatIsNoRecordEndsTheReadingWithANote) {
  TestAgent agent;
  Start start = agent.Shell(Printf(Stream::kStdout, "good") + "echo this is no record at all >&3; echo end");
  start.records = true;
  uint64_t id = agent.Run(start);
  EXPECT_EQ(agent.WaitEnded(id).exit_code, 0);
  EXPECT_EQ(agent.Text(id, Stream::kStdout).find("good"), 0u);
  EXPECT_EQ(agent.Text(id, Stream::kNote), "descriptor 3 gave something that is no record and is read no further\n");
}

TEST(LauncherLogTest, WithoutRecordsDescriptor3IsClosed) {
  TestAgent agent;
  EXPECT_NE(agent.WaitEnded(agent.Run(agent.Shell("echo x >&3"))).exit_code, 0);
}

TEST(LauncherLogTest, ALauncherKilledWhileItWritesLeavesALogThatOpensAgain) {
  TestAgent agent{{.cgroup = "none"}};
  uint64_t id = agent.Run(agent.Shell("trap '' PIPE; while echo 0123456789; do :; done"));
  agent.WaitFor("much output", [&] { return agent.log_end > agent.hello().log_end + 100'000; });
  std::string first_life = agent.hello().incarnation;
  agent.KillLauncher();
  std::string before = agent.Text(id, Stream::kStdout);
  EXPECT_GT(before.size(), 50'000u);

  agent.Launch();
  agent.Connect();
  EXPECT_NE(agent.hello().incarnation, first_life);
  EXPECT_TRUE(agent.known.empty());
  uint64_t next = agent.Run(agent.Shell("echo second life"));
  agent.WaitEnded(next);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), before);
  EXPECT_EQ(agent.Text(next, Stream::kStdout), "second life\n");
}

// A file size limit of the launcher, put on it from outside, stands in for a full disk.
TEST(LauncherLogTest, AFullDiskHoldsOutputBackAndLosesNone) {
  TestAgent agent;
  pid_t launcher = static_cast<pid_t>(agent.hello().pid);
  uint64_t silent = agent.Run(agent.Shell("while [ ! -e go ]; do sleep 0.01; done"));
  rlimit full{4096, RLIM_INFINITY}, old{};
  ASSERT_EQ(prlimit(launcher, RLIMIT_FSIZE, &full, &old), 0);
  uint64_t loud = agent.Run(agent.Shell("ulimit -f unlimited; trap '' XFSZ; seq 1 100000"));
  agent.WaitFor("words about it", [&] {
    uint64_t look = agent.Run(agent.Shell("grep -q 'held back' launcher.log && touch go"));
    return agent.WaitEnded(look).exit_code == 0;
  });
  ASSERT_EQ(agent.troubles.size(), 1u);
  EXPECT_EQ(agent.troubles[0].find("output of jobs is held back, and those that print wait: "), 0u);
  EXPECT_EQ(agent.WaitEnded(silent).exit_code, 0) << "what prints nothing ends as ever";
  EXPECT_FALSE(agent.ended.contains(loud));

  ASSERT_EQ(prlimit(launcher, RLIMIT_FSIZE, &old, nullptr), 0);
  EXPECT_EQ(agent.WaitEnded(loud).exit_code, 0);
  std::string expected;
  for (int i = 1; i <= 100000; ++i) expected += fmt::format("{}\n", i);
  EXPECT_EQ(agent.Text(loud, Stream::kStdout), expected);
  EXPECT_EQ(agent.Text(loud, Stream::kNote).find("the log could not be written for "), 0u);
  ASSERT_EQ(agent.troubles.size(), 2u);
  EXPECT_EQ(agent.troubles[1].find("the log could not be written for "), 0u);
}

}  // namespace
}  // namespace cromt::launcher
