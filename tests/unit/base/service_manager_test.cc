#include "base/service_manager.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace cromt {
namespace {

// A manager's end of the protocol, at a path or under an abstract name ("@NAME").
class Manager {
 public:
  explicit Manager(const std::string& path) : path_(path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0) << strerror(errno);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~Manager() {
    if (path_[0] == '/') ::unlink(path_.c_str());
  }

  // What was said next; empty if nothing was.
  std::string Heard() {
    char buffer[512];
    const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return got > 0 ? std::string(buffer, static_cast<size_t>(got)) : "";
  }

 private:
  std::string path_;
  UniqueFd socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

std::string SomePath() {
  return testing::TempDir() + "/notify-" + std::to_string(::getpid());
}

TEST(ServiceManager, IsToldWhatTheProtocolSays) {
  for (const std::string& path : {SomePath(), "@cromt-test-" + std::to_string(::getpid())}) {
    Manager manager(path);
    const ServiceManager told = ServiceManager::TakeFromEnvironment();
    told.Ready("serves");
    EXPECT_EQ(manager.Heard(), "READY=1\nSTATUS=serves\n") << path;
    told.Says("full\ndisk");
    EXPECT_EQ(manager.Heard(), "STATUS=full disk\n");
    told.Stopping("bye");
    EXPECT_EQ(manager.Heard(), "STOPPING=1\nSTATUS=bye\n");
    EXPECT_EQ(manager.Heard(), "");
  }
}

TEST(ServiceManager, WhatIsStartedFromHereIsNoService) {
  Manager manager(SomePath());
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(ServiceManager::TakeFromEnvironment().patience(), seconds(3));
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) EXPECT_EQ(::getenv(name), nullptr);
  EXPECT_EQ(ServiceManager::TakeFromEnvironment().patience(), Duration(0));
}

TEST(ServiceManager, WithoutOneNothingIsSaid) {
  ::setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  const ServiceManager nobody = ServiceManager::TakeFromEnvironment();
  nobody.Ready("serves");
  EXPECT_EQ(nobody.patience(), Duration(0));
}

TEST(ServiceManager, AWatchdogOfAnotherProcessIsNotOurs) {
  Manager manager(SomePath());
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceManager::TakeFromEnvironment().patience(), Duration(0));
}

TEST(Watchdog, BeatsThriceInTheManagersPatience) {
  Manager manager(SomePath());
  ::setenv("WATCHDOG_USEC", "3000000", 1);
  const ServiceManager told = ServiceManager::TakeFromEnvironment();
  Watchdog watchdog(&told);
  const Mono start{seconds(100)};
  watchdog.Beat(start);
  EXPECT_EQ(manager.Heard(), "WATCHDOG=1\n");
  EXPECT_EQ(watchdog.NextDeadline(std::nullopt), start + seconds(1));
  EXPECT_EQ(watchdog.NextDeadline(start + seconds(2)), start + seconds(1));
  EXPECT_EQ(watchdog.NextDeadline(start + milliseconds(5)), start + milliseconds(5));
  watchdog.Beat(start + milliseconds(999));
  EXPECT_EQ(manager.Heard(), "");
  watchdog.Beat(start + seconds(1));
  EXPECT_EQ(manager.Heard(), "WATCHDOG=1\n");
}

TEST(Watchdog, WithoutAManagerTheLoopWaitsAsItLikes) {
  Watchdog watchdog(nullptr);
  watchdog.Beat(Mono(seconds(1)));
  EXPECT_EQ(watchdog.NextDeadline(std::nullopt), std::nullopt);
}

}  // namespace
}  // namespace cromt
