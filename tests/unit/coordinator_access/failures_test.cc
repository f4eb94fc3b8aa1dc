#include "coordinator/access/failures.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

Mono At(int64_t millis) {
  return MonoFromMicros(1'000'000'000 + millis * 1000);
}

TEST(FailuresTest, TooManyFromOnePlaceMustWait) {
  Failures failures;
  for (int i = 0; i < Failures::kMost; ++i) {
    EXPECT_TRUE(failures.MayTry("a", "t", At(i)));
    failures.Add("a", true, At(i));
  }
  EXPECT_FALSE(failures.MayTry("a", "t", At(100)));
  EXPECT_TRUE(failures.MayTry("b", "t", At(100)));
  EXPECT_FALSE(failures.MayTry("a", "t", At(59'999)));
  EXPECT_TRUE(failures.MayTry("a", "t", At(60'000)));
}

TEST(FailuresTest, WhoGotInFromThereBeforeStillDoes) {
  Failures failures;
  failures.Good("a", "t");
  for (int i = 0; i < Failures::kMost; ++i) failures.Add("a", true, At(i));
  EXPECT_TRUE(failures.MayTry("a", "t", At(100)));
  EXPECT_FALSE(failures.MayTry("a", "u", At(100)));
  failures.Good("b", "u");
  EXPECT_FALSE(failures.MayTry("a", "u", At(100)));
}

TEST(FailuresTest, WhoIsKnownAndMayNotIsNotGuessing) {
  Failures failures;
  for (int i = 0; i < 2 * Failures::kMost; ++i) failures.Add("a", false, At(i));
  EXPECT_TRUE(failures.MayTry("a", "t", At(100)));
}

TEST(FailuresTest, AFloodIsWrittenOnceASecondAndCounted) {
  Failures failures;
  EXPECT_TRUE(failures.Add("a", false, At(0)));
  EXPECT_FALSE(failures.Add("a", false, At(1)));
  EXPECT_FALSE(failures.Add("a", false, At(999)));
  EXPECT_TRUE(failures.Add("b", false, At(999)));
  EXPECT_TRUE(failures.Add("a", false, At(1000)));
  EXPECT_EQ(failures.TakeUnwritten("a"), 2);
  EXPECT_EQ(failures.TakeUnwritten("a"), 0);
}

TEST(FailuresTest, PlacesAreBounded) {
  Failures failures;
  for (size_t i = 0; i < Failures::kMostPlaces + 5; ++i)
    failures.Add(std::to_string(i), true, At(static_cast<int64_t>(i)));
  EXPECT_EQ(failures.places(), Failures::kMostPlaces);
}

}  // namespace
}  // namespace cromt
