// Ticks of real zones around the nights that people ask about. Each line is what a user would see.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/ticks.h"
#include "io/zone/zones.h"

namespace cromt {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;
using namespace std::chrono_literals;
using Times = std::vector<std::string>;

Wall Midnight(year_month_day utc) {
  return Wall(sys_days(utc).time_since_epoch());
}

class Daylight : public ::testing::Test {
 protected:
  // The first `count` ticks after noon (UTC) of the day before `day`.
  Times Around(const char* name, year_month_day day, std::string_view cron, size_t count) {
    auto zone = zones_.Find(name);
    auto schedule = ParseCron(cron);
    if (!zone || !schedule) return {"no such zone or schedule"};
    Times out;
    Wall at = Midnight(day) - 12h;
    while (out.size() < count) {
      at = NextTick(*schedule, **zone, at).value();
      out.push_back(FormatLocal(at, **zone));
    }
    return out;
  }

  Zones zones_{{Zones::SystemPlaces().root, "", "", std::nullopt}};
};

TEST_F(Daylight, Berlin) {
  EXPECT_EQ(Around("Europe/Berlin", 2026y / 3 / 29, "30 2 * * *", 3),
            (Times{"2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00", "2026-03-31T02:30:00+02:00"}));
  EXPECT_EQ(Around("Europe/Berlin", 2026y / 3 / 29, "0,30 2,3 * * *", 3),
            (Times{"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00"}));
  EXPECT_EQ(Around("Europe/Berlin", 2026y / 10 / 25, "30 2 * * *", 2),
            (Times{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}));
  EXPECT_EQ(Around("Europe/Berlin", 2026y / 10 / 25, "0,30 2,3 * * *", 4),
            (Times{"2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T03:00:00+01:00",
                   "2026-10-25T03:30:00+01:00"}));
  EXPECT_EQ(Around("Europe/Berlin", 2026y / 10 / 25, "30 */2 * * sun", 4),
            (Times{"2026-10-25T00:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00",
                   "2026-10-25T04:30:00+01:00"}));
  EXPECT_EQ(Around("Europe/Berlin", 2026y / 3 / 29, "30 * * * sun", 4),
            (Times{"2026-03-29T00:30:00+01:00", "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00",
                   "2026-03-29T04:30:00+02:00"}));
}

TEST_F(Daylight, NewYork) {
  EXPECT_EQ(Around("America/New_York", 2026y / 3 / 8, "15 2 * * *", 2),
            (Times{"2026-03-08T03:00:00-04:00", "2026-03-09T02:15:00-04:00"}));
  EXPECT_EQ(Around("America/New_York", 2026y / 11 / 1, "15,45 1 * * *", 3),
            (Times{"2026-11-01T01:15:00-04:00", "2026-11-01T01:45:00-04:00", "2026-11-02T01:15:00-05:00"}));
}

TEST_F(Daylight, LordHoweMovesByHalfAnHour) {
  EXPECT_EQ(Around("Australia/Lord_Howe", 2026y / 4 / 5, "40 1 * * *", 3),
            (Times{"2026-04-05T01:40:00+11:00", "2026-04-06T01:40:00+10:30", "2026-04-07T01:40:00+10:30"}));
  EXPECT_EQ(Around("Australia/Lord_Howe", 2026y / 10 / 4, "10 2 * * *", 2),
            (Times{"2026-10-04T02:30:00+11:00", "2026-10-05T02:10:00+11:00"}));
  EXPECT_EQ(Around("Australia/Lord_Howe", 2026y / 10 / 4, "20,40 2 * * *", 3),
            (Times{"2026-10-04T02:30:00+11:00", "2026-10-04T02:40:00+11:00", "2026-10-05T02:20:00+11:00"}));
}

TEST_F(Daylight, ApiaHadNoThirtiethOfDecember) {
  EXPECT_EQ(Around("Pacific/Apia", 2011y / 12 / 30, "0 8 * * *", 3),
            (Times{"2011-12-29T08:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T08:00:00+14:00"}));
  EXPECT_EQ(Around("Pacific/Apia", 2011y / 12 / 30, "0 8 30 * *", 2),
            (Times{"2011-12-31T00:00:00+14:00", "2012-01-30T08:00:00+14:00"}));
}

// Clocks go back for Ramadan, and forward after it.
TEST_F(Daylight, Casablanca) {
  EXPECT_EQ(Around("Africa/Casablanca", 2026y / 2 / 15, "30 2 * * *", 2),
            (Times{"2026-02-15T02:30:00+01:00", "2026-02-16T02:30:00+00:00"}));
  EXPECT_EQ(Around("Africa/Casablanca", 2026y / 3 / 22, "30 2 * * *", 2),
            (Times{"2026-03-22T03:00:00+01:00", "2026-03-23T02:30:00+01:00"}));
}

// Its standard time is the summer's, and its winter the exception; what clocks show is what counts.
TEST_F(Daylight, Dublin) {
  EXPECT_EQ(Around("Europe/Dublin", 2026y / 3 / 29, "30 1 * * *", 2),
            (Times{"2026-03-29T02:00:00+01:00", "2026-03-30T01:30:00+01:00"}));
  EXPECT_EQ(Around("Europe/Dublin", 2026y / 10 / 25, "30 1 * * *", 2),
            (Times{"2026-10-25T01:30:00+01:00", "2026-10-26T01:30:00+00:00"}));
}

// The gap lies before midnight since 2024: what is passed over is of two days, at one instant.
TEST_F(Daylight, Scoresbysund) {
  EXPECT_EQ(Around("America/Scoresbysund", 2026y / 3 / 28, "30 23 * * *", 3),
            (Times{"2026-03-27T23:30:00-02:00", "2026-03-29T00:00:00-01:00", "2026-03-29T23:30:00-01:00"}));
  EXPECT_EQ(Around("America/Scoresbysund", 2026y / 3 / 28, "@daily", 3),
            (Times{"2026-03-28T00:00:00-02:00", "2026-03-29T00:00:00-01:00", "2026-03-30T00:00:00-01:00"}));
  EXPECT_EQ(Around("America/Scoresbysund", 2026y / 10 / 25, "30 23 * * *", 3),
            (Times{"2026-10-24T23:30:00-01:00", "2026-10-25T23:30:00-02:00", "2026-10-26T23:30:00-02:00"}));
}

// A midnight that is passed over is made up for at 01:00.
TEST_F(Daylight, CairoPassesOverAMidnight) {
  EXPECT_EQ(Around("Africa/Cairo", 2026y / 4 / 24, "@daily", 2),
            (Times{"2026-04-24T01:00:00+03:00", "2026-04-25T00:00:00+03:00"}));
}

TEST_F(Daylight, AGapOfTenYearsIsCounted) {
  auto zone = zones_.Find("Europe/Berlin");
  ASSERT_TRUE(zone);
  const auto count = [&](std::string_view cron) {
    return TicksWithin(ParseCron(cron).value(), **zone, Midnight(2016y / 1 / 1), Midnight(2026y / 1 / 1)).count;
  };
  EXPECT_EQ(count("* * * * *"), 5'260'320U);  // all real minutes
  EXPECT_EQ(count("30 2 * * *"), 3'653U);     // one a day, also in the nights in March
  EXPECT_EQ(count("30 2 * * sun"), 522U);
  EXPECT_EQ(count("* 2 * * *"), 3'653U * 60 - 590);  // ten nights have one instead of sixty
}

}  // namespace
}  // namespace cromt
