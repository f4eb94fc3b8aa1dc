// Where the coordinator is, if nobody says so and if somebody does.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/coordinator_target.h"
#include "cli/world.h"

namespace cromt::cli {

// `given` (--coordinator), else CROMT_COORDINATOR, else that of the last login, else the first Unix socket that exists
// of the system's and the user's, else 127.0.0.1:4001. A Unix socket is a path, anything else HOST[:PORT]; kInvalid for
// what is neither. What the login there has goes with it; to a Unix socket the token of the last one.
Result<CoordinatorTarget> FindCoordinator(const std::optional<std::string>& given, const World& world);

// HOST:PORT of HOST[:PORT].
Result<std::string> CoordinatorAddress(const std::string& text);

}  // namespace cromt::cli
