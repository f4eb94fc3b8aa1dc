// The paths of tasks as scenarios write them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt::step {

// `written` relative to the repository's root, without "." and doubled slashes; "." = the root. kInvalid: empty,
// absolute, leaves the repository with "..", names a subtask with '@'.
Result<std::string> TaskPath(std::string_view written);

}  // namespace cromt::step
