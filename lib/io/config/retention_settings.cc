#include "io/config/retention_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/size.h"

namespace cromt {
namespace {

constexpr auto kKeys = std::to_array<SettingSpec>({
    {"disk_guard.warn", SettingKind::kNumber},
    {"disk_guard.stop", SettingKind::kNumber},
    {"retention.runs", SettingKind::kNumber},
    {"retention.age", SettingKind::kText},
    {"retention.logs", SettingKind::kText},
});

Status ReadPercent(const Settings& settings, std::string_view key, int& percent) {
  const auto number = settings.Number(key);
  if (!number) return {};
  if (*number < 1 || *number > 100)
    return Fail(ErrorCode::kInvalid, fmt::format("'{}': {} is not from 1 to 100", key, *number));
  percent = static_cast<int>(*number);
  return {};
}

}  // namespace

std::vector<SettingSpec> WithRetentionKeys(std::span<const SettingSpec> specs) {
  std::vector<SettingSpec> all(specs.begin(), specs.end());
  all.insert(all.end(), kKeys.begin(), kKeys.end());
  return all;
}

Result<Retention> ReadRetention(const Settings& settings) {
  constexpr int64_t kMostRuns = 1'000'000;
  Retention retention;
  if (const auto runs = settings.Number("retention.runs")) {
    if (*runs < 0 || *runs > kMostRuns)
      return Fail(ErrorCode::kInvalid, fmt::format("'retention.runs': {} is not from 0 to {}", *runs, kMostRuns));
    retention.runs = *runs;
  }
  if (const auto age = settings.Text("retention.age")) {
    auto read = ParseDuration(*age);
    if (!read) return Fail("'retention.age'", std::move(read).error());
    retention.age = *read;
  }
  if (const auto logs = settings.Text("retention.logs")) {
    auto read = ParseSize(*logs);
    if (!read) return Fail("'retention.logs'", std::move(read).error());
    retention.output_bytes = *read;
  }
  return retention;
}

Result<DiskLimits> ReadDiskLimits(const Settings& settings) {
  DiskLimits limits;
  CROMT_TRY(ReadPercent(settings, "disk_guard.warn", limits.warn));
  CROMT_TRY(ReadPercent(settings, "disk_guard.stop", limits.stop));
  if (!settings.Number("disk_guard.warn")) limits.warn = std::min(limits.warn, limits.stop);
  if (limits.warn > limits.stop)
    return Fail(ErrorCode::kInvalid, fmt::format("'disk_guard': `warn` is {} and `stop` {}, which comes before it",
                                                 limits.warn, limits.stop));
  if (settings.Number("disk_guard.warn") || settings.Number("disk_guard.stop")) limits.smallest_bytes = 0;
  return limits;
}

}  // namespace cromt
