// Ticks in zones made by hand: every way that clocks may jump, and the edges of what is told. Real zones are in
// tests/unit/zone.
#include "core/ticks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cromt {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

CronSchedule Cron(std::string_view text) {
  auto schedule = ParseCron(text);
  EXPECT_TRUE(schedule) << text << ": " << (schedule ? "" : schedule.error().message);
  return schedule.value_or(CronSchedule());
}

// 2020-06-15 00:00 UTC, a Monday.
constexpr Wall kMonday = Wall(seconds(1'592'179'200));

// Clocks show UTC, and are put `by` forward (or back) at kMonday plus `when`, for good.
Zone Jump(Duration when, seconds by) {
  const std::vector<Zone::Change> changes = {{kMonday + when, by}};
  return Zone("Test/Jump", seconds(0), changes);
}

std::string Text(std::optional<Wall> t, const Zone& zone) {
  return t ? FormatLocal(*t, zone) : "never";
}

// The ticks after `after` and at or before `until`, without their dates. The other functions must agree.
std::vector<std::string> Ticks(std::string_view cron, const Zone& zone, Wall after, Wall until) {
  const CronSchedule schedule = Cron(cron);
  std::vector<std::string> out;
  Wall last = after;
  for (auto tick = NextTick(schedule, zone, after); tick && *tick <= until; tick = NextTick(schedule, zone, *tick)) {
    EXPECT_GT(*tick, last);
    if (*tick <= last) break;
    EXPECT_EQ(LastTick(schedule, zone, *tick), *tick);
    if (last != after) {
      EXPECT_EQ(LastTick(schedule, zone, *tick - Duration(1)), last);
    }
    last = *tick;
    out.push_back(FormatLocal(*tick, zone).substr(11, 5) + FormatLocal(*tick, zone).substr(19));
    EXPECT_EQ(TicksWithin(schedule, zone, after, *tick).count, out.size());
  }
  EXPECT_EQ(TicksWithin(schedule, zone, after, until).count, out.size());
  return out;
}

// Until the clocks show Tuesday, however long that is.
std::vector<std::string> OnMonday(std::string_view cron, const Zone& zone) {
  return Ticks(cron, zone, kMonday - Duration(1), kMonday + days(1) - zone.spans().back().offset - Duration(1));
}

using Times = std::vector<std::string>;

TEST(Ticks, WithoutJumps) {
  const Zone utc = Zone::Utc();
  EXPECT_EQ(OnMonday("30 4,16 * * *", utc), (Times{"04:30+00:00", "16:30+00:00"}));
  EXPECT_EQ(OnMonday("0 */8 * * *", utc), (Times{"00:00+00:00", "08:00+00:00", "16:00+00:00"}));
  EXPECT_EQ(OnMonday("* * * * *", utc).size(), 1440U);
  EXPECT_EQ(OnMonday("0 0 * * tue-sun", utc), Times{});
}

TEST(Ticks, AfterIsNeverAt) {
  const CronSchedule hourly = Cron("@hourly");
  const Zone utc = Zone::Utc();
  EXPECT_EQ(NextTick(hourly, utc, kMonday - Duration(1)), kMonday);
  EXPECT_EQ(NextTick(hourly, utc, kMonday), kMonday + hours(1));
  EXPECT_EQ(NextTick(hourly, utc, kMonday + Duration(1)), kMonday + hours(1));
  EXPECT_EQ(LastTick(hourly, utc, kMonday), kMonday);
  EXPECT_EQ(LastTick(hourly, utc, kMonday - Duration(1)), kMonday - hours(1));
}

TEST(Ticks, DatesAndWeekdays) {
  const Zone utc = Zone::Utc();
  const auto next = [&](std::string_view cron) { return Text(NextTick(Cron(cron), utc, kMonday), utc).substr(0, 16); };
  EXPECT_EQ(next("0 8 13 * *"), "2020-07-13T08:00");
  EXPECT_EQ(next("0 8 13 * fri"), "2020-06-19T08:00");
  EXPECT_EQ(next("0 8 17 * fri"), "2020-06-17T08:00");
  EXPECT_EQ(next("0 0 31 * *"), "2020-07-31T00:00");
  EXPECT_EQ(next("0 0 31 feb-apr *"), "2021-03-31T00:00");
  EXPECT_EQ(next("@weekly"), "2020-06-21T00:00");
  EXPECT_EQ(next("@monthly"), "2020-07-01T00:00");
  EXPECT_EQ(next("@yearly"), "2021-01-01T00:00");
  EXPECT_EQ(next("0 0 29 2 *"), "2024-02-29T00:00");
}

TEST(Ticks, TheRarestDay) {
  const Zone utc = Zone::Utc();
  const CronSchedule leap = Cron("59 23 29 2 *");
  const Wall in_2096 = Wall(seconds(3'981'398'340));
  EXPECT_EQ(Text(in_2096, utc), "2096-02-29T23:59:00+00:00");
  EXPECT_EQ(NextTick(leap, utc, in_2096 - Duration(1)), in_2096);
  EXPECT_EQ(Text(NextTick(leap, utc, in_2096), utc), "2104-02-29T23:59:00+00:00");
  EXPECT_EQ(LastTick(leap, utc, *NextTick(leap, utc, in_2096) - Duration(1)), in_2096);
}

TEST(Ticks, AnHourForward) {
  const Zone zone = Jump(hours(2), hours(1));  // 02:00 becomes 03:00
  EXPECT_EQ(OnMonday("30 2 * * *", zone), Times{"03:00+01:00"});
  EXPECT_EQ(OnMonday("0,15,30 2 * * *", zone), Times{"03:00+01:00"});
  EXPECT_EQ(OnMonday("0 2 * * *", zone), Times{"03:00+01:00"});
  EXPECT_EQ(OnMonday("0 3 * * *", zone), Times{"03:00+01:00"});
  EXPECT_EQ(OnMonday("0 2,3 * * *", zone), Times{"03:00+01:00"});  // one instant is one tick
  EXPECT_EQ(OnMonday("30 1-4 * * *", zone), (Times{"01:30+00:00", "03:00+01:00", "03:30+01:00", "04:30+01:00"}));
  EXPECT_EQ(OnMonday("59 1 * * *", zone), Times{"01:59+00:00"});
  EXPECT_EQ(OnMonday("30 2 * * tue", zone), Times{});  // what was passed over was Monday's
  EXPECT_EQ(OnMonday("30 */2 * * *", zone).size(), 11U);
  EXPECT_EQ(OnMonday("30 * * * *", zone).size(), 23U);
  EXPECT_EQ(OnMonday("30 0-23 * * *", zone).size(), 24U);  // one for 02:30, at 03:00
  EXPECT_EQ(OnMonday("* 2 * * *", zone), Times{"03:00+01:00"});
}

TEST(Ticks, AnHourBack) {
  const Zone zone = Jump(hours(3), -hours(1));  // 03:00 becomes 02:00
  EXPECT_EQ(OnMonday("30 2 * * *", zone), Times{"02:30+00:00"});
  EXPECT_EQ(OnMonday("0 3 * * *", zone), Times{"03:00-01:00"});
  EXPECT_EQ(OnMonday("30 1-3 * * *", zone), (Times{"01:30+00:00", "02:30+00:00", "03:30-01:00"}));
  EXPECT_EQ(OnMonday("* 2 * * *", zone).size(), 60U);
  EXPECT_EQ(Ticks("30 * * * *", zone, kMonday + hours(1), kMonday + hours(5)),
            (Times{"01:30+00:00", "02:30+00:00", "02:30-01:00", "03:30-01:00"}));
  EXPECT_EQ(Ticks("0 */2 * * *", zone, kMonday - Duration(1), kMonday + hours(6)),
            (Times{"00:00+00:00", "02:00+00:00", "02:00-01:00", "04:00-01:00"}));
  // Asked from within the hour that comes again.
  EXPECT_EQ(Text(NextTick(Cron("30 2 * * *"), zone, kMonday + hours(3)), zone), "2020-06-16T02:30:00-01:00");
  EXPECT_EQ(Text(LastTick(Cron("50 2 * * *"), zone, kMonday + hours(3) + minutes(20)), zone),
            "2020-06-15T02:50:00+00:00");
}

TEST(Ticks, ADayThatNeverWas) {
  const Zone zone = Jump(days(1), days(1));  // Monday 24:00 becomes Wednesday 00:00
  const auto ticks = [&](std::string_view cron) { return Ticks(cron, zone, kMonday - Duration(1), kMonday + days(2)); };
  EXPECT_EQ(ticks("0 8 * * *"), (Times{"08:00+00:00", "00:00+24:00", "08:00+24:00"}));
  EXPECT_EQ(ticks("0 8,9 * * tue"), Times{"00:00+24:00"});
  EXPECT_EQ(ticks("0 0 * * tue,wed"), Times{"00:00+24:00"});
  EXPECT_EQ(ticks("0 * * * tue"), Times{});
}

TEST(Ticks, ADayThatCameTwice) {
  const Zone zone = Jump(days(1), -days(1));
  const auto ticks = [&](std::string_view cron) { return Ticks(cron, zone, kMonday - Duration(1), kMonday + days(3)); };
  EXPECT_EQ(ticks("0 8 * * *"), (Times{"08:00+00:00", "08:00-24:00"}));
  EXPECT_EQ(ticks("0 8 * * mon"), Times{"08:00+00:00"});
  EXPECT_EQ(ticks("0 */12 * * mon").size(), 4U);
}

TEST(Ticks, AGapOverMidnight) {
  const Zone zone = Jump(hours(23) + minutes(30), hours(1));  // 23:30 becomes 00:30
  EXPECT_EQ(Ticks("45 23 * * mon", zone, kMonday, kMonday + days(1)), Times{"00:30+01:00"});
  EXPECT_EQ(Ticks("@daily", zone, kMonday, kMonday + days(1)), Times{"00:30+01:00"});
  EXPECT_EQ(Ticks("15 0 * * tue", zone, kMonday, kMonday + days(1)), Times{"00:30+01:00"});
}

// Passed over, made up for, and then shown after all: that is no second time.
TEST(Ticks, ForwardAndSoonBack) {
  const std::vector<Zone::Change> changes = {{kMonday + hours(2), hours(1)},
                                             {kMonday + hours(2) + minutes(10), hours(0)}};
  const Zone zone("Test/Twice", seconds(0), changes);
  EXPECT_EQ(OnMonday("30 2 * * *", zone), Times{"03:00+01:00"});
  EXPECT_EQ(OnMonday("5 2,3 * * *", zone), (Times{"03:00+01:00", "03:05+01:00"}));
  EXPECT_EQ(OnMonday("15 3 * * *", zone), Times{"03:15+00:00"});
  EXPECT_EQ(OnMonday("30 * * * *", zone).size(), 24U);
}

TEST(Ticks, OffsetsOfSeconds) {
  const Zone zone = Jump(hours(2), minutes(44) + seconds(30));
  EXPECT_EQ(Text(NextTick(Cron("0 2 * * *"), zone, kMonday), zone), "2020-06-15T02:44:30+00:44");
  EXPECT_EQ(Text(NextTick(Cron("50 2 * * *"), zone, kMonday), zone), "2020-06-15T02:50:00+00:44");
  EXPECT_EQ(OnMonday("0 */6 * * *", zone), (Times{"00:00+00:00", "06:00+00:44", "12:00+00:44", "18:00+00:44"}));
}

TEST(Ticks, TheEdgesOfTime) {
  const Zone utc = Zone::Utc();
  const CronSchedule minutely = Cron("* * * * *");
  EXPECT_EQ(NextTick(minutely, utc, Wall::min()), kZonesBegin);
  EXPECT_EQ(NextTick(minutely, utc, kZonesBegin), kZonesBegin + minutes(1));
  EXPECT_EQ(NextTick(minutely, utc, kZonesEnd - minutes(1)), std::nullopt);
  EXPECT_EQ(NextTick(minutely, utc, kZonesEnd), std::nullopt);
  EXPECT_EQ(NextTick(minutely, utc, Wall::max()), std::nullopt);
  EXPECT_EQ(LastTick(minutely, utc, Wall::max()), kZonesEnd - minutes(1));
  EXPECT_EQ(LastTick(minutely, utc, kZonesBegin), kZonesBegin);
  EXPECT_EQ(LastTick(minutely, utc, kZonesBegin - Duration(1)), std::nullopt);
  EXPECT_EQ(LastTick(minutely, utc, Wall::min()), std::nullopt);
  const TickRange all = TicksWithin(minutely, utc, Wall::min(), Wall::max());
  EXPECT_EQ(all.count, static_cast<uint64_t>((kZonesEnd - kZonesBegin) / minutes(1)));
  EXPECT_EQ(all.first, kZonesBegin);
  EXPECT_EQ(all.last, kZonesEnd - minutes(1));
  EXPECT_EQ(TicksWithin(minutely, utc, Wall::max(), Wall::min()).count, 0U);
  EXPECT_EQ(TicksWithin(minutely, utc, kMonday, kMonday).count, 0U);
  EXPECT_EQ(TicksWithin(Cron("0 0 29 2 *"), utc, kMonday, kMonday + days(365)).count, 0U);
}

TEST(Ticks, ABootIsNoTick) {
  const CronSchedule boot = Cron("@reboot");
  EXPECT_EQ(NextTick(boot, Zone::Utc(), kMonday), std::nullopt);
  EXPECT_EQ(LastTick(boot, Zone::Utc(), kMonday), std::nullopt);
  EXPECT_EQ(TicksWithin(boot, Zone::Utc(), Wall::min(), Wall::max()).count, 0U);
}

// The offset of a project must outlive versions, or its runs move with an upgrade: these numbers may not change.
TEST(Splay, IsFixedForAName) {
  EXPECT_EQ(SplayOf("build", minutes(10)), seconds(214));
  EXPECT_EQ(SplayOf("deploy", minutes(10)), seconds(309));
  EXPECT_EQ(SplayOf("", hours(1)), seconds(1008));
}

TEST(Splay, IsBelowItsBoundAndSpread) {
  EXPECT_EQ(SplayOf("p", Duration(0)), Duration(0));
  EXPECT_EQ(SplayOf("p", Duration(999'999)), Duration(0));
  EXPECT_EQ(SplayOf("p", seconds(1)), Duration(0));
  EXPECT_EQ(SplayOf("p", Duration(-5'000'000)), Duration(0));
  std::vector<int> in_minute(10);
  for (int i = 0; i < 1000; ++i) {
    const Duration splay = SplayOf("project-" + std::to_string(i), minutes(10));
    ASSERT_GE(splay, Duration(0));
    ASSERT_LT(splay, minutes(10));
    EXPECT_EQ(splay % seconds(1), Duration(0));
    ++in_minute[static_cast<size_t>(splay / minutes(1))];
  }
  for (int count : in_minute) EXPECT_GT(count, 60);
}

}  // namespace
}  // namespace cromt
