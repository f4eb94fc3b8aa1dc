// Where the coordinator is, if nobody says so and if somebody does.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/world.h"

namespace cromt::cli {

// `given` (--coordinator), else CROMT_COORDINATOR, else the first Unix socket that exists of the system's and the
// user's, else 127.0.0.1:4001. A Unix socket is a path, anything else HOST[:PORT]; kInvalid for what is neither.
Result<std::string> CoordinatorAddress(const std::optional<std::string>& given, const World& world);

}  // namespace cromt::cli
