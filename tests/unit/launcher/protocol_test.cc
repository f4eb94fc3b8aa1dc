#include "agent/launcher/protocol.h"

#include <gtest/gtest.h>

#include <cstring>

namespace cromt::launcher {
namespace {

Start SomeStart() {
  Start start;
  start.log_id = 1ull << 40;
  start.mark = "run/1/2";
  start.argv = {"/bin/echo", "", "a b"};
  start.env = {"A=1", "B="};
  start.cwd = "/tmp";
  start.slot = 3;
  start.timeout_us = 4;
  start.grace_us = 5;
  start.log_limit_bytes = -6;
  start.records = true;
  start.limits = {7, 8, 9};
  start.become = JobUser{10, 11, {12, 13}};
  start.sandbox = Sandbox::kStrict;
  start.writable = {"/a", "/b"};
  start.readable = {"/c"};
  start.secrets = {"hunter22", std::string("\0x", 2)};
  return start;
}

std::string Encoded(const auto& message) {
  std::string bytes;
  Encode(message, bytes);
  return bytes;
}

TEST(LauncherProtocolTest, AStartComesBackAsSent) {
  std::string bytes = Encoded(ToLauncher(SomeStart()));
  std::string_view in = bytes;
  auto message = DecodeToLauncher(in);
  ASSERT_TRUE(message && *message);
  const Start& start = std::get<Start>(**message);
  Start sent = SomeStart();
  EXPECT_EQ(start.log_id, sent.log_id);
  EXPECT_EQ(start.mark, sent.mark);
  EXPECT_EQ(start.argv, sent.argv);
  EXPECT_EQ(start.env, sent.env);
  EXPECT_EQ(start.cwd, sent.cwd);
  EXPECT_EQ(start.slot, sent.slot);
  EXPECT_EQ(start.timeout_us, sent.timeout_us);
  EXPECT_EQ(start.grace_us, sent.grace_us);
  EXPECT_EQ(start.log_limit_bytes, sent.log_limit_bytes);
  EXPECT_TRUE(start.records);
  EXPECT_EQ(start.limits.memory_bytes, sent.limits.memory_bytes);
  EXPECT_EQ(start.limits.cpu_permille, sent.limits.cpu_permille);
  EXPECT_EQ(start.limits.pids, sent.limits.pids);
  ASSERT_TRUE(start.become);
  EXPECT_EQ(start.become->uid, 10u);
  EXPECT_EQ(start.become->gid, 11u);
  EXPECT_EQ(start.become->groups, (std::vector<uint32_t>{12, 13}));
  EXPECT_EQ(start.sandbox, Sandbox::kStrict);
  EXPECT_EQ(start.writable, sent.writable);
  EXPECT_EQ(start.readable, sent.readable);
  EXPECT_EQ(start.secrets, sent.secrets);
  EXPECT_TRUE(in.empty());
}

// So a launcher and an agent of before read it; the sizes are those of version 1 without levels.
TEST(LauncherProtocolTest, WhatNeedsNothingNewIsWrittenAsBefore) {
  Start plain;
  plain.argv = {"true"};
  plain.cwd = "/";
  const size_t texts = 4 + (4 + 4 + 4) + 4 + (4 + 1);  // mark, argv, env, cwd
  EXPECT_EQ(Encoded(ToLauncher(plain)).size(), 5 + 8 + texts + 4 + 8 + 8 + 8 + 1);
  plain.limits.pids = 1;
  EXPECT_GT(Encoded(ToLauncher(plain)).size(), 5 + 8 + texts + 4 + 8 + 8 + 8 + 1);
  Start secret;
  secret.secrets = {"x"};
  EXPECT_EQ(secret.level(), 3u);
  EXPECT_EQ(plain.level(), 2u);
  EXPECT_EQ(Start().level(), 1u);
  EXPECT_EQ(Encoded(FromLauncher(Ended{.log_id = 1})).size(), 5 + 8 + 1 + 3 * 4 + 5 * 8u);
  std::string hello = Encoded(FromLauncher(Hello{.incarnation = "a"}));
  std::string_view in = hello;
  EXPECT_EQ(std::get<Hello>(**DecodeFromLauncher(in)).level, 1u);
  hello = Encoded(FromLauncher(Hello{.incarnation = "a", .level = kLevel}));
  in = hello;
  EXPECT_EQ(std::get<Hello>(**DecodeFromLauncher(in)).level, kLevel);
}

TEST(LauncherProtocolTest, AnEndComesBackAsSent) {
  Ended ended{.log_id = 1,
              .cause = Ended::Cause::kTimedOut,
              .exit_code = -1,
              .signal = 9,
              .spawn_errno = 11,
              .started_wall_us = 2,
              .ended_wall_us = 3,
              .log_begin = 4,
              .log_end = 5,
              .log_bytes = 6,
              .out_of_memory = true,
              .reason = "why"};
  std::string bytes = Encoded(FromLauncher(Known{Started{1, 2, 3, 4}, ended}));
  std::string_view in = bytes;
  auto message = DecodeFromLauncher(in);
  ASSERT_TRUE(message && *message);
  const Known& known = std::get<Known>(**message);
  EXPECT_EQ(known.started.pid, 2u);
  EXPECT_EQ(known.started.log_begin, 4u);
  ASSERT_TRUE(known.ended);
  EXPECT_EQ(known.ended->cause, Ended::Cause::kTimedOut);
  EXPECT_EQ(known.ended->exit_code, -1);
  EXPECT_EQ(known.ended->signal, 9);
  EXPECT_EQ(known.ended->spawn_errno, 11);
  EXPECT_EQ(known.ended->log_end, 5u);
  EXPECT_EQ(known.ended->log_bytes, 6);
  EXPECT_EQ(known.ended->reason, "why");
  EXPECT_TRUE(known.ended->out_of_memory);
}

TEST(LauncherProtocolTest, MessagesFollowEachOtherAndPartsAreWaitedFor) {
  std::string bytes = Encoded(ToLauncher(Hello{})) + Encoded(ToLauncher(Stop{7})) + Encoded(ToLauncher(Shutdown{}));
  std::string_view in = bytes;
  EXPECT_TRUE(std::holds_alternative<Hello>(**DecodeToLauncher(in)));
  EXPECT_EQ(std::get<Stop>(**DecodeToLauncher(in)).log_id, 7u);
  EXPECT_TRUE(std::holds_alternative<Shutdown>(**DecodeToLauncher(in)));
  EXPECT_TRUE(in.empty());

  std::string start = Encoded(ToLauncher(SomeStart()));
  for (size_t size = 0; size < start.size(); ++size) {
    std::string_view part = std::string_view(start).substr(0, size);
    auto message = DecodeToLauncher(part);
    ASSERT_TRUE(message) << size;
    EXPECT_FALSE(*message) << size;
  }
}

TEST(LauncherProtocolTest, EveryTruncatedBodyIsRefused) {
  std::string whole = Encoded(ToLauncher(SomeStart()));
  Start of_before = SomeStart();
  of_before.secrets.clear();
  const size_t of_level_2 = Encoded(ToLauncher(of_before)).size();
  of_before.limits = {};
  of_before.become.reset();
  of_before.sandbox = Sandbox::kNone;
  for (uint32_t length = 1; length + 4 < whole.size(); ++length) {
    if (length + 4 == Encoded(ToLauncher(of_before)).size()) continue;  // whole, without what level 2 has besides
    if (length + 4 == of_level_2) continue;                             // likewise of level 3
    std::string bytes = whole.substr(0, 4 + length);
    std::memcpy(bytes.data(), &length, sizeof length);
    std::string_view in = bytes;
    auto message = DecodeToLauncher(in);
    ASSERT_FALSE(message) << length;
    EXPECT_EQ(message.error().code, ErrorCode::kCorrupt);
  }
}

TEST(LauncherProtocolTest, UnknownTypesLengthsAndCountsAreRefused) {
  for (const std::string& bytes : {std::string("\0\0\0\0\x01", 5),          // no type
                                   std::string("\xff\xff\xff\x7f\x01", 5),  // longer than any message
                                   std::string("\1\0\0\0\x63", 5),          // type 99
                                   Encoded(FromLauncher(Ready{})),          // of the other direction
                                   std::string("\x1d\0\0\0\x02", 5) + std::string(8, '\1') + std::string(4, '\0') +
                                       std::string(16, '\xff')}) {  // 4 billion words in 16 bytes
    std::string_view in = bytes;
    EXPECT_FALSE(DecodeToLauncher(in)) << bytes.size();
  }
}

}  // namespace
}  // namespace cromt::launcher
