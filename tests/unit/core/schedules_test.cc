// Schedules: what a tick becomes, and that each has its one line.
#include "core/schedules.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace cromt {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Lines = std::vector<std::string>;

// 2020-06-15 00:00 UTC.
constexpr Wall kMidnight = Wall(seconds(1'592'179'200));
constexpr Wall At(int hour, int minute = 0, int second = 0) {
  return kMidnight + hours(hour) + minutes(minute) + seconds(second);
}
std::string Clock(Wall t) {
  const auto s = std::chrono::duration_cast<seconds>(t - kMidnight).count();
  return fmt::format("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

class SchedulesTest : public testing::Test {
 protected:
  void SetUp() override { Boot(At(0), "boot1"); }

  // A new process that finds what was stored.
  void Boot(Wall now, const std::string& boot) {
    std::vector<ScheduleSet> rows;
    for (const auto& [project, row] : rows_) rows.push_back(row);
    std::vector<Paused> pauses;
    for (const auto& [project, pause] : pauses_) pauses.push_back(pause);
    schedules_ = Schedules();
    schedules_.Restore(rows, pauses, boot, now);
  }
  void Set(Schedule schedule, Wall now, uint64_t revision = 1) {
    schedule.cron = *ParseCron(schedule.crontab);
    schedules_.Set("p", revision, std::make_shared<const Schedule>(schedule), std::make_shared<const Zone>(Zone::Utc()),
                   now);
    Fold();
  }
  // The ticks that are to be planned, and the lines that were written.
  Lines Advance(Wall now) {
    due_ = schedules_.Advance(now, unfinished_, "the clock went past it");
    Lines lines = Fold();
    for (const DueTick& tick : due_) lines.push_back("plan " + Clock(tick.at));
    return lines;
  }
  Lines Started(const std::string& run, Wall now) {
    schedules_.Started(due_.at(0), RunId(run), now);
    return Fold();
  }
  Lines Fold() {
    Lines lines;
    for (Record& record : schedules_.TakeRecords()) {
      if (auto* row = std::get_if<ScheduleSet>(&record)) rows_[row->project] = *row;
      if (auto* dropped = std::get_if<ScheduleDropped>(&record)) rows_.erase(dropped->project);
      if (auto* pause = std::get_if<Paused>(&record)) pauses_[pause->project] = *pause;
      if (auto* unpaused = std::get_if<Unpaused>(&record)) pauses_.erase(unpaused->project);
      auto* tick = std::get_if<TickSettled>(&record);
      if (!tick) continue;
      std::string text = fmt::format("{} {}", ToString(tick->outcome), Clock(tick->first));
      if (tick->count != 1) text += fmt::format("-{} ({})", Clock(tick->last), tick->count);
      lines.push_back(text + (tick->run.empty() ? ": " + tick->why : " " + tick->run.text()));
    }
    return lines;
  }
  void Busy(const std::string& run) {
    unfinished_ = [run](const std::string&) { return run.empty() ? std::nullopt : std::optional(RunId(run)); };
  }

  Schedules schedules_;
  std::vector<DueTick> due_;
  std::map<std::string, ScheduleSet> rows_;
  std::map<std::string, Paused> pauses_;
  Schedules::Unfinished unfinished_ = [](const std::string&) { return std::optional<RunId>(); };
};

TEST_F(SchedulesTest, ATickIsPlannedOnceAndStarted) {
  Set({.crontab = "*/10 * * * *"}, At(1, 3));
  EXPECT_EQ(*schedules_.NextDue(), At(1, 10));
  EXPECT_EQ(Advance(At(1, 9, 59)), Lines{});
  EXPECT_EQ(Advance(At(1, 10)), Lines{"plan 01:10:00"});
  const std::vector<DueTick> planned = due_;
  EXPECT_EQ(Advance(At(1, 10, 30)), Lines{});
  due_ = planned;
  EXPECT_EQ(Started("r1", At(1, 10, 31)), Lines{"started 01:10:00 r1"});
  EXPECT_EQ(*schedules_.NextDue(), At(1, 20));
}

TEST_F(SchedulesTest, WhatWasPlannedWhenTheProcessEndedIsPlannedAgain) {
  Set({.crontab = "0 * * * *"}, At(0, 30));
  EXPECT_EQ(Advance(At(1)), Lines{"plan 01:00:00"});
  const RequestId request = RequestOf(due_.at(0));
  Boot(At(1, 20), "boot1");
  Set({.crontab = "0 * * * *"}, At(1, 20), 7);
  EXPECT_EQ(Advance(At(1, 20)), Lines{"plan 01:00:00"});
  EXPECT_EQ(RequestOf(due_.at(0)), request);
}

TEST_F(SchedulesTest, OfWhatWasMissedTheLastIsStarted) {
  Set({.crontab = "0 * * * *"}, At(0, 30));
  Boot(At(3, 30), "boot1");
  Set({.crontab = "0 * * * *"}, At(3, 30));
  EXPECT_EQ(Advance(At(3, 30)), (Lines{"missed 01:00:00: no coordinator was running then",
                                       "missed 02:00:00: no coordinator was running then", "plan 03:00:00"}));
}

TEST_F(SchedulesTest, OrNoneButOneThatIsNotLate) {
  Set({.crontab = "0 * * * *", .catch_up = CatchUp::kNone}, At(0, 30));
  EXPECT_EQ(Advance(At(2, 1, 1)),
            (Lines{"missed 01:00:00: the clock went past it", "missed 02:00:00: the clock went past it"}));
  EXPECT_EQ(Advance(At(3, 1)), Lines{"plan 03:00:00"});
}

TEST_F(SchedulesTest, ALongGapIsOneLine) {
  Set({.crontab = "* * * * *"}, At(0));
  EXPECT_EQ(Advance(At(2)), (Lines{"missed 00:01:00-01:59:00 (119): the clock went past it", "plan 02:00:00"}));
}

TEST_F(SchedulesTest, AClockThatJumpsTenYearsAndBackStartsOnceEach) {
  const auto years = hours(24 * 3653);
  Set({.crontab = "* * * * *"}, At(0));
  EXPECT_EQ(Advance(At(0) + years).size(), 2u);
  EXPECT_EQ(Started("r1", At(0) + years).size(), 1u);
  EXPECT_EQ(Advance(At(0, 0, 30)), Lines{});
  EXPECT_EQ(*schedules_.NextDue(), At(0, 1));
  EXPECT_EQ(Advance(At(0, 1)), Lines{"plan 00:01:00"});
}

TEST_F(SchedulesTest, AClockThatIsPutBackALittlePassesNothingTwice) {
  Set({.crontab = "*/10 * * * *"}, At(1));
  Advance(At(1, 10));
  Started("r1", At(1, 10));
  EXPECT_EQ(Advance(At(0, 50)), Lines{});
  EXPECT_EQ(Advance(At(1, 10)), Lines{});
  EXPECT_EQ(Advance(At(1, 20)), Lines{"plan 01:20:00"});
}

TEST_F(SchedulesTest, OverlapSkipsByDefault) {
  Set({.crontab = "0 * * * *"}, At(0, 30));
  Busy("r0");
  EXPECT_EQ(Advance(At(1)), Lines{"skipped 01:00:00: run r0 has not finished"});
  // Also where the run began while the tick was planned.
  Busy("");
  EXPECT_EQ(Advance(At(2)), Lines{"plan 02:00:00"});
  Busy("r1");
  EXPECT_EQ(schedules_.Refusal(due_.at(0), At(2), unfinished_), "run r1 has not finished");
}

TEST_F(SchedulesTest, AllowedOverlapStarts) {
  Set({.crontab = "0 * * * *", .overlap = Overlap::kAllow}, At(0, 30));
  Busy("r0");
  EXPECT_EQ(Advance(At(1)), Lines{"plan 01:00:00"});
  EXPECT_EQ(schedules_.Refusal(due_.at(0), At(1), unfinished_), "");
}

TEST_F(SchedulesTest, OneTickWaitsInTheQueueAlsoThroughARestart) {
  const Schedule schedule{.crontab = "0 * * * *", .overlap = Overlap::kQueue};
  Set(schedule, At(0, 30));
  Busy("r0");
  EXPECT_EQ(Advance(At(1)), Lines{});
  EXPECT_EQ(Advance(At(2)), Lines{"skipped 02:00:00: an earlier tick waits already"});
  Boot(At(2, 30), "boot1");
  Set(schedule, At(2, 30));
  EXPECT_EQ(Advance(At(2, 30)), Lines{});
  Busy("");
  EXPECT_EQ(Advance(At(2, 40)), Lines{"plan 01:00:00"});
  EXPECT_EQ(Started("r1", At(2, 40)), Lines{"started 01:00:00 r1"});
  EXPECT_EQ(*schedules_.NextDue(), At(3));
}

TEST_F(SchedulesTest, AQueuedTickThatMeetsARunWhileItIsPlannedWaitsOn) {
  Set({.crontab = "0 * * * *", .overlap = Overlap::kQueue}, At(0, 30));
  EXPECT_EQ(Advance(At(1)), Lines{"plan 01:00:00"});
  Busy("r0");
  EXPECT_TRUE(schedules_.Wait(due_.at(0), At(1), unfinished_));
  EXPECT_EQ(Advance(At(1, 1)), Lines{});
  Busy("");
  EXPECT_EQ(Advance(At(1, 2)), Lines{"plan 01:00:00"});
}

TEST_F(SchedulesTest, WhatIsPausedIsSkippedWithItsReason) {
  Set({.crontab = "0 * * * *"}, At(0, 30));
  schedules_.Pause({"p", "disk", "ann", At(0, 40), At(2, 30)});
  EXPECT_EQ(Advance(At(1)), Lines{"skipped 01:00:00: paused by ann: disk"});
  schedules_.Pause({"", "", "bob", At(1, 40), {}});
  Fold();
  Boot(At(1, 50), "boot1");
  Set({.crontab = "0 * * * *"}, At(1, 50));
  EXPECT_EQ(Advance(At(3)),
            (Lines{"missed 02:00:00: the clock went past it", "skipped 03:00:00: all projects were paused by bob"}));
  EXPECT_FALSE(schedules_.Unpause("q", At(3)));
  EXPECT_FALSE(schedules_.Unpause("p", At(3)));  // it has ended by itself
  EXPECT_TRUE(schedules_.Unpause("", At(3)));
  EXPECT_EQ(Advance(At(4)), Lines{"plan 04:00:00"});
}

TEST_F(SchedulesTest, OtherTicksCountFromWhenTheyAreSet) {
  Set({.crontab = "0 * * * *", .overlap = Overlap::kQueue}, At(0, 30));
  Busy("r0");
  Advance(At(1));
  Busy("");
  Set({.crontab = "*/30 * * * *"}, At(2, 10), 2);
  EXPECT_EQ(Advance(At(2, 10)), Lines{});
  EXPECT_EQ(rows_.at("p").revision, 2u);
  EXPECT_EQ(*schedules_.NextDue(), At(2, 30));
  EXPECT_EQ(Advance(At(2, 30)), Lines{"plan 02:30:00"});
  schedules_.Drop("p");
  EXPECT_EQ(Fold(), Lines{"skipped 02:30:00: the project has no schedule any more"});
  EXPECT_FALSE(schedules_.Expects(due_.at(0)));
  EXPECT_TRUE(rows_.empty());
  EXPECT_EQ(schedules_.NextDue(), std::nullopt);
}

TEST_F(SchedulesTest, AChangeWhileATickIsPlannedLeavesNothingBehind) {
  Set({.crontab = "0 * * * *"}, At(0, 30));
  EXPECT_EQ(Advance(At(1)), Lines{"plan 01:00:00"});
  const DueTick planned = due_.at(0);
  EXPECT_TRUE(schedules_.Expects(planned));
  Schedule other{.crontab = "*/30 * * * *", .cron = *ParseCron("*/30 * * * *")};
  schedules_.Set("p", 2, std::make_shared<const Schedule>(other), std::make_shared<const Zone>(Zone::Utc()), At(1, 1));
  EXPECT_EQ(Fold(), Lines{"skipped 01:00:00: its schedule was changed"});
  EXPECT_FALSE(schedules_.Expects(planned));
  EXPECT_EQ(Advance(At(1, 30)), Lines{"plan 01:30:00"});
}

TEST_F(SchedulesTest, AWaitingTickThatIsPlannedHasOneLineWhenItsScheduleChanges) {
  Set({.crontab = "0 * * * *", .overlap = Overlap::kQueue}, At(0, 30));
  Busy("r0");
  Advance(At(1));
  Busy("");
  EXPECT_EQ(Advance(At(1, 10)), Lines{"plan 01:00:00"});
  schedules_.Drop("p");
  EXPECT_EQ(Fold(), Lines{"skipped 01:00:00: the project has no schedule any more"});
}

TEST_F(SchedulesTest, WhatWasPlannedOrWaitsInAFutureThatIsNoneHoldsNothingUp) {
  for (const Overlap overlap : {Overlap::kSkip, Overlap::kQueue}) {
    rows_.clear();
    Boot(At(0), "boot1");
    Busy("");
    Set({.crontab = "0 * * * *", .overlap = overlap}, At(0, 30));
    if (overlap == Overlap::kQueue) Busy("r0");
    Advance(At(9000));
    Busy("");
    Lines again = Advance(At(1, 30));
    if (overlap == Overlap::kQueue) {
      EXPECT_EQ(again.size(), 1u);
      Started("r1", At(1, 30));
    } else {
      EXPECT_EQ(again, Lines{});
    }
    EXPECT_EQ(Advance(At(2)), Lines{"plan 02:00:00"});
  }
}

TEST_F(SchedulesTest, TheSameTicksUnderANewRevisionGoOn) {
  Set({.crontab = "0 * * * *"}, At(0, 30), 1);
  Set({.crontab = "0 * * * *", .catch_up = CatchUp::kNone}, At(1, 0, 30), 2);
  EXPECT_EQ(Advance(At(1, 0, 30)), Lines{"plan 01:00:00"});
  EXPECT_EQ(due_.at(0).revision, 1u);
}

TEST_F(SchedulesTest, RebootComesOnceInEachBoot) {
  Set({.crontab = "@reboot"}, At(0));
  EXPECT_EQ(Advance(At(1)), Lines{});
  Boot(At(2), "boot2");
  Set({.crontab = "@reboot"}, At(2));
  EXPECT_EQ(Advance(At(2)), Lines{"plan 02:00:00"});
  EXPECT_EQ(Started("r1", At(2)), Lines{"started 02:00:00 r1"});
  EXPECT_EQ(Advance(At(3)), Lines{});
  Boot(At(4), "boot2");
  Set({.crontab = "@reboot"}, At(4));
  EXPECT_EQ(Advance(At(5)), Lines{});
}

TEST_F(SchedulesTest, SplayMovesTheStartAndNotTheTick) {
  Set({.crontab = "0 * * * *", .splay = minutes(10)}, At(0, 30));
  const Wall due = *schedules_.NextDue();
  EXPECT_GE(due, At(1));
  EXPECT_LT(due, At(1, 10));
  EXPECT_EQ(Advance(due - seconds(1)), Lines{});
  EXPECT_EQ(Advance(due), Lines{"plan 01:00:00"});
}

TEST_F(SchedulesTest, WithoutAZoneNothingIsDue) {
  Schedule schedule{.crontab = "0 * * * *", .cron = *ParseCron("0 * * * *"), .timezone = "Gone/Away"};
  schedules_.Set("p", 1, std::make_shared<const Schedule>(schedule), Fail(ErrorCode::kNotFound, "no such zone"), At(0));
  EXPECT_EQ(schedules_.NextDue(), std::nullopt);
  Fold();
  EXPECT_EQ(Advance(At(5)), Lines{});
}

}  // namespace
}  // namespace cromt
