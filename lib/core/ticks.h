// When a schedule is due in a time zone. Pure: whole seconds of UTC in, whole seconds of UTC out; no clock is read.
//
// A tick is an instant. Where the local clock is put forward or back, it depends on the schedule:
//   elapsed (its hour is `*` or a step of it): each real minute counts once, by what the clock shows in it. So
//     "0 * * * *" has 23 ticks on a day of 23 hours, and 25 on one of 25.
//   else: a local time is due once, as soon as the clock shows it or a later one. So all times that are passed over
//     make one tick, at the first minute after the gap, and of times that are shown twice the first counts.
//
// No answer lies outside of what zones tell (kZonesBegin <= t < kZonesEnd), and @reboot has no ticks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "core/cron.h"
#include "core/zone.h"

namespace cromt {

// The first tick after `after`.
std::optional<Wall> NextTick(const CronSchedule& schedule, const Zone& zone, Wall after);

// The last tick at or before `at`.
std::optional<Wall> LastTick(const CronSchedule& schedule, const Zone& zone, Wall at);

struct TickRange {
  uint64_t count = 0;
  Wall first;  // meaningless without ticks
  Wall last;
  friend bool operator==(const TickRange&, const TickRange&) = default;
};

// The ticks after `after` and at or before `until`. Its time grows with the months between them, not with the ticks.
TickRange TicksWithin(const CronSchedule& schedule, const Zone& zone, Wall after, Wall until);

// How much later than its ticks a project starts: whole seconds, below `splay`, always the same for a name.
Duration SplayOf(std::string_view project, Duration splay);

}  // namespace cromt
