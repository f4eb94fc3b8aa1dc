// Sizes as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt {

// "512", "256MiB", "20GB": bytes; KiB, MiB, GiB and TiB are powers of 1024, KB, MB, GB and TB of 1000. kInvalid for
// anything else, or more than 1 PiB.
Result<int64_t> ParseSize(std::string_view text);

// "512 B", "12.3 MiB".
std::string FormatSize(int64_t bytes);

}  // namespace cromt
