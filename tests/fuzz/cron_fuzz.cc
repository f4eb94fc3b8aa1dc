// A schedule. Whatever the text: it is refused at one of its bytes with words that can be shown, or it is read; then
// its sets hold what they may, blanks and the case of names change nothing, and its ticks lie ahead of where one looks
// from, at a time that the schedule has.
#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "core/cron.h"
#include "core/ticks.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr Wall kStart = Wall(seconds(1'592'179'200));

// Clocks go forward by an hour 26 hours after kStart, and back two days later.
Zone Jumpy() {
  const std::vector<Zone::Change> changes = {{kStart + hours(26), hours(2)}, {kStart + hours(74), hours(1)}};
  return Zone("Test/Jumpy", hours(1), changes);
}

void CheckSets(std::string_view text, const CronSchedule& schedule) {
  const auto within = [](uint64_t set, unsigned first, unsigned last) {
    return set != 0 && set >> first << first == set && (last == 63 || set >> (last + 1) == 0);
  };
  Require(within(schedule.minutes, 0, 59) && within(schedule.hours, 0, 23) && within(schedule.days, 1, 31) &&
              within(schedule.months, 1, 12) && within(schedule.weekdays, 0, 6),
          "each set holds values of its field", text);
}

void CheckTicks(std::string_view text, const CronSchedule& schedule) {
  static const Zone zone = Jumpy();
  Wall at = kStart - Duration(1);
  uint64_t count = 0;
  for (; count < 20; ++count) {
    const auto next = NextTick(schedule, zone, at);
    Require(next && *next > at, "a tick always comes, later", text);
    Require(LastTick(schedule, zone, *next) == next, "a tick is the last at its own time", text);
    Require(LastTick(schedule, zone, *next - Duration(1)) <= at, "there is none between two of them", text);
    const auto minute = std::chrono::floor<std::chrono::minutes>(next->time_since_epoch());
    Require(minute == next->time_since_epoch(), "a tick is at a whole minute", text);
    at = *next;
  }
  const TickRange range = TicksWithin(schedule, zone, kStart - Duration(1), at);
  Require(range.count == count && range.last == at, "counting is as stepping", text);
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt;
  using namespace cromt::fuzz;
  const std::string_view text = Text(data, size);
  const auto schedule = ParseCron(text);
  if (!schedule) {
    Require(schedule.error().at <= text.size(), "an error has a place in the text", text);
    RequireShowable(schedule.error().message);
    return 0;
  }
  std::string other = " " + std::string(text) + "\t";
  if (text.find('@') == text.npos)
    std::ranges::transform(other, other.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto again = ParseCron(other);
  Require(again && *again == *schedule, "blanks and case mean nothing", text);
  if (schedule->at_boot) return 0;
  CheckSets(text, *schedule);
  CheckTicks(text, *schedule);
  return 0;
}
