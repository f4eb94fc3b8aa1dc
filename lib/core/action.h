// The words of `action:`, from a file or a flag. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cromt {

// The scenario names in `text`, split at white space; empty text gives none. Each is a relative path without
// hidden, empty or '..' parts that can't be taken for an option; kInvalid otherwise.
Result<std::vector<std::string>> ParseAction(std::string_view text);

}  // namespace cromt
