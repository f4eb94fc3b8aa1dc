// What a job process finds: its output's way into the log, its environment, its session, how a program that
// can't be run ends.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "tests/unit/launcher/test_agent.h"

namespace cromt::launcher {
namespace {

using seglog::Stream;

void WriteFile(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream(path) << text;
  chmod(path.c_str(), mode);
}

TEST(JobProcessTest, OutputAndExitCodeArrive) {
  TestAgent agent;
  uint64_t id = agent.Run(agent.Shell("echo out; echo err >&2; exit 3"));
  Ended ended = agent.WaitEnded(id);
  EXPECT_EQ(ended.cause, Ended::Cause::kItself);
  EXPECT_EQ(ended.exit_code, 3);
  EXPECT_EQ(ended.signal, 0);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "out\n");
  EXPECT_EQ(agent.Text(id, Stream::kStderr), "err\n");
  EXPECT_EQ(agent.Text(id, Stream::kNote), "");
  EXPECT_EQ(ended.log_bytes, 8);
  EXPECT_GE(agent.log_end, ended.log_end);
  EXPECT_LE(ended.log_begin, ended.log_end);
  EXPECT_GE(ended.ended_wall_us, ended.started_wall_us);
}

TEST(JobProcessTest, OrderAndOffsetsHoldOverManyFrames) {
  TestAgent agent;
  uint64_t id = agent.Run(agent.Shell("seq 1 200000"));
  Ended ended = agent.WaitEnded(id);
  std::string expected;
  for (int i = 1; i <= 200000; ++i) expected += fmt::format("{}\n", i);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), expected);
  EXPECT_EQ(ended.log_bytes, static_cast<int64_t>(expected.size()));
}

TEST(JobProcessTest, ASignalIsToldAsOne) {
  TestAgent agent;
  Ended ended = agent.WaitEnded(agent.Run(agent.Shell("kill -SEGV $$")));
  EXPECT_EQ(ended.cause, Ended::Cause::kItself);
  EXPECT_EQ(ended.signal, SIGSEGV);
  EXPECT_EQ(ended.exit_code, -1);
}

TEST(JobProcessTest, EnvironmentIsExactlyWhatWasGivenAndTheMark) {
  TestAgent agent;
  Start start = agent.Program({"/usr/bin/env"});
  start.env = {"B=two words", "A=", "CROMT_ATTEMPT_MARK=forged"};
  std::string mark = start.mark;
  uint64_t id = agent.Run(start);
  agent.WaitEnded(id);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "B=two words\nA=\nCROMT_ATTEMPT_MARK=" + mark + "\n");
}

TEST(JobProcessTest, StdinIsEmpty) {
  TestAgent agent;
  uint64_t id = agent.Run(agent.Shell("cat; readlink /proc/$$/fd/0"));
  agent.WaitEnded(id);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "/dev/null\n");
}

TEST(JobProcessTest, NothingElseIsOpen) {
  TestAgent agent;
  uint64_t id = agent.Run(agent.Program({"/bin/ls", "/proc/self/fd"}));
  agent.WaitEnded(id);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "0\n1\n2\n3\n") << "3 is the directory that ls reads";
}

TEST(JobProcessTest, HasASessionOfItsOwnAndItsDirectory) {
  TestAgent agent;
  uint64_t id =
      agent.Run(agent.Shell("read -r pid name state parent group session tty rest < /proc/$$/stat; "
                            "echo $((pid == session && pid == group)) $tty; pwd"));
  agent.WaitEnded(id);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "1 0\n" + agent.dir() + "\n");
}

TEST(JobProcessTest, NoSignalIsBlockedOrIgnored) {
  signal(SIGINT, SIG_IGN);  // as under nohup or in the background of a script: the launcher would inherit it
  TestAgent agent;
  signal(SIGINT, SIG_DFL);
  uint64_t id = agent.Run(agent.Program({"/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}));
  agent.WaitEnded(id);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(JobProcessTest, KeepsTheOpenFileLimitThatTheLauncherWasGiven) {
  TestAgent agent;
  uint64_t id = agent.Run(agent.Shell("ulimit -Sn"));
  agent.WaitEnded(id);
  rlimit own{};
  getrlimit(RLIMIT_NOFILE, &own);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), fmt::format("{}\n", own.rlim_cur));
}

TEST(JobProcessTest, AProgramWithoutSlashIsSearchedInItsOwnPath) {
  TestAgent agent;
  mkdir((agent.dir() + "/bin").c_str(), 0755);
  WriteFile(agent.dir() + "/bin/mine", "#!/bin/sh\necho mine\n", 0755);
  Start start = agent.Program({"mine"});
  start.env = {"PATH=/nonexistent:" + agent.dir() + "/bin"};
  uint64_t id = agent.Run(start);
  EXPECT_EQ(agent.WaitEnded(id).exit_code, 0);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "mine\n");
}

// Each program that can't be run ends as /bin/sh ends that is told to run it: same code, same words.
TEST(JobProcessTest, UnrunnableProgramsEndAsInAShell) {
  TestAgent agent;
  std::string dir = agent.dir();
  WriteFile(dir + "/data", "text", 0644);
  WriteFile(dir + "/interpreter", "#!/nonexistent/interpreter\n", 0755);
  WriteFile(dir + "/no-shebang", "echo ran with $1\nexit 4\n", 0755);
  WriteFile(dir + "/empty", "", 0755);
  symlink("loop", (dir + "/loop").c_str());
  std::vector<std::string> programs = {
      "/nonexistent/program",      dir + "/data",       dir + "/data/below", dir,
      dir + "/interpreter",        dir + "/no-shebang", dir + "/empty",      dir + "/loop",
      "/" + std::string(300, 'x'), "no-such-program"};
  for (const std::string& program : programs) {
    uint64_t direct = agent.Run(agent.Program({program, "argument"}));
    uint64_t by_shell = agent.Run(agent.Shell(program + " argument"));
    Ended ended = agent.WaitEnded(direct);
    EXPECT_EQ(ended.exit_code, agent.WaitEnded(by_shell).exit_code) << program;
    EXPECT_EQ(ended.cause, Ended::Cause::kItself);
    EXPECT_EQ(agent.Text(direct, Stream::kStderr), agent.Text(by_shell, Stream::kStderr));
    EXPECT_EQ(agent.Text(direct, Stream::kStdout), agent.Text(by_shell, Stream::kStdout));
  }
}

TEST(JobProcessTest, AMissingProgramSaysSoWith127) {
  TestAgent agent;
  uint64_t id = agent.Run(agent.Program({"/nonexistent/program"}));
  EXPECT_EQ(agent.WaitEnded(id).exit_code, 127);
  EXPECT_EQ(agent.Text(id, Stream::kStderr), "/bin/sh: 1: /nonexistent/program: not found\n");
}

TEST(JobProcessTest, AMissingDirectoryIsNamed) {
  TestAgent agent;
  Start start = agent.Program({"/bin/true"});
  start.cwd = "/nonexistent/place";
  uint64_t id = agent.Run(start);
  EXPECT_EQ(agent.WaitEnded(id).exit_code, 127);
  EXPECT_EQ(agent.Text(id, Stream::kStderr),
            "cromt: can't change to directory /nonexistent/place: No such file or directory\n");
}

TEST(JobProcessTest, AnInvalidStartIsRefusedAndTheRefusalKept) {
  TestAgent agent;
  Start no_words = agent.Program({});
  Start nul = agent.Program({std::string("/bin/true\0x", 11)});
  Start relative = agent.Program({"/bin/true"});
  relative.cwd = "here";
  for (const Start& start : {no_words, nul, relative}) {
    Ended ended = agent.WaitEnded(agent.Run(start));
    EXPECT_EQ(ended.cause, Ended::Cause::kNotSpawned);
    EXPECT_EQ(ended.spawn_errno, EINVAL);
  }
  EXPECT_TRUE(agent.started.empty());
  agent.Connect();
  EXPECT_EQ(agent.known.size(), 3u);
}

}  // namespace
}  // namespace cromt::launcher
