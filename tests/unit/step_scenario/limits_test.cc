// Hostile scenarios cost a bounded amount of work and memory, and say which bound they hit.
#include <gtest/gtest.h>

#include "tests/unit/step_scenario/fake_host.h"

namespace cromt::step {
namespace {

TEST(Limits, StatementsExecuted) {
  EXPECT_EQ(RunText("for 1..100 { for 1..100 { my $x = 1 } }", {}, {.statements = 1000}).error,
            "s:1:27: more than 1000 statements executed");
  EXPECT_NE(RunText("for 1..99999 { for 1..99999 { my $x = 1 } }").error.find("more than 100000 statements executed"),
            std::string::npos);
  Ran fits = RunText("for 1..99 { my $x = $_ }", {}, {.statements = 100});
  EXPECT_EQ(fits.error, "");
}

TEST(Limits, Ranges) {
  EXPECT_EQ(RunText("for 1..9223372036854775807 { }").error, "s:1:5: a range of more than 100000 numbers");
  EXPECT_EQ(RunText("my @l = ^1000000000;").error, "s:1:9: a range of more than 100000 numbers");
  EXPECT_EQ(SaidBy("for 9223372036854775806..9223372036854775807 { say $_ }"),
            "9223372036854775806\n9223372036854775807");
}

TEST(Limits, Texts) {
  EXPECT_EQ(RunText("my $x = 'aaaaaaaa'; for 1..40 { $x ~= $x }").error, "s:1:36: a text of more than 1 MiB");
  EXPECT_EQ(RunText("my $x = 'aaaaaaaa'; for 1..17 { $x ~= $x }; say \"$x$x$x\"").error,
            "s:1:49: a text of more than 1 MiB");
  FakeHost host;
  host.environment["X"] = std::string(kMaxTextBytes + 1, 'x');
  EXPECT_EQ(RunText("say 1 if %*ENV<X>", host).error, "s:1:10: a text of more than 1 MiB");
}

// Lists in lists share their parts: what they would print doubles with each round.
TEST(Limits, Values) {
  EXPECT_EQ(RunText("my $x = 'a'; for 1..60 { $x = [$x, $x] }").error, "s:1:31: a value of more than 4 MiB");
  EXPECT_EQ(RunText("my $x = 'a'; for 1..90 { $x = [$x,] }").error, "s:1:31: a value nested more than 64 deep");
  EXPECT_EQ(RunText("my $x = 'a'; for 1..90 { $x = { a => $x } }").error, "s:1:31: a value nested more than 64 deep");
}

TEST(Limits, Work) {
  EXPECT_NE(RunText("my $x = 'a'; for 1..19 { $x ~= $x }; for 1..99999 { my $y = $x }").error.find("computes too much"),
            std::string::npos);
  EXPECT_NE(RunText("my $x = [1..50000]; for 1..99999 { my @l = $x<> }").error.find("computes too much"),
            std::string::npos);
}

TEST(Limits, WhatTheHostGives) {
  Value deep{List{}};
  for (int i = 0; i < 200; ++i) deep = {List{deep}};
  FakeHost host;
  host.config = {Map{{"a", deep}}};
  EXPECT_EQ(RunText("say config()<a>", host).error, "s:1:5: a value nested more than 64 deep");
  FakeHost task;
  task.outcomes["t"].value = {Map{{"a", {std::string(kMaxDatumBytes, 'x')}}}};
  EXPECT_EQ(RunText("task-run 't'", task).error, "s:1:1: a value of more than 4 MiB");
}

}  // namespace
}  // namespace cromt::step
