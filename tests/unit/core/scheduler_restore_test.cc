// The coordinator may die at any moment: whatever its store then holds, a new scheduler takes it up and every run ends
// as it would have. Random workloads, each played to its end, and again from each moment at which a crash may strike.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/fake_mesh.h"
#include "tests/unit/core/random_plan.h"
#include "tests/unit/core/seeds.h"

namespace cromt {
namespace {

FakeMesh Workload(uint64_t seed) {
  std::mt19937_64 random(seed);
  FakeMesh mesh(seed);
  for (int i = 0; i < 4; ++i) mesh.Submit(RandomPlan(random));
  return mesh;
}

// A workload of this size ends within some hundred steps; one that hangs never does.
constexpr int kTooMany = 20'000;

// Takes up `mesh` as a new coordinator would and plays it to its end.
std::vector<std::string> GoOn(FakeMesh mesh, uint64_t seed) {
  mesh.on_stored = [](const FakeMesh&) {};
  mesh.Reseed(seed);
  Scheduler scheduler;
  mesh.Restore(scheduler);
  for (int step = 0; mesh.Step(scheduler); ++step)
    if (step == kTooMany) {
      ADD_FAILURE() << "the runs do not come to an end";
      break;
    }
  return mesh.Outcomes();
}

class RandomWorkload : public testing::TestWithParam<uint64_t> {};

TEST_P(RandomWorkload, EndsAlikeFromEveryMoment) {
  // Without any fault: what the outcome has to be.
  FakeMesh calm = Workload(GetParam());
  calm.faults = 0;
  std::vector<std::string> expected = GoOn(calm, GetParam());
  for (const std::string& run : expected) EXPECT_THAT(run, testing::Not(testing::HasSubstr("unfinished")));

  FakeMesh mesh = Workload(GetParam());
  std::vector<FakeMesh> moments;
  mesh.on_stored = [&](const FakeMesh& now) { moments.push_back(now); };
  Scheduler scheduler;
  for (int step = 0; step < kTooMany && mesh.Step(scheduler); ++step) moments.push_back(mesh);
  EXPECT_EQ(mesh.Outcomes(), expected);
  EXPECT_GT(moments.size(), 100u);

  for (size_t i = 0; i < moments.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "crash at moment " << i << " of " << moments.size());
    EXPECT_EQ(GoOn(moments[i], GetParam() + i), expected);
    if (testing::Test::HasFailure()) return;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomWorkload, Seeds(12));

// The same scheduler, restarted over and over within one history.
TEST_P(RandomWorkload, EndsAlikeWithManyRestarts) {
  FakeMesh calm = Workload(GetParam());
  calm.faults = 0;
  std::vector<std::string> expected = GoOn(calm, GetParam());
  FakeMesh mesh = Workload(GetParam());
  auto scheduler = std::make_unique<Scheduler>();
  for (int step = 1; mesh.Step(*scheduler); ++step) {
    ASSERT_LT(step, kTooMany);
    if (step % 97 != 0) continue;
    scheduler = std::make_unique<Scheduler>();
    mesh.Restore(*scheduler);
  }
  EXPECT_EQ(mesh.Outcomes(), expected);
}

// Which of end and cancel is first differs from history to history; that everything ends does not.
TEST_P(RandomWorkload, CanceledAtRandomEndsFromEveryMoment) {
  FakeMesh mesh = Workload(GetParam());
  mesh.cancels = 60;
  std::vector<FakeMesh> moments;
  mesh.on_stored = [&](const FakeMesh& now) { moments.push_back(now); };
  Scheduler scheduler;
  for (int step = 0; mesh.Step(scheduler); ++step) ASSERT_LT(step, kTooMany);
  for (size_t i = 0; i < moments.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "crash at moment " << i << " of " << moments.size());
    for (const std::string& run : GoOn(moments[i], GetParam() + i))
      EXPECT_THAT(run, testing::Not(testing::HasSubstr("unfinished")));
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace cromt
