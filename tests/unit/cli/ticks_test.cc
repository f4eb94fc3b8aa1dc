// cromt ticks, pause, unpause
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::HasSubstr;

class TicksTest : public CliTest {
 protected:
  TicksTest() {
    control_.listed_projects = {{.name = "nightly", .file = "mesh", .revision = 4}};
    control_.listed_ticks = {
        {"nightly", 4, At(7000), At(7000), 1, TickOutcome::kStarted, RunId("run1"), "", At(7001)},
        {"nightly", 4, At(6000), At(6000), 1, TickOutcome::kSkipped, {}, "run r0 has not finished", At(6001)},
        {"nightly", 4, At(1000), At(5000), 300, TickOutcome::kMissed, {}, "no coordinator was running then", At(5001)},
        {"nightly", 4, At(0), At(500), 0, TickOutcome::kMissed, {}, "the store was restored", At(501)}};
  }
};

TEST_F(TicksTest, ALineEach) {
  EXPECT_EQ(Cromt({"ticks", "nightly", "--limit", "9"}), 0);
  EXPECT_EQ(control_.project, "nightly");
  EXPECT_EQ(control_.limit, 9u);
  EXPECT_THAT(out(), HasSubstr("2026-11-22 18:34:38                               started  run1\n"));
  EXPECT_THAT(out(), HasSubstr("skipped  -     run r0 has not finished\n"));
  EXPECT_THAT(out(), HasSubstr("2026-11-22 18:34:32 to 2026-11-22 18:34:36 (300)  missed   -     no coordinator was"));
}

TEST_F(TicksTest, InJson) {
  EXPECT_EQ(Cromt({"ticks", "nightly", "-o", "json"}), 0);
  EXPECT_EQ(out(), Golden("ticks.json"));
}

TEST_F(TicksTest, NoneIsNoMistakeButNoProjectIs) {
  control_.listed_ticks.clear();
  EXPECT_EQ(Cromt({"ticks", "nightly"}), 0);
  EXPECT_THAT(out(), HasSubstr("no ticks yet"));
  EXPECT_EQ(Cromt({"ticks", "nightli"}), 2);
  EXPECT_EQ(Cromt({"ticks"}), 2);
  EXPECT_EQ(Cromt({"ticks", "nightly", "--limit", "0"}), 2);
}

TEST_F(TicksTest, PauseSaysWhoWhyAndForHowLong) {
  EXPECT_EQ(Cromt({"pause", "nightly", "--for", "2h", "--reason", "disk"}), 0);
  EXPECT_EQ(out(), "project nightly is paused\n");
  ASSERT_TRUE(control_.paused);
  EXPECT_EQ(control_.paused->project, "nightly");
  EXPECT_EQ(control_.paused->why, "disk");
  EXPECT_EQ(control_.paused->time, std::chrono::hours(2));
  EXPECT_EQ(Cromt({"unpause", "nightly"}), 0);
  EXPECT_EQ(out(), "project nightly is unpaused\n");
  EXPECT_EQ(Cromt({"unpause", "nightly"}), 2);
  EXPECT_EQ(Cromt({"pause", "--all"}), 0);
  EXPECT_EQ(out(), "all projects are paused\n");
  EXPECT_EQ(control_.paused->project, "");
  EXPECT_EQ(control_.paused->time, std::nullopt);
}

TEST_F(TicksTest, PauseWantsToKnowWhatIsMeant) {
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"pause"},
                                                {"pause", "p", "--all"},
                                                {"pause", "p", "--for", "0"},
                                                {"pause", "p", "--for", "x"},
                                                {"pause", "p", "--reason", "a\nb"},
                                                {"unpause"},
                                                {"unpause", "p", "--all"}}) {
    EXPECT_EQ(Cromt(wrong), 2);
    EXPECT_FALSE(control_.paused);
  }
}

}  // namespace
}  // namespace cromt::cli
