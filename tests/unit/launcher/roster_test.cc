// Goal: what protocol.h promises of attempts and results holds whoever asks, how often and in which order.
// Method: the roster alone; the test is launcher and agent.
#include "agent/launcher/roster.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

namespace cromt::launcher {
namespace {

using testing::ElementsAre;
using Verdict = Roster::Verdict;

Start StartOf(uint64_t log_id) {
  return {.log_id = log_id, .mark = "mark", .argv = {"true"}, .cwd = "/"};
}
Known EndedWith(uint64_t log_id, int exit_code) {
  return {{.log_id = log_id}, Ended{.log_id = log_id, .exit_code = exit_code}};
}

std::vector<std::string> Greeting(const Roster& roster) {
  std::vector<std::string> said;
  roster.Greet({.incarnation = "first"}, [&](const FromLauncher& message) {
    if (const auto* hello = std::get_if<Hello>(&message))
      said.push_back(fmt::format("{} of level {}", hello->incarnation, hello->level));
    else if (const auto* known = std::get_if<Known>(&message))
      said.push_back(known->ended ? fmt::format("{} ended with {}", known->started.log_id, known->ended->exit_code)
                                  : fmt::format("{} runs", known->started.log_id));
    else
      said.emplace_back(std::holds_alternative<Ready>(message) ? "ready" : "?");
  });
  return said;
}

TEST(Roster, AnAgentIsToldAllThatIsKnownUntilItForgetsThat) {
  Roster roster;
  const std::string hello = fmt::format("first of level {}", kLevel);
  EXPECT_THAT(Greeting(roster), ElementsAre(hello, "ready"));
  roster.Began({.log_id = 2});
  roster.Began({.log_id = 1});
  EXPECT_THAT(Greeting(roster), ElementsAre(hello, "1 runs", "2 runs", "ready"));
  roster.Keep(EndedWith(1, 7));
  EXPECT_THAT(Greeting(roster), ElementsAre(hello, "1 ended with 7", "2 runs", "ready"));
  EXPECT_THAT(Greeting(roster), ElementsAre(hello, "1 ended with 7", "2 runs", "ready"));
  EXPECT_EQ(roster.results(), 1u);
  roster.Forget(1);
  EXPECT_THAT(Greeting(roster), ElementsAre(hello, "2 runs", "ready"));
  EXPECT_EQ(roster.results(), 0u);
  EXPECT_FALSE(roster.idle());
}

TEST(Roster, WhatRunsOrIsUnknownIsNotForgotten) {
  Roster roster;
  roster.Began({.log_id = 1});
  roster.Forget(1);
  roster.Forget(2);
  EXPECT_FALSE(roster.idle());
  EXPECT_EQ(roster.Judge(StartOf(1)), Verdict::kKnown);
  roster.Keep(EndedWith(1, 0));
  roster.Forget(1);
  roster.Forget(1);
  EXPECT_TRUE(roster.idle());
  EXPECT_EQ(roster.results(), 0u);
}

TEST(Roster, WhatIsKnownBeginsNotAgainAlsoOnceItHasEnded) {
  Roster roster;
  EXPECT_EQ(roster.Judge(StartOf(1)), Verdict::kBegin);
  roster.Began({.log_id = 1});
  EXPECT_EQ(roster.Judge(StartOf(1)), Verdict::kKnown);
  roster.Keep(EndedWith(1, 0));
  EXPECT_EQ(roster.Judge(StartOf(1)), Verdict::kKnown);
  roster.Forget(1);
  EXPECT_EQ(roster.Judge(StartOf(1)), Verdict::kBegin);
}

TEST(Roster, OneThatLeavesBeginsNothingAndStillSaysWhatItKnows) {
  Roster roster;
  roster.Began({.log_id = 1});
  roster.Leave();
  EXPECT_EQ(roster.Judge(StartOf(2)), Verdict::kLeaving);
  EXPECT_EQ(roster.Judge(StartOf(1)), Verdict::kKnown);
  EXPECT_EQ(Greeting(roster).size(), 3u);
}

TEST(Roster, NoMoreIsKnownThanItsBound) {
  Roster roster;
  for (uint64_t id = 1; id < kMaxAttempts; ++id) roster.Began({.log_id = id});
  EXPECT_EQ(roster.Judge(StartOf(kMaxAttempts)), Verdict::kBegin);
  roster.Keep(EndedWith(kMaxAttempts, 0));
  EXPECT_EQ(roster.Judge(StartOf(kMaxAttempts + 1)), Verdict::kFull);
  roster.Forget(kMaxAttempts);
  EXPECT_EQ(roster.Judge(StartOf(kMaxAttempts + 1)), Verdict::kBegin);
}

TEST(Roster, WhatCantBeExecutedIsInvalid) {
  Roster roster;
  Start no_words = StartOf(1), relative = StartOf(1), nul = StartOf(1);
  no_words.argv.clear();
  relative.cwd = "work";
  nul.env = {std::string("A=\0b", 4)};
  for (const Start& start : {no_words, relative, nul}) EXPECT_EQ(roster.Judge(start), Verdict::kInvalid);
}

TEST(Roster, WhoseProcessWasNotMadeHasABeginningAndAnEnd) {
  const Known known = NotSpawned(StartOf(3), ENOMEM, "no room", WallFromMicros(5), 9);
  EXPECT_EQ(known.started.log_id, 3u);
  ASSERT_TRUE(known.ended);
  EXPECT_EQ(known.ended->cause, Ended::Cause::kNotSpawned);
  EXPECT_EQ(known.ended->spawn_errno, ENOMEM);
  EXPECT_EQ(known.ended->reason, "no room");
  EXPECT_EQ(known.ended->ended_wall_us, 5);
  EXPECT_EQ(known.ended->log_begin, 9u);
  EXPECT_EQ(known.ended->log_end, 9u);
}

}  // namespace
}  // namespace cromt::launcher
