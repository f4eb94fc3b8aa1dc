// What of the past goes: by number, by age, by bytes; never what is newest.
#include "core/retention.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace cromt {
namespace {

using std::chrono::hours;

const Wall kNow = WallFromMicros(int64_t{1'800'000'000} * 1'000'000);

// Newest first: '+' succeeded, '-' did not, '.' goes; each a day older than the one before it.
std::string Kept(std::string_view runs, int64_t keep, Duration age = {}) {
  RunSieve sieve(keep, age, kNow);
  std::string kept;
  Wall finished = kNow - kKeptAtLeast;
  for (char run : runs) {
    kept += sieve.Take({finished, run == '+'}).empty() ? run : '.';
    finished -= kDay;
  }
  return kept;
}

TEST(RetentionTest, TheNewestAreKeptAndTwiceAsManyWhereTheyFailed) {
  EXPECT_EQ(Kept("+++++", 3), "+++..");
  EXPECT_EQ(Kept("+-+--++--", 3), "+-+--....") << "all count, whatever became of them";
}

TEST(RetentionTest, OldOnesGoHoweverFewTheyAre) {
  EXPECT_EQ(Kept("++++", 100, 2 * kDay), "++..");
  EXPECT_EQ(Kept("+-----", 100, 2 * kDay), "+---..");
}

TEST(RetentionTest, TheNewestAndTheNewestThatSucceededAlwaysStay) {
  EXPECT_EQ(Kept("-----+++", 1), "--...+..");
  RunSieve sieve(1, kDay, kNow);
  EXPECT_EQ(sieve.Take({kNow - 1000 * kDay, false}), "");
  EXPECT_EQ(sieve.Take({kNow - 1001 * kDay, true}), "");
  EXPECT_EQ(sieve.Take({kNow - 1002 * kDay, true}),
            "runs are kept as long as they are among the newest 1 of their project");
}

TEST(RetentionTest, ZeroIsNoBound) {
  EXPECT_EQ(Kept("++++++++", 0), "++++++++");
  EXPECT_TRUE(OutputToRemove({{RunId("a"), 1'000'000, kNow}}, 0).empty());
}

TEST(RetentionTest, WhatHasJustEndedWaits) {
  RunSieve sieve(1, {}, kNow);
  EXPECT_EQ(sieve.Take({kNow, true}), "");
  EXPECT_FALSE(sieve.waits());
  EXPECT_EQ(sieve.Take({kNow - kKeptAtLeast + Duration(1), true}), "");
  EXPECT_TRUE(sieve.waits());
  EXPECT_NE(sieve.Take({kNow - kKeptAtLeast, true}), "");
}

TEST(RetentionTest, SaysWhy) {
  RunSieve sieve(2, 90 * kDay, kNow);
  EXPECT_EQ(sieve.Take({kNow, true}), "");
  EXPECT_EQ(sieve.Take({kNow - 91 * kDay, true}), "runs are kept for 90 days");
  EXPECT_EQ(sieve.Take({kNow - 181 * kDay, false}), "runs that did not succeed are kept for 180 days");
}

// Said as a sentence each, with all runs at hand.
bool Goes(const std::vector<EndedRun>& runs, size_t i, int64_t keep, Duration age) {
  if (i == 0 || runs[i].finished > kNow - kKeptAtLeast) return false;
  bool succeeded_before = false;
  for (size_t j = 0; j < i; ++j) succeeded_before |= runs[j].succeeded;
  if (runs[i].succeeded && !succeeded_before) return false;
  if (!runs[i].succeeded)
    return (keep > 0 && i >= 2 * static_cast<size_t>(keep)) || (age > Duration(0) && runs[i].finished + 2 * age < kNow);
  return (keep > 0 && i >= static_cast<size_t>(keep)) || (age > Duration(0) && runs[i].finished + age < kNow);
}

TEST(RetentionTest, AsSaidInSentencesForAnyRuns) {
  SeededRandom random(7);
  for (int round = 0; round < 2000; ++round) {
    const auto keep = static_cast<int64_t>(random.Below(6));
    const Duration age = hours(random.Below(60));
    std::vector<EndedRun> runs;
    for (uint64_t n = random.Below(25); n > 0; --n)
      runs.push_back({kNow - hours(random.Below(200)), random.Below(3) > 0});
    RunSieve sieve(keep, age, kNow);
    for (size_t i = 0; i < runs.size(); ++i) ASSERT_EQ(!sieve.Take(runs[i]).empty(), Goes(runs, i, keep, age)) << round;
  }
}

TEST(RetentionTest, TheOldestOutputGoesFirstAndNoneOfWhatGoesOn) {
  const std::vector<RunOutput> all = {{RunId("new"), 400, kNow},
                                      {RunId("on"), 500, std::nullopt},
                                      {RunId("old"), 100, kNow - kDay},
                                      {RunId("older"), 100, kNow - 2 * kDay}};
  EXPECT_TRUE(OutputToRemove(all, 1100).empty());
  EXPECT_EQ(OutputToRemove(all, 1090), (std::vector<RunOutput>{all[3]}));
  EXPECT_EQ(OutputToRemove(all, 1000), (std::vector<RunOutput>{all[3], all[2]}));
  EXPECT_EQ(OutputToRemove(all, 10), (std::vector<RunOutput>{all[3], all[2], all[0]}));
}

TEST(RetentionTest, OfAnyOutputAsLittleAsWillDoGoes) {
  SeededRandom random(9);
  for (int round = 0; round < 1000; ++round) {
    std::vector<RunOutput> all;
    int64_t total = 0;
    for (uint64_t n = random.Below(20); n > 0; --n) {
      all.push_back({RunId("r" + std::to_string(n)), static_cast<int64_t>(random.Below(1000)), std::nullopt});
      if (random.Below(4) > 0) all.back().finished = kNow - hours(random.Below(50));
      total += all.back().bytes;
    }
    const auto most = static_cast<int64_t>(1 + random.Below(8000));
    const auto gone = OutputToRemove(all, most);
    ASSERT_EQ(gone.empty(),
              total <= most || std::ranges::none_of(all, [](const auto& o) { return o.finished.has_value(); }));
    std::optional<Wall> last;
    for (const RunOutput& output : gone) {
      ASSERT_TRUE(output.finished);
      ASSERT_TRUE(!last || *last <= *output.finished);
      last = output.finished;
      ASSERT_GT(total, most - most / 20) << "one too many";
      total -= output.bytes;
    }
    const size_t finished =
        static_cast<size_t>(std::ranges::count_if(all, [](const auto& o) { return o.finished.has_value(); }));
    ASSERT_TRUE(gone.empty() || gone.size() == finished || total <= most - most / 20);
  }
}

}  // namespace
}  // namespace cromt
