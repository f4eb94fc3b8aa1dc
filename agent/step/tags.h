// The tags of a job, as tags() gives them to scenarios. Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/step/value.h"

namespace cromt::step {

// "NAME=VALUE,FLAG,…": texts, and True for a flag. As Sparrow has it, ___comma___, ___nl___, ___space___ and ___eq___
// in a value stand for what they name, .env[NAME] for the variable of that name, and a '=' belongs to the name unless
// it is the last before a blank.
Map ParseTags(std::string_view text,
              const std::function<std::optional<std::string>(const std::string& name)>& environment);

}  // namespace cromt::step
