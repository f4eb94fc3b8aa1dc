// The words of `action:` and `options:`, from a file or a flag. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cromt {

// The scenario names in `text`, split at white space; empty text gives none. Each is a relative path without
// hidden, empty or '..' parts that can't be taken for an option; kInvalid otherwise.
Result<std::vector<std::string>> ParseAction(std::string_view text);

// The words of `options:` that act here: --env=NAME, --tags=…, --quiet, --dump_task; --verbose is how it is anyway.
// What else tom knows is left out. kInvalid for what tom does not know either, and for an --env that is no name.
Result<std::vector<std::string>> ParseOptions(std::string_view text);

// Whether `word` is one that ParseOptions gives.
bool IsActingOption(std::string_view word);

}  // namespace cromt
