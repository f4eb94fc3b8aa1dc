// What `crontab` says: at which minutes of a local clock something is due. docs/jobs-yaml.md describes it for users.
//
//   crontab = "@" word | minute hour day-of-month month day-of-week        between blanks
//   field   = part {"," part}            what its parts without "!" have, less what those with it have
//   part    = ["!"] ("*" | value ["-" value]) ["/" step]
//   value   = number | the first three letters of a month or weekday       these in any case
//
// Each value is a moment's look at the clock: what happens when clocks are put back or forward is ticks.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace cromt {

// Sets of bits: bit N is the value N. Made by ParseCron only, so no set is empty and some day always comes, at the
// latest in eight years; unless `at_boot`.
struct CronSchedule {
  uint64_t minutes = 0;   // 0 to 59
  uint32_t hours = 0;     // 0 to 23
  uint32_t days = 0;      // of the month: 1 to 31
  uint32_t months = 0;    // 1 to 12
  uint32_t weekdays = 0;  // 0 is Sunday, 6 Saturday
  // Day of month and day of week both leave something out, so a day is due by one of them; else by both.
  bool either_day = false;
  // The hour is `*` or a step of it: ticks follow elapsed time (ticks.h).
  bool elapsed = false;
  // @reboot: no minute, but once in each boot of the coordinator's host.
  bool at_boot = false;

  friend bool operator==(const CronSchedule&, const CronSchedule&) = default;
};

struct CronError {
  size_t at = 0;        // the byte of the text where what is wrong begins; at most its size
  std::string message;  // a sentence without trailing newline
};

tl::expected<CronSchedule, CronError> ParseCron(std::string_view text);

}  // namespace cromt
