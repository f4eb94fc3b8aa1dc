// Followers of a run: nothing is missed, a busy run wakes seldom, its end at once.
#include "coordinator/notifier.h"

#include <gtest/gtest.h>

#include <thread>

namespace cromt {
namespace {

using Clock = std::chrono::steady_clock;
constexpr Duration kCap = seconds(20);

void Change(Notifier& notifier, const char* run, bool finished = false) {
  RunChange change{RunId(run), finished};
  notifier.Changed({&change, 1});
}

TEST(Notifier, AChangeBetweenLookingAndWaitingIsNotMissed) {
  Notifier notifier;
  Notifier::Watch watch(notifier, RunId("r"));
  Change(notifier, "r");
  auto begin = Clock::now();
  EXPECT_TRUE(watch.Wait(kCap));
  EXPECT_LT(Clock::now() - begin, kCap);
}

TEST(Notifier, OtherRunsWakeNobody) {
  Notifier notifier;
  Notifier::Watch watch(notifier, RunId("r"));
  Change(notifier, "s", true);
  auto begin = Clock::now();
  EXPECT_TRUE(watch.Wait(milliseconds(5)));
  EXPECT_GE(Clock::now() - begin, milliseconds(5));
}

TEST(Notifier, ABusyRunWakesOnceAPause) {
  Notifier notifier;
  Notifier::Watch watch(notifier, RunId("r"));
  Change(notifier, "r");
  ASSERT_TRUE(watch.Wait(kCap));
  auto begin = Clock::now();
  Change(notifier, "r");
  notifier.OutputCame(RunId("r"));
  ASSERT_TRUE(watch.Wait(kCap));  // both
  EXPECT_GE(Clock::now() - begin, Notifier::kPause - milliseconds(1));
  begin = Clock::now();
  ASSERT_TRUE(watch.Wait(milliseconds(5)));
  EXPECT_GE(Clock::now() - begin, milliseconds(5)) << "a change was told twice";
}

// With a pause of minutes this would fail by its cap; the end of a run does not wait for it.
TEST(Notifier, TheEndOfARunEndsThePause) {
  Notifier notifier;
  Notifier::Watch watch(notifier, RunId("r"), kCap);
  Change(notifier, "r");
  ASSERT_TRUE(watch.Wait(kCap));
  auto begin = Clock::now();
  std::thread other([&] {
    Change(notifier, "r");
    Change(notifier, "r", true);
  });
  EXPECT_TRUE(watch.Wait(kCap));
  other.join();
  EXPECT_LT(Clock::now() - begin, kCap / 2);
  notifier.OutputCame(RunId("r"));  // output that comes late is told at once too
  EXPECT_TRUE(watch.Wait(kCap));
  EXPECT_LT(Clock::now() - begin, kCap / 2);
}

TEST(Notifier, StopEndsEveryWait) {
  Notifier notifier;
  Notifier::Watch watch(notifier, RunId("r"), kCap);
  Change(notifier, "r");
  ASSERT_TRUE(watch.Wait(kCap));
  Change(notifier, "r");
  std::thread other([&] { notifier.Stop(); });
  auto begin = Clock::now();
  EXPECT_FALSE(watch.Wait(kCap));
  EXPECT_FALSE(watch.Wait(kCap));
  other.join();
  EXPECT_LT(Clock::now() - begin, kCap / 2);
}

}  // namespace
}  // namespace cromt
