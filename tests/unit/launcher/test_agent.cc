#include "tests/unit/launcher/test_agent.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "io/seglog/reader.h"

namespace cromt::launcher {
namespace {

std::string LauncherProgram() {
  const char* bin = std::getenv("CROMT_BIN");
  if (bin) return std::string(bin) + "/cromt-launcher";
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../bin/cromt-launcher").string();
}

std::string MakeDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "cromt-launcher-XXXXXX").string();
  return mkdtemp(pattern.data());
}

}  // namespace

TestAgent::TestAgent(LauncherOptions options) : options_(std::move(options)), dir_(MakeDir()) {
  Launch();
  Connect();
}

TestAgent::~TestAgent() {
  // The launcher is asked to go when it lives, so that it removes its cgroups; else it is made to.
  if (hello_.pid != 0 && Lives(static_cast<pid_t>(hello_.pid))) {
    if (!client_) Connect();
    for (uint64_t log_id : unforgotten_) Send(Stop{log_id});
    auto has_ended = [this](uint64_t log_id) { return ended.contains(log_id); };
    WaitFor("all attempts to end", [&] { return std::all_of(unforgotten_.begin(), unforgotten_.end(), has_ended); });
    for (const auto& [log_id, one] : ended) Send(Forget{log_id});
    Send(Shutdown{});
    WaitLauncherGone();
  }
  std::filesystem::remove_all(dir_);
}

void TestAgent::Launch() {
  Status status = StartLauncher(LauncherProgram(), dir_, options_, kCap);
  ASSERT_TRUE(status) << status.error().message;
}

void TestAgent::Connect() {
  auto client = LauncherClient::Connect(dir_, kCap);
  ASSERT_TRUE(client) << client.error().message;
  client_ = std::move(*client);
  known.clear();
  started.clear();
  ended.clear();
  ready_ = false;
  WaitFor("Ready", [this] { return ready_; });
}

void TestAgent::KillLauncher() {
  kill(static_cast<pid_t>(hello_.pid), SIGKILL);
  client_.reset();
  unforgotten_.clear();
  WaitLauncherGone();
}

void TestAgent::WaitLauncherGone() {
  if (client_) WaitHungUp();
  auto deadline = std::chrono::steady_clock::now() + kCap;
  while (Lives(static_cast<pid_t>(hello_.pid))) {
    if (std::chrono::steady_clock::now() > deadline) return (void)(ADD_FAILURE() << "the launcher does not end");
    poll(nullptr, 0, 1);
  }
}

Start TestAgent::Program(std::vector<std::string> argv) {
  Start start;
  start.log_id = next_log_id_++;
  start.mark = fmt::format("test-{}/{}", getpid(), start.log_id);
  start.argv = std::move(argv);
  start.env = {"PATH=/usr/bin:/bin"};
  start.cwd = dir_;
  start.slot = static_cast<uint32_t>(start.log_id);
  start.grace_us = 10'000'000;
  return start;
}

Start TestAgent::Shell(const std::string& script) {
  return Program({"/bin/sh", "-c", script});
}

uint64_t TestAgent::Run(Start start) {
  uint64_t log_id = start.log_id;
  Send(std::move(start));
  return log_id;
}

void TestAgent::Send(ToLauncher message) {
  ASSERT_TRUE(client_);
  if (const auto* start = std::get_if<Start>(&message)) unforgotten_.insert(start->log_id);
  if (const auto* forget = std::get_if<Forget>(&message)) unforgotten_.erase(forget->log_id);
  Status sent = client_->Send(std::span(&message, 1));
  EXPECT_TRUE(sent) << sent.error().message;
}

bool TestAgent::PushAll() {
  while (client_->wants_write()) {
    pollfd ready{client_->fd(), POLLOUT, 0};
    if (poll(&ready, 1, 300) == 0) return false;
    EXPECT_TRUE(client_->Flush());
  }
  return true;
}

bool TestAgent::ReceiveOnce() {
  pollfd ready{client_->fd(), POLLIN, 0};
  if (client_->wants_write()) ready.events |= POLLOUT;
  poll(&ready, 1, 20);
  if (client_->wants_write() && !client_->Flush()) return false;
  auto messages = client_->Receive();
  if (!messages) return false;
  for (const FromLauncher& message : *messages) Take(message);
  return true;
}

void TestAgent::Take(const FromLauncher& message) {
  if (const auto* hello = std::get_if<Hello>(&message)) hello_ = *hello;
  if (const auto* one = std::get_if<Known>(&message)) {
    known.push_back(*one);
    started[one->started.log_id] = one->started;
    if (one->ended) ended[one->started.log_id].push_back(*one->ended);
  }
  bool of_greeting = std::holds_alternative<Hello>(message) || std::holds_alternative<Known>(message);
  if (std::holds_alternative<Ready>(message)) ready_ = true;
  EXPECT_NE(ready_, of_greeting) << "Hello, Known… and Ready come first, and once";
  if (const auto* one = std::get_if<Started>(&message)) {
    EXPECT_FALSE(started.contains(one->log_id)) << "started twice";
    started[one->log_id] = *one;
  }
  if (const auto* one = std::get_if<Ended>(&message)) ended[one->log_id].push_back(*one);
  if (const auto* one = std::get_if<LogEnd>(&message)) {
    EXPECT_GT(one->position, log_end);
    log_end = one->position;
  }
  if (const auto* one = std::get_if<Trouble>(&message)) troubles.push_back(one->text);
}

void TestAgent::WaitFor(const std::string& what, const std::function<bool()>& done) {
  auto deadline = std::chrono::steady_clock::now() + kCap;
  while (!done()) {
    bool open = client_ && ReceiveOnce();
    bool late = std::chrono::steady_clock::now() > deadline;
    if (!open || late) {
      ADD_FAILURE() << (open ? "waited too long for " : "the launcher hung up before ") << what;
      return;
    }
  }
}

void TestAgent::WaitHungUp() {
  auto deadline = std::chrono::steady_clock::now() + kCap;
  while (client_ && ReceiveOnce()) {
    if (std::chrono::steady_clock::now() > deadline) return (void)(ADD_FAILURE() << "the launcher did not hang up");
  }
  client_.reset();
}

Ended TestAgent::WaitEnded(uint64_t log_id) {
  WaitFor(fmt::format("the end of {}", log_id), [&] { return ended.contains(log_id); });
  return ended.contains(log_id) ? ended[log_id].back() : Ended{};
}

Started TestAgent::WaitStarted(uint64_t log_id) {
  WaitFor(fmt::format("the start of {}", log_id), [&] { return started.contains(log_id); });
  return started[log_id];
}

void TestAgent::WaitPrinted(uint64_t log_id, const std::string& text) {
  WaitFor(fmt::format("'{}' of {}", text, log_id), [&] {
    for (const LogLine& line : Log(log_id)) {
      if (line.text.find(text) != std::string::npos) return true;
    }
    return false;
  });
}

std::vector<LogLine> TestAgent::Log(uint64_t log_id) const {
  std::vector<LogLine> lines;
  auto reader = seglog::Reader::Open(LogDir(dir_), 0);
  EXPECT_TRUE(reader) << reader.error().message;
  while (reader) {
    auto frames = reader->Read(1 << 20);
    EXPECT_TRUE(frames) << frames.error().message;
    if (!frames || frames->empty()) break;
    for (const seglog::PlacedFrame& placed : *frames) {
      const seglog::Frame& frame = placed.frame;
      if (frame.log_id != log_id) continue;
      if (!lines.empty() && lines.back().stream == frame.stream)
        lines.back().text += frame.data;
      else
        lines.push_back({frame.stream, std::string(frame.data), frame.offset});
    }
  }
  return lines;
}

std::string TestAgent::Text(uint64_t log_id, seglog::Stream stream) const {
  std::string text;
  for (const LogLine& line : Log(log_id)) {
    if (line.stream == stream) text += line.text;
  }
  return text;
}

bool Lives(pid_t pid) {
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(stat, text)) return false;
  size_t name_end = text.rfind(')');
  return name_end != std::string::npos && text.substr(name_end + 2, 1).find_first_of("ZX") == std::string::npos;
}

pid_t PidOf(const std::string& text) {
  pid_t pid = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  bool whole = error == std::errc() && (end == text.data() + text.size() || *end == '\n');
  return whole ? pid : -1;
}

}  // namespace cromt::launcher
