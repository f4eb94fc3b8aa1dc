// Goal: what is reported of a failing seed is small, and fails in the same way.
#include "tests/sim/shrink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/simulate.h"

namespace cromt::sim {
namespace {

using testing::ElementsAre;

bool Has(const std::optional<std::set<uint64_t>>& numbers, uint64_t number) {
  return !numbers || numbers->contains(number);
}

// Of 20 starts and 50 faults these fail together: start 3 and faults 7 and 41. Without fault 41 something else does.
SimReport Fragile(const SimOptions& options) {
  SimReport report{.seed = options.seed, .part = options.part, .starts = 20, .jobs = 4, .drawn = 50};
  if (!Has(options.part.starts, 3) || !Has(options.part.faults, 7)) return report;
  report.violations = {Has(options.part.faults, 41) ? "invariant 2: a/1/1 was started twice" : "the step failed: x"};
  return report;
}

TEST(Shrink, FindsWhatIsNeededAndNoMore) {
  int told = 0;
  const Shrunk shrunk = Shrink({.seed = 5}, Fragile, 1000, [&](const std::string&) { ++told; });
  EXPECT_THAT(*shrunk.part.starts, ElementsAre(3));
  EXPECT_THAT(*shrunk.part.faults, ElementsAre(7, 41));
  EXPECT_FALSE(shrunk.part.self_starts);
  EXPECT_THAT(shrunk.report.violations, ElementsAre("invariant 2: a/1/1 was started twice"));
  EXPECT_GT(told, 3);
  EXPECT_LT(shrunk.tries, 200);
  EXPECT_EQ(ArgumentsFor(shrunk.part), "--starts 3 --faults 7,41 --jobs none --no-self-starts");
}

TEST(Shrink, StopsAtItsLimit) {
  EXPECT_EQ(Shrink({}, Fragile, 10, {}).tries, 10);
}

TEST(Shrink, OfAGoodSeedNothingIsLeftOut) {
  const Shrunk shrunk = Shrink({}, [](const SimOptions&) { return SimReport{.starts = 3, .drawn = 3}; }, 100, {});
  EXPECT_EQ(shrunk.tries, 1);
  EXPECT_EQ(ArgumentsFor(shrunk.part), "");
}

TEST(Shrink, AKindIsWhatIsSaidWithoutWhoAndHowMany) {
  EXPECT_EQ(KindOf("invariant 3: a/1/2 was started after p2"), KindOf("invariant 3: b/7/1 was started after p5"));
  EXPECT_NE(KindOf("invariant 3: x"), KindOf("invariant 2: x"));
  EXPECT_EQ(KindOf("agent 3's own check: y"), KindOf("agent 4's own check: y"));
  EXPECT_NE(KindOf("agent 3's own check: y"), KindOf("agent 3's own check: z"));
}

// A real one: a launcher that starts twice what it is told twice.
TEST(Shrink, OfTheWholeCluster) {
  SimOptions options{.bugs = {.forgetful_launcher = true}};
  while (options.seed < 20 && Simulate(options).violations.empty()) ++options.seed;
  const Shrunk shrunk = Shrink(options, Simulate, 300, {});
  ASSERT_FALSE(shrunk.report.violations.empty());
  EXPECT_LT(shrunk.part.starts->size() + shrunk.part.faults->size(), 6u);
  options.part = shrunk.part;
  EXPECT_EQ(Simulate(options).hash, shrunk.report.hash);
}

}  // namespace
}  // namespace cromt::sim
