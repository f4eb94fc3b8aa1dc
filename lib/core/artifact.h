// What artifacts may be called and where they may lie. Pure.
#pragma once

#include <string_view>

#include "base/result.h"

namespace cromt {

inline constexpr size_t kMaxArtifacts = 1000;     // of one task, in or out
inline constexpr size_t kMaxLeaseInputs = 5'000;  // of one attempt, those of several hosts counted each

// A path or pattern below a task's directory: kInvalid with a sentence if it is empty, absolute, too long, or has a
// component ".." or a control character.
Status CheckArtifactPath(std::string_view path);

}  // namespace cromt
