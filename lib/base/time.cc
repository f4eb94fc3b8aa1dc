#include "base/time.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

#include "base/name.h"

namespace cromt {
namespace {

int64_t ReadMicros(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return static_cast<int64_t>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1000;
}

constexpr Duration kLongest = std::chrono::hours(24 * 3650);

std::optional<int64_t> UnitMicros(std::string_view unit) {
  if (unit == "ms") return 1'000;
  if (unit.empty() || unit == "s") return 1'000'000;
  if (unit == "m") return 60'000'000;
  if (unit == "h") return 3'600'000'000;
  if (unit == "d") return 86'400'000'000;
  return std::nullopt;
}

}  // namespace

Now SystemClock::Read() const {
  return {MonoFromMicros(ReadMicros(CLOCK_BOOTTIME)), WallFromMicros(ReadMicros(CLOCK_REALTIME))};
}

std::string FormatRfc3339(Wall t) {
  int64_t us = Micros(t);
  int64_t whole = us / 1'000'000;
  int64_t part = us % 1'000'000;
  if (part < 0) {
    part += 1'000'000;
    --whole;
  }
  std::time_t sec = whole;
  std::tm tm{};
  gmtime_r(&sec, &tm);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                     tm.tm_hour, tm.tm_min, tm.tm_sec, part);
}

std::string FormatDuration(Duration d) {
  int64_t ms = d.count() / 1000;
  if (ms < 1000) return fmt::format("{}ms", ms);
  if (ms < 60'000) return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);
  int64_t s = ms / 1000;
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  return fmt::format("{}h{:02}m", s / 3600, s % 3600 / 60);
}

Result<Duration> ParseDuration(std::string_view text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  auto scale = UnitMicros(unit);
  if (error != std::errc() || number < 0 || !scale || number > kLongest.count() / *scale)
    return Fail(ErrorCode::kInvalid, fmt::format("{} is not a duration; write 90, 90s, 5m, 2h or 1d", Quote(text)));
  return Duration(number * *scale);
}

}  // namespace cromt
