// What of a job's output is a secret does not get into the log.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/launcher/test_agent.h"

namespace cromt::launcher {
namespace {

using seglog::Stream;

Start WithSecrets(Start start, std::vector<std::string> secrets = {"hunter22"}) {
  start.secrets = std::move(secrets);
  return start;
}

// printf that writes a record (frame.h) on descriptor 3.
std::string Printf(Stream stream, const std::string& text) {
  return fmt::format("printf '\\00{}\\000\\000\\000\\{:03o}\\000\\000\\000{}' >&3; ", static_cast<int>(stream),
                     text.size(), text);
}

// True if some file of the log holds these bytes.
bool LogHolds(const TestAgent& agent, const std::string& text) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(LogDir(agent.dir()))) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    if (bytes.find(text) != bytes.npos) return true;
  }
  return false;
}

TEST(LauncherSecretsTest, AreHiddenOnBothStreams) {
  TestAgent agent;
  uint64_t id = agent.Run(WithSecrets(agent.Shell("echo a hunter22 b; echo c aHVudGVyMjI= d >&2")));
  Ended ended = agent.WaitEnded(id);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "a *** b\n");
  EXPECT_EQ(agent.Text(id, Stream::kStderr), "c *** d\n");
  EXPECT_EQ(ended.log_bytes, 16);
  EXPECT_FALSE(LogHolds(agent, "hunter22"));
}

TEST(LauncherSecretsTest, WithoutThemNothingIsChanged) {
  TestAgent agent;
  uint64_t id = agent.Run(agent.Shell("echo a hunter22 b"));
  agent.WaitEnded(id);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "a hunter22 b\n");
}

TEST(LauncherSecretsTest, AlsoWhenTheyComeInTwoPieces) {
  TestAgent agent;
  uint64_t id = agent.Run(WithSecrets(agent.Shell(
      "mkfifo go on; printf 'first hun'; read x < go; printf 'ter22 second '; read x < on; printf 'hunter2'")));
  agent.WaitPrinted(id, "first ");
  std::ofstream(agent.dir() + "/go") << "\n";
  agent.WaitPrinted(id, "*** second ");  // all of it: what can't be the beginning of one does not wait
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "first *** second ");
  std::ofstream(agent.dir() + "/on") << "\n";  // another one: the first may not be closed yet
  agent.WaitEnded(id);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "first *** second hunter2");
}

TEST(LauncherSecretsTest, WhatAClosedStreamHeldBackIsNotWaitedFor) {
  TestAgent agent;
  uint64_t id = agent.Run(WithSecrets(agent.Shell("mkfifo go; printf hunter; exec >&-; read x < go")));
  agent.WaitPrinted(id, "hunter");
  std::ofstream(agent.dir() + "/go") << "\n";
  EXPECT_EQ(agent.WaitEnded(id).exit_code, 0);
}

TEST(LauncherSecretsTest, InRecordsMarksAndNotesAndAllInTheirOrder) {
  TestAgent agent;
  Start start = agent.Shell(Printf(Stream::kStep, "run hunter22") + Printf(Stream::kStdout, "out hun") +
                            Printf(Stream::kStdout, "ter22 hun") + Printf(Stream::kStep, "end") +
                            Printf(Stream::kStdout, "ter22") + Printf(Stream::kNote, "note hunter22"));
  start.records = true;
  uint64_t id = agent.Run(WithSecrets(start));
  agent.WaitEnded(id);
  const std::vector<LogLine> expected = {{Stream::kStep, "run ***", 0},
                                         {Stream::kStdout, "out *** hun", 7},
                                         {Stream::kStep, "end", 18},
                                         {Stream::kStdout, "ter22", 21},
                                         {Stream::kNote, "note ***", 26}};
  EXPECT_EQ(agent.Log(id), expected);
}

TEST(LauncherSecretsTest, InWhatIsSaidOfAProcessThatWasLeftBehind) {
  TestAgent agent;
  uint64_t id =
      agent.Run(WithSecrets(agent.Shell("setsid sh -c 'echo up; while :; do sleep 0.01; done' hunter22 & read x")));
  agent.WaitEnded(id);
  const std::string note = agent.Text(id, Stream::kNote);
  EXPECT_NE(note.find("left behind and stopped: "), note.npos) << note;
  EXPECT_NE(note.find("***"), note.npos) << note;
  EXPECT_EQ(note.find("hunter22"), note.npos) << note;
}

// So that its limit does not cut one in two.
TEST(LauncherSecretsTest, AreHiddenBeforeTheLimitCounts) {
  TestAgent agent;
  Start start = agent.Shell("i=0; while [ $i -lt 100 ]; do printf '0123456hunter22'; i=$((i+1)); done");
  start.log_limit_bytes = 501;
  uint64_t id = agent.Run(WithSecrets(start));
  agent.WaitEnded(id);
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += "0123456***";
  EXPECT_EQ(agent.Text(id, Stream::kStdout), expected);
}

TEST(LauncherSecretsTest, ALongOneAmongMuchOutput) {
  TestAgent agent;
  std::string secret;
  for (int i = 0; i < 2000; ++i) secret += fmt::format("{:04}abcdef{}", i, i % 7 == 0 ? "\n" : "");
  std::ofstream(agent.dir() + "/secret") << secret;
  uint64_t id = agent.Run(WithSecrets(
      agent.Shell("i=0; while [ $i -lt 20 ]; do seq 1 3000; cat secret; echo; i=$((i+1)); done"), {secret}));
  agent.WaitEnded(id);
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    for (int n = 1; n <= 3000; ++n) expected += fmt::format("{}\n", n);
    expected += "***\n";
  }
  EXPECT_EQ(agent.Text(id, Stream::kStdout), expected);
}

}  // namespace
}  // namespace cromt::launcher
