// Points in time as types, so that a deadline is never compared with a date.
//
// Mono: CLOCK_BOOTTIME of this host (it counts through suspend, never jumps); deadlines and leases use it.
// Wall: UTC, for people and records; it may jump and no decision rests on it.
// Both have microsecond resolution. Core code gets them as parameters and never reads a clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt {

using Duration = std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct MonoClock {
  using rep = int64_t;
  using period = std::micro;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonoClock, Duration>;
  static constexpr bool is_steady = true;
};
struct WallClock {
  using rep = int64_t;
  using period = std::micro;
  using duration = Duration;
  using time_point = std::chrono::time_point<WallClock, Duration>;
  static constexpr bool is_steady = false;
};
using Mono = MonoClock::time_point;
using Wall = WallClock::time_point;

// Both clocks read at one moment.
struct Now {
  Mono mono;
  Wall wall;
};

// Where the edges read the time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now Read() const = 0;
};

// The kernel's clocks.
class SystemClock final : public Clock {
 public:
  Now Read() const override;
};

inline int64_t Micros(Mono t) {
  return t.time_since_epoch().count();
}
inline int64_t Micros(Wall t) {
  return t.time_since_epoch().count();
}
inline Mono MonoFromMicros(int64_t us) {
  return Mono(Duration(us));
}
inline Wall WallFromMicros(int64_t us) {
  return Wall(Duration(us));
}

// "2026-11-22T18:34:31.000123Z": RFC 3339, UTC, microseconds.
std::string FormatRfc3339(Wall t);

// "250ms", "12.3s", "4m05s", "2h03m": for people.
std::string FormatDuration(Duration d);

// "90", "90s", "5m", "2h", "1d", "250ms" (a bare number is seconds); kInvalid for anything else or beyond 10 years.
Result<Duration> ParseDuration(std::string_view text);

}  // namespace cromt
