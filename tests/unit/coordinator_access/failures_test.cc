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
    EXPECT_TRUE(failures.MayTry("a", At(i)));
    failures.Add("a", At(i));
  }
  EXPECT_FALSE(failures.MayTry("a", At(100)));
  EXPECT_TRUE(failures.MayTry("b", At(100)));
  EXPECT_FALSE(failures.MayTry("a", At(59'999)));
  EXPECT_TRUE(failures.MayTry("a", At(60'000)));
}

TEST(FailuresTest, AFloodIsWrittenOnceASecondAndCounted) {
  Failures failures;
  EXPECT_TRUE(failures.Add("a", At(0)));
  EXPECT_FALSE(failures.Add("a", At(1)));
  EXPECT_FALSE(failures.Add("a", At(999)));
  EXPECT_TRUE(failures.Add("b", At(999)));
  EXPECT_TRUE(failures.Add("a", At(1000)));
  EXPECT_EQ(failures.TakeUnwritten("a"), 2);
  EXPECT_EQ(failures.TakeUnwritten("a"), 0);
}

TEST(FailuresTest, PlacesAreBounded) {
  Failures failures;
  for (size_t i = 0; i < Failures::kMostPlaces + 5; ++i) failures.Add(std::to_string(i), At(static_cast<int64_t>(i)));
  EXPECT_EQ(failures.places(), Failures::kMostPlaces);
}

}  // namespace
}  // namespace cromt
