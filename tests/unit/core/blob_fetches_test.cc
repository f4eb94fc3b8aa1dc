// Goal: each blob is fetched once, no holder takes all places, and a call that breaks is made again for as long as that
// helps.
// Method: line and tries alone; the test is callers, holders and clock.
#include "core/blob_fetches.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cromt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

LeaseInput Blob(const std::string& sha256, const std::string& holder) {
  LeaseInput input;
  input.artifact.digest = {sha256, 10};
  input.holder = AgentId(holder);
  return input;
}

std::vector<std::string> Begun(FetchLine& line) {
  std::vector<std::string> begun;
  EXPECT_EQ(line.has_next(), line.has_next());
  while (auto next = line.Next()) begun.push_back(next->artifact.digest.sha256);
  EXPECT_FALSE(line.has_next());
  return begun;
}

TEST(FetchLine, WhatWaitsOrIsUnderWayIsNotFetchedTwice) {
  FetchLine line;
  EXPECT_TRUE(line.Add(Blob("a", "x")));
  EXPECT_FALSE(line.Add(Blob("a", "y")));
  EXPECT_THAT(Begun(line), ElementsAre("a"));
  EXPECT_FALSE(line.Add(Blob("a", "x")));
  line.Done({"a", 10});
  EXPECT_TRUE(line.Add(Blob("a", "x")));
  EXPECT_THAT(Begun(line), ElementsAre("a"));
}

TEST(FetchLine, NoHolderTakesAllPlaces) {
  FetchLine line;
  for (int i = 0; i < 7; ++i) line.Add(Blob(fmt::format("slow{}", i), "slow"));
  line.Add(Blob("other", "fast"));
  line.Add(Blob("more", "fast"));
  EXPECT_THAT(Begun(line), ElementsAre("slow0", "slow1", "slow2", "slow3", "other"));
  line.Done({"other", 10});
  EXPECT_THAT(Begun(line), ElementsAre("more"));
  line.Done({"slow2", 10});
  EXPECT_THAT(Begun(line), ElementsAre("slow4"));
}

TEST(FetchLine, WhatIsNotUnderWayIsNotDone) {
  FetchLine line;
  line.Done({"a", 10});
  line.Add(Blob("a", "x"));
  line.Done({"a", 10});
  EXPECT_FALSE(line.Add(Blob("a", "x")));
  EXPECT_THAT(Begun(line), ElementsAre("a"));
}

class FetchTryTest : public testing::Test {
 protected:
  // "done", the pause, or why it was given up.
  std::string Ended(int64_t have, Status status) {
    auto next = attempt_.CallEnded(have, std::move(status), now_);
    if (!next) return next.error().message;
    return *next ? FormatDuration(**next) : "done";
  }
  static Status Broken(ErrorCode code = ErrorCode::kUnavailable) { return Fail(code, "it broke"); }

  Mono now_ = MonoFromMicros(1'000'000);
  FetchTry attempt_{100, {.turn = seconds(60), .whole = seconds(600)}, now_};
};

TEST_F(FetchTryTest, AllBytesAreAllHoweverTheCallEnded) {
  EXPECT_EQ(Ended(100, Broken(ErrorCode::kDenied)), "done");
}

TEST_F(FetchTryTest, ACallThatBroughtSomethingCountsAnew) {
  for (int64_t have = 1; have < 100; ++have) EXPECT_EQ(Ended(have, Broken()), FormatDuration(FetchTry::kFirstPause));
  EXPECT_EQ(Ended(99, Broken()), FormatDuration(FetchTry::kFirstPause * 2));
  EXPECT_EQ(Ended(99, Broken()), FormatDuration(FetchTry::kFirstPause * 4));
  EXPECT_EQ(Ended(99, Broken()), "it broke");
}

TEST_F(FetchTryTest, ACallThatEndsWellWithoutAllIsNoEnd) {
  EXPECT_EQ(Ended(50, {}), FormatDuration(FetchTry::kFirstPause));
  EXPECT_EQ(Ended(100, {}), "done");
}

TEST_F(FetchTryTest, WhatDoesNotPassIsNotTriedAgain) {
  EXPECT_EQ(Ended(50, Broken(ErrorCode::kNotFound)), "it broke");
  EXPECT_EQ(Ended(60, Broken(ErrorCode::kDenied)), "it broke");
}

TEST_F(FetchTryTest, AHolderThatServesOthersIsAskedForAWhile) {
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(Ended(0, Broken(ErrorCode::kExhausted)), FormatDuration(FetchTry::kFirstPause));
  now_ += seconds(60);
  Ended(0, Broken(ErrorCode::kExhausted));
  Ended(0, Broken(ErrorCode::kExhausted));
  EXPECT_EQ(Ended(0, Broken(ErrorCode::kExhausted)), "it broke");
}

TEST_F(FetchTryTest, OneThatTakesTooLongIsGivenUpThoughSomethingComes) {
  now_ += seconds(600);
  EXPECT_FALSE(attempt_.is_late(now_));
  now_ += milliseconds(1);
  EXPECT_TRUE(attempt_.is_late(now_));
  EXPECT_THAT(Ended(50, Broken()), HasSubstr("it has not all come within"));
}

}  // namespace
}  // namespace cromt
