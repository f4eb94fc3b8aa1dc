// When a project starts by itself: what its `crontab` and the keys beside it say, as read from the job file. Immutable.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "core/cron.h"

namespace cromt {

// Which of the ticks that were missed starts a run after all.
enum class CatchUp { kLast, kNone };
// What a tick does while a run of its project goes on.
enum class Overlap { kSkip, kQueue, kAllow };

struct Schedule {
  std::string crontab;  // as written
  CronSchedule cron;
  std::string timezone;  // as written; "" = that of the coordinator's host
  CatchUp catch_up = CatchUp::kLast;
  Overlap overlap = Overlap::kSkip;
  Duration splay{0};

  // Equal for schedules with the same ticks.
  std::string Ticks() const { return crontab + "\n" + timezone; }

  friend bool operator==(const Schedule&, const Schedule&) = default;
};

std::string_view ToString(CatchUp catch_up);
std::string_view ToString(Overlap overlap);

}  // namespace cromt
