// When refs are looked at, and that no dead server holds up others.
#include "core/polls.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "tests/unit/core/seeds.h"

namespace cromt {
namespace {

using End = Polls::End;

constexpr Mono kStart = Mono(std::chrono::hours(1));
constexpr Mono At(int64_t s) {
  return kStart + seconds(s);
}
WatchedRef Ref(const std::string& repository) {
  return {repository, "main"};
}

class PollsTest : public testing::Test {
 protected:
  void Watch(const std::string& repository, Duration interval = seconds(60), const std::string& server = "s") {
    polls_.Watch(Ref(repository), server, interval, At(0));
  }
  std::vector<std::string> Begin(int64_t s) {
    std::vector<std::string> names;
    for (const WatchedRef& ref : polls_.Begin(At(s))) names.push_back(ref.repository);
    return names;
  }
  bool Ended(const std::string& repository, End end, int64_t s) { return polls_.Ended(Ref(repository), end, At(s)); }

  Polls polls_;
};

using Names = std::vector<std::string>;

TEST_F(PollsTest, LooksAtOnceAndThenEachInterval) {
  Watch("a");
  EXPECT_EQ(polls_.NextDue(), At(0));
  EXPECT_EQ(Begin(0), Names{"a"});
  EXPECT_EQ(Begin(0), Names{});
  EXPECT_EQ(polls_.NextDue(), std::nullopt);
  EXPECT_TRUE(Ended("a", End::kGood, 2));
  EXPECT_EQ(polls_.NextDue(), At(62));
  EXPECT_EQ(Begin(61), Names{});
  EXPECT_EQ(Begin(62), Names{"a"});
}

TEST_F(PollsTest, WhatFailsIsLookedAtLessAndLess) {
  Watch("a");
  int64_t now = 0;
  std::vector<int64_t> waits;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(Begin(now), Names{"a"}) << i;
    Ended("a", i % 2 ? End::kSilent : End::kRefused, now);
    const int64_t next = std::chrono::duration_cast<seconds>(*polls_.NextDue() - kStart).count();
    waits.push_back(next - now);
    now = next;
  }
  EXPECT_EQ(waits, (std::vector<int64_t>{60, 120, 240, 480, 900, 900, 900, 900}));
  Begin(now);
  Ended("a", End::kGood, now);
  EXPECT_EQ(polls_.NextDue(), At(now + 60));
}

TEST_F(PollsTest, AnIntervalLongerThanTheBackOffStays) {
  Watch("a", std::chrono::hours(2));
  Begin(0);
  Ended("a", End::kSilent, 0);
  EXPECT_EQ(polls_.NextDue(), At(7200));
  Begin(7200);
  Ended("a", End::kSilent, 7200);
  EXPECT_EQ(polls_.NextDue(), At(14400));
}

TEST_F(PollsTest, WhatIsAskedForIsLookedAtOnceMoreIfItWasUnderWay) {
  polls_.Watch(Ref("a"), "s", std::nullopt, At(0));
  EXPECT_EQ(polls_.NextDue(), std::nullopt);
  polls_.Look(Ref("a"), At(5));
  EXPECT_EQ(Begin(5), Names{"a"});
  polls_.Look(Ref("a"), At(6));
  EXPECT_EQ(Begin(6), Names{});
  EXPECT_FALSE(Ended("a", End::kGood, 7));
  EXPECT_EQ(Begin(7), Names{"a"});
  EXPECT_TRUE(Ended("a", End::kGood, 8));
  EXPECT_EQ(polls_.NextDue(), std::nullopt);
}

TEST_F(PollsTest, WhatIsAskedForIsRepeatedUntilItWentWell) {
  polls_.Watch(Ref("a"), "s", std::nullopt, At(0));
  polls_.Look(Ref("a"), At(0));
  Begin(0);
  Ended("a", End::kSilent, 0);
  EXPECT_EQ(polls_.NextDue(), At(5));
  EXPECT_EQ(Begin(5), Names{"a"});
  Ended("a", End::kGood, 5);
  EXPECT_EQ(polls_.NextDue(), std::nullopt);
}

TEST_F(PollsTest, WhatIsForgottenEndsAndComesBackAsNew) {
  Watch("a");
  Begin(0);
  polls_.Forget(Ref("a"));
  Watch("a");  // before that has ended
  EXPECT_FALSE(Ended("a", End::kGood, 1));
  EXPECT_EQ(Begin(1), Names{"a"});
  polls_.Forget(Ref("a"));
  EXPECT_TRUE(Ended("a", End::kGood, 2));
  EXPECT_EQ(polls_.NextDue(), std::nullopt);
  EXPECT_TRUE(Ended("a", End::kGood, 2));  // nobody waits for it
}

TEST_F(PollsTest, AServerHasFewAtOnce) {
  for (int i = 0; i < 10; ++i) Watch(fmt::format("a{}", i));
  Watch("b", seconds(60), "other");
  EXPECT_EQ(Begin(0).size(), Polls::kOfAServer + 1);
  EXPECT_EQ(polls_.NextDue(), std::nullopt);  // until one ends
  Ended("a0", End::kGood, 0);
  EXPECT_EQ(Begin(0), Names{"a4"});
}

TEST_F(PollsTest, ServersThatFailShareFewOfAll) {
  for (int i = 0; i < 20; ++i) Watch(fmt::format("dead{:02}", i), seconds(10), fmt::format("d{}", i));
  for (const std::string& name : Begin(0)) Ended(name, End::kSilent, 0);
  Watch("good", seconds(60), "g");
  const Names begun = Begin(100);
  EXPECT_EQ(begun.size(), Polls::kOfFailing + 1);
  EXPECT_EQ(std::count(begun.begin(), begun.end(), "good"), 1);
}

// A thousand repositories whose servers never answer, and a hundred that do: those are looked at on time, always.
class DeadServersTest : public testing::TestWithParam<uint64_t> {};

TEST_P(DeadServersTest, HoldUpNobody) {
  constexpr int64_t kPatience = 20, kInterval = 60;
  Polls polls;
  SeededRandom random(GetParam());
  std::map<WatchedRef, int64_t> ends, last;  // of looks under way; when it was last begun
  for (int i = 0; i < 1000; ++i)
    polls.Watch(Ref(fmt::format("dead{}", i)), fmt::format("d{}", random.Below(500)), seconds(kInterval), At(0));
  int64_t worst = 0;
  for (int64_t now = 0; now < 7200; ++now) {
    if (now == 1800)  // the first round of the dead ones is over
      for (int i = 0; i < 100; ++i) {
        const std::string name = fmt::format("good{}", i);
        polls.Watch(Ref(name), fmt::format("g{}", i / 3), seconds(kInterval), At(now));
        last[Ref(name)] = now;
      }
    for (auto end = ends.begin(); end != ends.end();)
      if (end->second <= now) {
        polls.Ended(end->first, end->first.repository[0] == 'd' ? End::kSilent : End::kGood, At(now));
        end = ends.erase(end);
      } else {
        ++end;
      }
    for (const WatchedRef& ref : polls.Begin(At(now))) {
      const bool dead = ref.repository[0] == 'd';
      ASSERT_TRUE(ends.emplace(ref, now + (dead ? kPatience : 1)).second);
      if (!dead) worst = std::max(worst, now - std::exchange(last[ref], now));
    }
    ASSERT_LE(ends.size(), Polls::kAtOnce);
  }
  EXPECT_LE(worst, kInterval + 10);
}

INSTANTIATE_TEST_SUITE_P(PerSeed, DeadServersTest, Seeds(5));

}  // namespace
}  // namespace cromt
