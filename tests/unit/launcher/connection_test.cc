// What survives the agent: results, running jobs, and who may connect.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>

#include "agent/launcher/endpoint.h"
#include "tests/unit/launcher/test_agent.h"

namespace cromt::launcher {
namespace {

using seglog::Stream;

TEST(LauncherConnectionTest, ANewAgentFindsWhatRunsAndWhatEnded) {
  TestAgent agent;
  uint64_t ended = agent.Run(agent.Shell("echo done; exit 9"));
  uint64_t running = agent.Run(agent.Shell("while [ ! -e go ]; do sleep 0.01; done; echo later"));
  agent.WaitEnded(ended);
  Started started = agent.WaitStarted(running);
  std::string incarnation = agent.hello().incarnation;
  agent.Disconnect();

  agent.Connect();
  EXPECT_EQ(agent.hello().incarnation, incarnation);
  ASSERT_EQ(agent.known.size(), 2u);
  EXPECT_EQ(agent.ended[ended].back().exit_code, 9);
  EXPECT_EQ(agent.started[running].pid, started.pid);
  EXPECT_EQ(agent.started[running].wall_us, started.wall_us);
  EXPECT_FALSE(agent.ended.contains(running));
  agent.WaitEnded(agent.Run(agent.Shell("touch go")));
  EXPECT_EQ(agent.WaitEnded(running).exit_code, 0);
  EXPECT_EQ(agent.Text(running, Stream::kStdout), "later\n");
}

TEST(LauncherConnectionTest, JobsGoOnAndPrintWhileNobodyListens) {
  TestAgent agent;
  uint64_t id = agent.Run(agent.Shell("echo $$; while [ ! -e go ]; do sleep 0.01; done; echo alone; exit 8"));
  agent.WaitPrinted(id, "\n");
  pid_t job = PidOf(agent.Text(id, Stream::kStdout));
  agent.Disconnect();
  ASSERT_EQ(mkdir((agent.dir() + "/go").c_str(), 0755), 0);
  auto deadline = std::chrono::steady_clock::now() + kCap;
  while (Lives(job) && std::chrono::steady_clock::now() < deadline) poll(nullptr, 0, 1);
  agent.Connect();
  EXPECT_EQ(agent.WaitEnded(id).exit_code, 8);
  EXPECT_NE(agent.Text(id, Stream::kStdout).find("alone\n"), std::string::npos);
}

TEST(LauncherConnectionTest, AForgottenResultIsNotToldAgain) {
  TestAgent agent;
  uint64_t first = agent.Run(agent.Shell("exit 0"));
  uint64_t second = agent.Run(agent.Shell("exit 0"));
  agent.WaitEnded(first);
  agent.WaitEnded(second);
  agent.Send(Forget{first});
  agent.Connect();
  ASSERT_EQ(agent.known.size(), 1u);
  EXPECT_EQ(agent.known[0].started.log_id, second);
}

TEST(LauncherConnectionTest, ASecondStartOfOneAttemptChangesNothing) {
  TestAgent agent;
  Start start = agent.Shell("echo once; while [ ! -e go ]; do sleep 0.01; done");
  uint64_t id = agent.Run(start);
  agent.Run(start);
  agent.Run(agent.Shell("touch go"));
  agent.WaitEnded(id);
  agent.Run(start);
  agent.WaitEnded(agent.Run(agent.Shell("exit 0")));
  EXPECT_EQ(agent.ended[id].size(), 1u);
  EXPECT_EQ(agent.Text(id, Stream::kStdout), "once\n");
}

TEST(LauncherConnectionTest, TheNewerAgentIsServedAndTheOlderHungUpOn) {
  TestAgent agent;
  auto older = LauncherClient::Connect(agent.dir(), kCap);
  ASSERT_TRUE(older);
  agent.WaitHungUp();  // so `older` is served now
  agent.Connect();
  auto deadline = std::chrono::steady_clock::now() + kCap;
  bool open = true;
  while (open && std::chrono::steady_clock::now() < deadline) {
    pollfd ready{older->fd(), POLLIN, 0};
    poll(&ready, 1, 20);
    open = older->Receive().has_value();
  }
  EXPECT_FALSE(open);
  EXPECT_EQ(agent.WaitEnded(agent.Run(agent.Shell("exit 4"))).exit_code, 4);
}

UniqueFd RawConnection(const std::string& dir) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = SocketAddress(dir, -1);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

TEST(LauncherConnectionTest, WhoSaysNothingOrNonsenseDisturbsNobody) {
  TestAgent agent;
  UniqueFd silent = RawConnection(agent.dir());
  UniqueFd nonsense = RawConnection(agent.dir());
  UniqueFd no_hello = RawConnection(agent.dir());
  std::string garbage(100'000, 'x');
  [[maybe_unused]] ssize_t ignored = send(nonsense.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL);
  std::string start;
  Encode(ToLauncher(agent.Shell("touch started")), start);
  ignored = send(no_hello.get(), start.data(), start.size(), MSG_NOSIGNAL);
  char byte = 0;
  EXPECT_LE(recv(no_hello.get(), &byte, 1, 0), 0) << "hung up on, unanswered";
  EXPECT_EQ(agent.WaitEnded(agent.Run(agent.Shell("test ! -e started"))).exit_code, 0);
}

TEST(LauncherConnectionTest, AnUnknownVersionIsAnsweredWithOursAndHungUpOn) {
  TestAgent agent;
  UniqueFd future = RawConnection(agent.dir());
  std::string hello;
  Encode(ToLauncher(Hello{.version = 99}), hello);
  ASSERT_EQ(send(future.get(), hello.data(), hello.size(), MSG_NOSIGNAL), static_cast<ssize_t>(hello.size()));
  std::string answer(4096, '\0');
  ssize_t got = recv(future.get(), answer.data(), answer.size(), MSG_WAITALL);
  ASSERT_GT(got, 0);
  std::string_view in(answer.data(), static_cast<size_t>(got));
  auto message = DecodeFromLauncher(in);
  ASSERT_TRUE(message && *message);
  EXPECT_EQ(std::get<Hello>(**message).version, kProtocolVersion);
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(agent.WaitEnded(agent.Run(agent.Shell("exit 4"))).exit_code, 4);
}

TEST(LauncherConnectionTest, AMessageTooLongClosesTheConnectionOnly) {
  TestAgent agent;
  UniqueFd broken = RawConnection(agent.dir());
  std::string bytes;
  Encode(ToLauncher(Hello{}), bytes);
  bytes += std::string(4, '\x7f');
  ASSERT_EQ(send(broken.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  agent.WaitHungUp();  // since another said Hello
  std::string answer(4096, '\0');
  while (recv(broken.get(), answer.data(), answer.size(), 0) > 0) {
  }
  EXPECT_EQ(recv(broken.get(), answer.data(), answer.size(), 0), 0) << "hung up on";
  agent.Connect();
  EXPECT_EQ(agent.WaitEnded(agent.Run(agent.Shell("exit 4"))).exit_code, 4);
}

TEST(LauncherConnectionTest, SocketAndLogAreForTheOwnerOnly) {
  TestAgent agent;
  for (const std::string& path :
       {SocketPath(agent.dir()), LogDir(agent.dir()), LogDir(agent.dir()) + "/00000001.seg"}) {
    struct stat info {};
    ASSERT_EQ(stat(path.c_str(), &info), 0) << path;
    EXPECT_EQ(info.st_mode & 077, 0u) << path;
  }
}

TEST(LauncherConnectionTest, OneDirectoryHasOneLauncher) {
  TestAgent agent;
  const char* bin = std::getenv("CROMT_BIN");
  if (!bin) GTEST_SKIP() << "CROMT_BIN is not set";
  Status second = StartLauncher(std::string(bin) + "/cromt-launcher", agent.dir(), {}, kCap);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_EQ(agent.WaitEnded(agent.Run(agent.Shell("exit 4"))).exit_code, 4);
}

TEST(LauncherConnectionTest, ADirectoryTooDeepForASocketAddressWorks) {
  TestAgent agent;
  const char* bin = std::getenv("CROMT_BIN");
  if (!bin) GTEST_SKIP() << "CROMT_BIN is not set";
  std::string deep = agent.dir() + "/" + std::string(150, 'd');
  ASSERT_TRUE(StartLauncher(std::string(bin) + "/cromt-launcher", deep, {}, kCap));
  auto client = LauncherClient::Connect(deep, kCap);
  ASSERT_TRUE(client) << client.error().message;
  ASSERT_TRUE(client->Send(std::vector<ToLauncher>{Shutdown{}}));
  auto deadline = std::chrono::steady_clock::now() + kCap;
  while (client->Receive() && std::chrono::steady_clock::now() < deadline) poll(nullptr, 0, 1);
  EXPECT_FALSE(client->Receive());
}

TEST(LauncherConnectionTest, AProgramThatIsNoLauncherIsAPlainError) {
  Status status = StartLauncher("/bin/false", "/tmp", {}, kCap);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(StartLauncher("/nonexistent/launcher", "/tmp", {}, kCap));
}

TEST(LauncherConnectionTest, TermWhileSomethingIsKnownIsIgnoredAndWhenIdleObeyed) {
  TestAgent agent;
  pid_t launcher = static_cast<pid_t>(agent.hello().pid);
  uint64_t id = agent.Run(agent.Shell("exit 0"));
  agent.WaitEnded(id);
  kill(launcher, SIGTERM);
  agent.WaitFor("words about it", [&] {
    uint64_t look = agent.Run(agent.Shell("grep -q 'SIGTERM is ignored' launcher.log"));
    return agent.WaitEnded(look).exit_code == 0;
  });
  for (const auto& [log_id, one] : agent.ended) agent.Send(Forget{log_id});
  agent.WaitEnded(id);
  agent.Connect();
  ASSERT_TRUE(agent.known.empty());
  kill(launcher, SIGTERM);
  agent.WaitLauncherGone();
}

TEST(LauncherConnectionTest, AfterShutdownNothingStartsAndTheLastForgetEndsIt) {
  TestAgent agent;
  uint64_t id = agent.Run(agent.Shell("exit 0"));
  agent.WaitEnded(id);
  agent.Send(Shutdown{});
  EXPECT_EQ(agent.WaitEnded(agent.Run(agent.Shell("exit 0"))).spawn_errno, ESHUTDOWN);
  agent.Send(Forget{id});
  agent.WaitLauncherGone();
}

}  // namespace
}  // namespace cromt::launcher
