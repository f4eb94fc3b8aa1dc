// All zones of the system's tzdata, against the C library and a model of ticks that knows nothing of core/ticks.cc: it
// looks at the clock at each real minute and remembers what it has seen.
#include <gtest/gtest.h>

#include <algorithm>
#include <bitset>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/random.h"
#include "core/ticks.h"
#include "io/zone/zones.h"
#include "tests/unit/core/seeds.h"

namespace cromt {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDay = 86'400;
constexpr int64_t kFrom = 1'262'304'000;   // 2010
constexpr int64_t kUntil = 1'893'456'000;  // 2030
constexpr uint64_t kShares = 6;

std::vector<std::string> ZoneNames(const fs::path& root) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string name = entry.path().lexically_relative(root).string();
    if (!entry.is_regular_file() || name.starts_with("posix/") || name.starts_with("right/")) continue;
    std::string magic(4, '\0');
    std::ifstream(entry.path()).read(magic.data(), 4);
    if (magic == "TZif") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The C library's word on a zone, while it lives.
class CZone {
 public:
  explicit CZone(const std::string& name) {
    ::setenv("TZ", (":" + name).c_str(), 1);
    ::tzset();
  }
  ~CZone() {
    ::unsetenv("TZ");
    ::tzset();
  }

  static std::tm At(int64_t t) {
    const std::time_t time = t;
    std::tm tm{};
    ::localtime_r(&time, &tm);
    return tm;
  }

  // The seconds, to the minute, at which the offset changes, from kFrom to kUntil.
  static std::vector<int64_t> Changes() {
    std::vector<int64_t> changes;
    constexpr int64_t kStep = 4 * kDay;
    for (int64_t t = kFrom; t < kUntil; t += kStep) {
      if (At(t).tm_gmtoff == At(t + kStep).tm_gmtoff) continue;
      int64_t low = t, high = t + kStep;
      while (high - low > 60) {
        const int64_t middle = low + (high - low) / 120 * 60;
        (At(middle).tm_gmtoff == At(low).tm_gmtoff ? low : high) = middle;
      }
      changes.push_back(high);
    }
    return changes;
  }
};

// A field as random text, and as what it means.
struct ModelField {
  std::string text;
  std::bitset<64> values;
  bool star = false;  // `*` or a step of it
};

ModelField RandomField(Random& random, int first, int last, uint64_t stars_in_ten) {
  ModelField field;
  if (random.Below(10) < stars_in_ten) {
    const int step = random.Below(2) == 0 ? 1 : 1 + static_cast<int>(random.Below(static_cast<uint64_t>(last - first)));
    field.text = step == 1 ? "*" : "*/" + std::to_string(step);
    field.star = true;
    for (int value = first; value <= last; value += step) field.values.set(static_cast<size_t>(value));
    return field;
  }
  for (uint64_t parts = 1 + random.Below(3); parts > 0; --parts) {
    const int low = first + static_cast<int>(random.Below(static_cast<uint64_t>(last - first + 1)));
    const int high = std::min(last, low + static_cast<int>(random.Below(4)));
    field.text += (field.text.empty() ? "" : ",") + std::to_string(low);
    if (high > low) field.text += "-" + std::to_string(high);
    for (int value = low; value <= high; ++value) field.values.set(static_cast<size_t>(value));
  }
  return field;
}

struct ModelSchedule {
  ModelField minute, hour, day, month, weekday;

  explicit ModelSchedule(Random& random)
      : minute(RandomField(random, 0, 59, 3)),
        // Half of them at night, when clocks change.
        hour(random.Below(2) == 0 ? RandomField(random, 0, 4, 0) : RandomField(random, 0, 23, 6)),
        day(RandomField(random, 1, 28, 0)),
        month(RandomField(random, 1, 12, 9)),
        weekday(RandomField(random, 0, 6, 7)) {
    if (random.Below(4) != 0) day = {"*", {}, true};
    if (day.star)
      for (int value = 1; value <= 31; ++value) day.values.set(static_cast<size_t>(value));
  }

  std::string text() const {
    return minute.text + " " + hour.text + " " + day.text + " " + month.text + " " + weekday.text;
  }

  bool Has(const std::tm& tm) const {
    const auto has = [](const ModelField& field, int value) { return field.values[static_cast<size_t>(value)]; };
    if (!has(minute, tm.tm_min) || !has(hour, tm.tm_hour) || !has(month, tm.tm_mon + 1)) return false;
    const bool by_day = has(day, tm.tm_mday), by_weekday = has(weekday, tm.tm_wday);
    const bool either = day.values.count() < 31 && weekday.values.count() < 7;
    return either ? by_day || by_weekday : by_day && by_weekday;
  }
};

// All ticks from `begin` to `end`, which are whole minutes. The model begins two days earlier, for what was seen
// before.
std::vector<Wall> WalkMinuteByMinute(const ModelSchedule& schedule, int64_t begin, int64_t end) {
  std::vector<Wall> ticks;
  int64_t seen = INT64_MAX;  // the latest local minute that the clock has shown
  for (int64_t t = begin - 2 * kDay; t <= end; t += 60) {
    std::tm tm = CZone::At(t);
    const int64_t local = (t + tm.tm_gmtoff) / 60;
    bool due = t >= begin && schedule.hour.star && schedule.Has(tm);
    if (t >= begin && !schedule.hour.star)
      for (int64_t minute = std::min(seen, local) + 1; minute <= local && !due; ++minute) {
        const std::time_t passed = minute * 60;
        ::gmtime_r(&passed, &tm);
        due = schedule.Has(tm);
      }
    seen = seen == INT64_MAX ? local : std::max(seen, local);
    if (due) ticks.push_back(Wall(seconds(t)));
  }
  return ticks;
}

std::string Text(const std::optional<Wall>& t, const Zone& zone) {
  return t ? FormatLocal(*t, zone) : "never";
}

// Steps from `begin` to `end`, and asks the other questions on the way.
void ExpectTicks(const CronSchedule& schedule, const Zone& zone, Wall begin, Wall end, const std::vector<Wall>& ticks,
                 Random& random) {
  Wall at = begin - Duration(1);
  for (const Wall tick : ticks) {
    const auto next = NextTick(schedule, zone, at);
    ASSERT_EQ(next, tick) << Text(next, zone) << " is not " << Text(tick, zone) << ", after " << Text(at, zone);
    ASSERT_GT(*next, at);
    at = *next;
  }
  const auto past = NextTick(schedule, zone, at);
  ASSERT_TRUE(!past || *past > end) << Text(past, zone) << " is no tick, after " << Text(at, zone);
  for (int i = 0; i < 20; ++i) {
    const auto some = [&] { return begin + Duration(static_cast<int64_t>(random.Below((end - begin).count()))); };
    const Wall after = some(), until = some();
    const auto from = std::ranges::upper_bound(ticks, after), to = std::ranges::upper_bound(ticks, until);
    const TickRange range = TicksWithin(schedule, zone, after, until);
    ASSERT_EQ(range.count, static_cast<uint64_t>(std::max<int64_t>(0, to - from)))
        << "after " << Text(after, zone) << " until " << Text(until, zone);
    if (range.count > 0) {
      ASSERT_EQ(range.first, *from);
      ASSERT_EQ(range.last, *(to - 1));
    }
    const auto last = LastTick(schedule, zone, until);
    if (to != ticks.begin())
      ASSERT_EQ(last, *(to - 1)) << "until " << Text(until, zone);
    else
      ASSERT_TRUE(!last || *last < begin) << "until " << Text(until, zone);
  }
}

class EveryZone : public ::testing::TestWithParam<uint64_t> {
 protected:
  EveryZone()
      : zones_({Zones::SystemPlaces().root, "", "", std::nullopt}), names_(ZoneNames(Zones::SystemPlaces().root)) {}

  Zones zones_;
  std::vector<std::string> names_;
};

// A schedule for each zone, walked over three of the nights in which its clocks change and three other days, out of
// twenty years. Each seed has its share of the zones.
TEST_P(EveryZone, TicksAreThoseOfTheModel) {
  ASSERT_GT(names_.size(), 400U) << "tzdata is missing";
  SeededRandom random(GetParam());
  uint64_t walked = 0;
  for (size_t n = GetParam() % kShares; n < names_.size(); n += kShares) {
    const std::string& name = names_[n];
    const ModelSchedule model(random);
    SCOPED_TRACE("seed " + std::to_string(GetParam()) + ": " + model.text() + " in " + name);
    const auto zone = zones_.Find(name);
    ASSERT_TRUE(zone) << zone.error().message;
    const auto schedule = ParseCron(model.text());
    ASSERT_TRUE(schedule) << schedule.error().message;
    const CZone c_zone(name);
    const std::vector<int64_t> changes = CZone::Changes();
    for (int i = 0; i < 4; ++i) {
      int64_t begin = kFrom + static_cast<int64_t>(random.Below((kUntil - kFrom) / 60)) * 60, length = 3 * kDay;
      if (i < 3 && !changes.empty()) begin = changes[random.Below(changes.size())] - kDay, length = 2 * kDay;
      const auto ticks = WalkMinuteByMinute(model, begin, begin + length);
      walked += ticks.size();
      ExpectTicks(*schedule, **zone, Wall(seconds(begin)), Wall(seconds(begin + length)), ticks, random);
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(walked, names_.size() / kShares);
}

// One zone, all minutes of twenty years. It takes seconds, so only a share of the seeds has one.
TEST_P(EveryZone, TwentyYearsOfOne) {
  if (GetParam() % kShares != 1) return;
  SeededRandom random(GetParam());
  const std::string& name = names_.at(random.Below(names_.size()));
  const ModelSchedule model(random);
  SCOPED_TRACE("seed " + std::to_string(GetParam()) + ": " + model.text() + " in " + name);
  const auto zone = zones_.Find(name);
  ASSERT_TRUE(zone) << zone.error().message;
  const CZone c_zone(name);
  const auto ticks = WalkMinuteByMinute(model, kFrom, kUntil);
  ExpectTicks(ParseCron(model.text()).value(), **zone, Wall(seconds(kFrom)), Wall(seconds(kUntil)), ticks, random);
}

INSTANTIATE_TEST_SUITE_P(Seeds, EveryZone, Seeds(kShares));

// From the beginning to the end of what zones tell.
TEST_F(EveryZone, ShowsWhatTheCLibraryShows) {
  SeededRandom random(1);
  for (const std::string& name : names_) {
    const auto zone = zones_.Find(name);
    ASSERT_TRUE(zone) << zone.error().message;
    const CZone c_zone(name);
    for (int i = 0; i < 500; ++i) {
      const Wall t = kZonesBegin + seconds(random.Below((kZonesEnd - kZonesBegin) / seconds(1)));
      const Zone::Span& span = (*zone)->spans()[(*zone)->IndexOf(t)];
      ASSERT_EQ(span.offset.count(), CZone::At(Micros(t) / 1'000'000).tm_gmtoff) << name << " at " << FormatRfc3339(t);
    }
    for (const Zone::Span& span : (*zone)->spans())
      for (const Wall t : {span.begin, span.end - seconds(1)})
        ASSERT_EQ(span.offset.count(), CZone::At(Micros(t) / 1'000'000).tm_gmtoff)
            << name << " at " << FormatRfc3339(t);
  }
}

}  // namespace
}  // namespace cromt
