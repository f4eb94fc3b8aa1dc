// The keys `retention` and `disk_guard` of the programs' configurations. docs/config.md describes them.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "core/disk_guard.h"
#include "core/retention.h"
#include "io/config/settings.h"

namespace cromt {

// `specs` and the keys that these two read.
std::vector<SettingSpec> WithRetentionKeys(std::span<const SettingSpec> specs);

// What is not said is the default. kInvalid names the key.
Result<Retention> ReadRetention(const Settings& settings);
Result<DiskLimits> ReadDiskLimits(const Settings& settings);

}  // namespace cromt
