#include "core/disk_guard.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/size.h"

namespace cromt {
namespace {

// As df(1) says it: of what somebody who is not root could use.
double PercentOf(const DiskUse& use) {
  const double all = static_cast<double>(use.used) + static_cast<double>(use.free);
  return all == 0 ? 0 : 100 * static_cast<double>(use.used) / all;
}

}  // namespace

std::string_view ToString(DiskState state) {
  if (state == DiskState::kCritical) return "critical";
  return state == DiskState::kWarning ? "warning" : "ok";
}

DiskState DiskGuard::StateOf(const DiskUse& use, bool leaving) const {
  if (use.used + use.free < limits_.smallest_bytes) return DiskState::kOk;
  const double used = PercentOf(use) + (leaving ? 2 : 0);
  const uint64_t free = leaving ? use.free - use.free / 11 : use.free;
  if (limits_.stop < 100 && used >= limits_.stop && free < kStopBelowBytes) return DiskState::kCritical;
  if (limits_.warn < 100 && used >= limits_.warn && free < kWarnBelowBytes) return DiskState::kWarning;
  return DiskState::kOk;
}

DiskState DiskGuard::Look(const DiskUse& use) {
  const DiskState now = StateOf(use, false);
  return state_ = std::max(now, std::min(state_, StateOf(use, true)));
}

std::string DiskText(const DiskUse& use, const std::string& path) {
  return fmt::format("{:.0f} % of the disk under {} is used, {} are free", PercentOf(use), path,
                     FormatSize(static_cast<int64_t>(std::min<uint64_t>(use.free, INT64_MAX))));
}

}  // namespace cromt
