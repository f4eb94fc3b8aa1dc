// The configuration of a repository's scenarios: .tom/env/config*.raku, each one expression that gives a map. Pure.
#pragma once

#include <string_view>

#include "agent/step/scenario/host.h"
#include "agent/step/value.h"
#include "base/result.h"

namespace cromt::step {

// Errors are those of ParseScenario, and kInvalid for what is no map. Of the host, only the environment, the working
// directory and the name of the system are asked for.
Result<Map> ParseConfig(std::string_view file, std::string_view text, ScenarioHost& host);

}  // namespace cromt::step
