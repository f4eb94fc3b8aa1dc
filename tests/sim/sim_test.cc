// Goal: under every fault the simulator knows, invariants 1, 2, 3 and 5 hold and all comes to an end.
// Method: some seeds; a failing one prints the command that replays it. CROMT_SIM_SEEDS says how many, up to a hundred:
// the many are seeds_test.py's.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "tests/sim/simulate.h"

namespace cromt::sim {
namespace {

uint64_t Seeds() {
  uint64_t seeds = 100;
  if (const char* text = std::getenv("CROMT_SIM_SEEDS")) std::from_chars(text, text + std::strlen(text), seeds);
  return std::min<uint64_t>(seeds, 100);
}

TEST(Simulation, InvariantsHoldUnderFaults) {
  auto begin = std::chrono::steady_clock::now();
  uint64_t seeds = Seeds(), faults = 0, processes = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    SimReport report = Simulate({.seed = seed, .bugs = {}, .story = {}});
    EXPECT_TRUE(report.violations.empty()) << Summary(report);
    faults += report.faults;
    processes += report.processes;
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  fmt::print("{} seeds, {} faults, {} processes; {:.1f} seeds/s\n", seeds, faults, processes,
             static_cast<double>(seeds) / took.count());
  if (seeds < 100) return;
  EXPECT_GT(faults, seeds);  // or else nothing was tested
  EXPECT_GT(processes, 20 * seeds);
}

TEST(Simulation, SameSeedSameHash) {
  for (uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    SimReport once = Simulate({.seed = seed, .bugs = {}, .story = {}});
    SimReport again = Simulate({.seed = seed, .bugs = {}, .story = {}});
    EXPECT_EQ(JsonLine(once), JsonLine(again)) << "cromt-sim --seed " << seed << " -v";
  }
  EXPECT_NE(Simulate({.seed = 1, .bugs = {}, .story = {}}).hash, Simulate({.seed = 2, .bugs = {}, .story = {}}).hash);
}

TEST(Simulation, StoryDoesNotChangeIt) {
  size_t lines = 0;
  SimReport told = Simulate({.seed = 3, .bugs = {}, .story = [&](const std::string&) { ++lines; }});
  EXPECT_EQ(told.hash, Simulate({.seed = 3, .bugs = {}, .story = {}}).hash);
  EXPECT_GT(lines, 100u);
}

TEST(Simulation, JsonLineHasItsShape) {
  SimReport report{.seed = 7, .hash = 0xab, .events = 3, .simulated_seconds = 2, .faults = 1, .violations = {"x"}};
  EXPECT_EQ(JsonLine(report),
            "{\"seed\":7,\"hash\":\"00000000000000ab\",\"events\":3,\"simulated_seconds\":2,"
            "\"faults\":1,\"violations\":[\"x\"]}");
}

}  // namespace
}  // namespace cromt::sim
