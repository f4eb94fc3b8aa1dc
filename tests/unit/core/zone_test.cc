#include "core/zone.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cromt {
namespace {

using std::chrono::hours;

constexpr Wall At(int64_t unix_seconds) {
  return Wall(seconds(unix_seconds));
}

// Clocks go from UTC to an hour ahead at 1,000,000,000 s and back a day later.
Zone OneSummerDay() {
  const std::vector<Zone::Change> changes = {{At(1'000'000'000), hours(1)}, {At(1'000'086'400), hours(0)}};
  return Zone("Test/Day", seconds(0), changes);
}

TEST(Zone, SpansFollowEachOther) {
  const Zone zone = OneSummerDay();
  ASSERT_EQ(zone.spans().size(), 3U);
  EXPECT_EQ(zone.spans()[0].begin, kZonesBegin);
  EXPECT_EQ(zone.spans()[0].end, zone.spans()[1].begin);
  EXPECT_EQ(zone.spans()[1].end, zone.spans()[2].begin);
  EXPECT_EQ(zone.spans()[2].end, kZonesEnd);
}

TEST(Zone, IndexOf) {
  const Zone zone = OneSummerDay();
  EXPECT_EQ(zone.IndexOf(Wall::min()), 0U);
  EXPECT_EQ(zone.IndexOf(kZonesBegin), 0U);
  EXPECT_EQ(zone.IndexOf(At(999'999'999)), 0U);
  EXPECT_EQ(zone.IndexOf(At(1'000'000'000)), 1U);
  EXPECT_EQ(zone.IndexOf(At(1'000'086'399) + Duration(999'999)), 1U);
  EXPECT_EQ(zone.IndexOf(At(1'000'086'400)), 2U);
  EXPECT_EQ(zone.IndexOf(Wall::max()), 2U);
}

TEST(Zone, WhatWasReachedBefore) {
  const Zone zone = OneSummerDay();
  for (const Zone::Span& span : zone.spans()) EXPECT_EQ(span.InstantOf(span.LocalAt(span.begin)), span.begin);
  const auto ahead = [&](size_t i) { return zone.spans()[i].LocalAt(zone.spans()[i].begin) - zone.spans()[i].reached; };
  EXPECT_EQ(ahead(0), hours(0));
  EXPECT_EQ(ahead(1), hours(1));   // put forward: an hour passed over
  EXPECT_EQ(ahead(2), hours(-1));  // put back: an hour comes again
}

// Put back twice within what comes again: what the first span has shown still counts in the third.
TEST(Zone, WhatWasReachedLongBefore) {
  const std::vector<Zone::Change> changes = {{At(1'000'000'000), -hours(3)}, {At(1'000'003'600), -hours(2)}};
  const Zone zone("Test/Twice", seconds(0), changes);
  EXPECT_EQ(zone.spans()[2].reached, zone.spans()[0].LocalAt(At(1'000'000'000)));
}

TEST(Zone, FormatLocal) {
  const Zone zone = OneSummerDay();
  EXPECT_EQ(FormatLocal(At(999'999'999), zone), "2001-09-09T01:46:39+00:00");
  EXPECT_EQ(FormatLocal(At(1'000'000'000), zone), "2001-09-09T02:46:40+01:00");
  EXPECT_EQ(FormatLocal(At(0) - Duration(1), Zone("x", -hours(3) - std::chrono::minutes(30), {})),
            "1969-12-31T20:29:59-03:30");
  EXPECT_EQ(FormatLocal(kZonesEnd, Zone::Utc()), "2200-01-01T00:00:00+00:00");
}

TEST(Zone, Names) {
  for (const char* good : {"UTC", "Europe/Berlin", "America/Argentina/ComodRivadavia", "Etc/GMT+1", "Etc/GMT-14",
                           "America/Port-au-Prince", "GB-Eire", "PST8PDT", "Antarctica/DumontDUrville"})
    EXPECT_TRUE(CheckZoneName(good)) << good;
  for (const std::string& bad :
       {std::string(), std::string("/"), std::string("/etc/passwd"), std::string("../../etc/passwd"),
        std::string("Europe/../../passwd"), std::string("Europe//Berlin"), std::string("Europe/"), std::string("."),
        std::string("zone.tab"), std::string("New York"), std::string("a\0b", 3), std::string("Z\xc3\xbcrich"),
        std::string("CET-1CEST,M3.5.0"), std::string("~/zone"), std::string("a\nb"), std::string(65, 'a')}) {
    EXPECT_FALSE(CheckZoneName(bad)) << bad;
  }
  EXPECT_EQ(CheckZoneName("../x").error().message,
            "'../x' is no name of a time zone; write one such as Europe/Berlin or UTC");
}

}  // namespace
}  // namespace cromt
