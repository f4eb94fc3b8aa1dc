#include "core/ticks.h"

#include <algorithm>
#include <bit>

#include "base/random.h"

namespace cromt {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::minutes;
using std::chrono::months;
using std::chrono::year_month;
using std::chrono::year_month_day;
using LocalMinute = std::chrono::local_time<minutes>;

// A February 29 is the rarest day: 1896 to 1904 and 2096 to 2104.
constexpr int kLongestGapMonths = 8 * 12;

year_month MonthOf(const year_month_day& date) {
  return date.year() / date.month();
}

// The days of a month that are due: bit D is the day D.
uint32_t DueDays(const CronSchedule& schedule, year_month month) {
  if ((schedule.months >> static_cast<unsigned>(month.month()) & 1) == 0) return 0;
  const auto last = static_cast<unsigned>((month / std::chrono::last).day());
  const auto all = static_cast<uint32_t>((uint64_t{2} << last) - 2);
  // The week that begins with the month's first weekday, five times over.
  const unsigned first = std::chrono::weekday(local_days(month / 1)).c_encoding();
  const uint64_t week = (schedule.weekdays >> first | schedule.weekdays << (7 - first)) & 0x7f;
  const auto by_weekday = static_cast<uint32_t>(week * 0x1020'4081 << 1);
  return all & (schedule.either_day ? schedule.days | by_weekday : schedule.days & by_weekday);
}

std::optional<local_days> FirstDay(const CronSchedule& schedule, local_days from) {
  const year_month_day date(from);
  year_month month = MonthOf(date);
  uint32_t due = DueDays(schedule, month) & (~uint32_t{0} << static_cast<unsigned>(date.day()));
  for (int i = 0; due == 0; ++i) {
    if (i > kLongestGapMonths) return std::nullopt;
    month += months(1);
    due = DueDays(schedule, month);
  }
  return local_days(month / std::countr_zero(due));
}

std::optional<local_days> LastDay(const CronSchedule& schedule, local_days until) {
  const year_month_day date(until);
  year_month month = MonthOf(date);
  uint32_t due = DueDays(schedule, month) & ((uint32_t{2} << static_cast<unsigned>(date.day())) - 1);
  for (int i = 0; due == 0; ++i) {
    if (i > kLongestGapMonths) return std::nullopt;
    month -= months(1);
    due = DueDays(schedule, month);
  }
  return local_days(month / (std::bit_width(due) - 1));
}

// Times of a day, which is due: minutes from its midnight on.
struct DayTimes {
  const CronSchedule& schedule;

  std::optional<minutes> First(minutes from) const {
    const auto hour = from / hours(1), minute = from % hours(1) / minutes(1);
    const uint64_t left = schedule.minutes >> minute;
    if ((schedule.hours >> hour & 1) != 0 && left != 0) return from + minutes(std::countr_zero(left));
    const uint64_t later = uint64_t{schedule.hours} >> (hour + 1);
    if (later == 0) return std::nullopt;
    return hours(hour + 1 + std::countr_zero(later)) + minutes(std::countr_zero(schedule.minutes));
  }

  std::optional<minutes> Last(minutes until) const {
    const auto hour = until / hours(1), minute = until % hours(1) / minutes(1);
    const uint64_t left = schedule.minutes & ((uint64_t{2} << minute) - 1);
    if ((schedule.hours >> hour & 1) != 0 && left != 0) return hours(hour) + minutes(std::bit_width(left) - 1);
    const uint64_t earlier = schedule.hours & ((uint64_t{1} << hour) - 1);
    if (earlier == 0) return std::nullopt;
    return hours(std::bit_width(earlier) - 1) + minutes(std::bit_width(schedule.minutes) - 1);
  }

  uint64_t CountBefore(minutes until) const {
    const auto hour = until / hours(1), minute = until % hours(1) / minutes(1);
    const auto each = static_cast<uint64_t>(std::popcount(schedule.minutes));
    const auto part = static_cast<uint64_t>(std::popcount(schedule.minutes & ((uint64_t{1} << minute) - 1)));
    const auto whole = static_cast<uint64_t>(std::popcount(schedule.hours & ((uint64_t{1} << hour) - 1)));
    return whole * each + ((schedule.hours >> hour & 1) != 0 ? part : 0);
  }
};

// ---- Local times that are due, as if clocks were never put back or forward ----------------------

std::optional<LocalMinute> FirstDue(const CronSchedule& schedule, LocalTime from) {
  const auto minute = std::chrono::ceil<minutes>(from);
  const auto today = floor<days>(minute);
  auto day = FirstDay(schedule, today);
  const DayTimes times{schedule};
  if (day == today) {
    if (auto time = times.First(minute - today)) return today + *time;
    day = FirstDay(schedule, today + days(1));
  }
  if (!day) return std::nullopt;
  return *day + *times.First(minutes(0));
}

std::optional<LocalMinute> LastDue(const CronSchedule& schedule, LocalTime until) {
  const auto minute = floor<minutes>(until);
  const auto today = floor<days>(minute);
  auto day = LastDay(schedule, today);
  const DayTimes times{schedule};
  if (day == today) {
    if (auto time = times.Last(minute - today)) return today + *time;
    day = LastDay(schedule, today - days(1));
  }
  if (!day) return std::nullopt;
  return *day + *times.Last(days(1) - minutes(1));
}

// begin <= day < end
uint64_t CountDays(const CronSchedule& schedule, local_days begin, local_days end) {
  const year_month_day first(begin), past(end);
  const uint32_t from = ~uint32_t{0} << static_cast<unsigned>(first.day());
  const uint32_t until = (uint32_t{1} << static_cast<unsigned>(past.day())) - 1;
  uint64_t count = 0;
  for (year_month month = MonthOf(first); month <= MonthOf(past); month += months(1)) {
    uint32_t due = DueDays(schedule, month);
    if (month == MonthOf(first)) due &= from;
    if (month == MonthOf(past)) due &= until;
    count += static_cast<uint64_t>(std::popcount(due));
  }
  return count;
}

// begin <= time < end
uint64_t CountDue(const CronSchedule& schedule, LocalTime begin, LocalTime end) {
  if (begin >= end) return 0;
  const auto first = std::chrono::ceil<minutes>(begin), past = std::chrono::ceil<minutes>(end);
  const auto first_day = floor<days>(first), past_day = floor<days>(past);
  const DayTimes times{schedule};
  auto before = [&](local_days day, LocalMinute time) {
    return CountDays(schedule, day, day + days(1)) * times.CountBefore(time - day);
  };
  return CountDays(schedule, first_day, past_day) * times.CountBefore(days(1)) + before(past_day, past) -
         before(first_day, first);
}

// ---- What clocks show ---------------------------------------------------------------------------

// The first local time that may become due in the span.
LocalTime DueFrom(const CronSchedule& schedule, const Zone::Span& span) {
  return schedule.elapsed ? span.LocalAt(span.begin) : span.reached;
}

// When a local time becomes due that is due in the span: one that was passed over, at its begin.
Wall DueAt(const Zone::Span& span, LocalMinute due) {
  return std::max(span.begin, span.InstantOf(due));
}

Wall ToSecond(Wall t) {
  return floor<seconds>(std::clamp(t, kZonesBegin - seconds(1), kZonesEnd));
}

// From `from` to `until`, both in the span.
uint64_t CountInSpan(const CronSchedule& schedule, const Zone::Span& span, Wall from, Wall until) {
  const LocalTime begin = span.LocalAt(from), end = span.LocalAt(until) + seconds(1);
  const LocalTime due_from = DueFrom(schedule, span);
  uint64_t count = CountDue(schedule, std::max(begin, due_from), end);
  // What was passed over is one tick, and none of its own where its minute is due anyway.
  const bool passed_any = from == span.begin && CountDue(schedule, due_from, begin) > 0;
  if (passed_any && CountDue(schedule, begin, begin + seconds(1)) == 0) ++count;
  return count;
}

}  // namespace

std::optional<Wall> NextTick(const CronSchedule& schedule, const Zone& zone, Wall after) {
  if (schedule.at_boot) return std::nullopt;
  const Wall from = ToSecond(after) + seconds(1);
  for (const Zone::Span& span : zone.spans().subspan(zone.IndexOf(from))) {
    LocalTime begin = DueFrom(schedule, span);
    if (from > span.begin) begin = std::max(begin, span.LocalAt(from));
    const auto due = FirstDue(schedule, begin);
    if (!due) return std::nullopt;
    if (const Wall at = DueAt(span, *due); at < span.end) return at;
  }
  return std::nullopt;
}

std::optional<Wall> LastTick(const CronSchedule& schedule, const Zone& zone, Wall at) {
  if (schedule.at_boot || at < kZonesBegin) return std::nullopt;
  const Wall until = std::min(ToSecond(at), kZonesEnd - seconds(1));
  for (size_t i = zone.IndexOf(until) + 1; i-- > 0;) {
    const Zone::Span& span = zone.spans()[i];
    const auto due = LastDue(schedule, span.LocalAt(std::min(until, span.end - seconds(1))));
    if (!due) return std::nullopt;
    if (*due >= DueFrom(schedule, span)) return DueAt(span, *due);
  }
  return std::nullopt;
}

TickRange TicksWithin(const CronSchedule& schedule, const Zone& zone, Wall after, Wall until) {
  const auto first = NextTick(schedule, zone, after);
  if (!first || *first > until) return {};
  TickRange range{0, *first, *LastTick(schedule, zone, until)};
  for (const Zone::Span& span : zone.spans().subspan(zone.IndexOf(*first))) {
    if (span.begin > range.last) break;
    range.count +=
        CountInSpan(schedule, span, std::max(span.begin, *first), std::min(span.end - seconds(1), range.last));
  }
  return range;
}

Duration SplayOf(std::string_view project, Duration splay) {
  const auto most = floor<seconds>(splay).count();
  if (most <= 0) return Duration(0);
  uint64_t hash = 0xcbf2'9ce4'8422'2325;  // FNV-1a, and what a seeded generator makes of it
  for (const char c : project) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
  return seconds(SeededRandom(hash).Below(static_cast<uint64_t>(most)));
}

}  // namespace cromt
