// JSON as a value. Pure; any thread.
#pragma once

#include <string_view>

#include "agent/step/value.h"
#include "base/result.h"

namespace cromt::step {

inline constexpr int kMaxJsonDepth = 64;

// kInvalid for what is no JSON, a key that stands twice, or more than kMaxJsonDepth levels.
Result<Value> ParseJson(std::string_view text);

}  // namespace cromt::step
