// The words for true and false in all our YAML files.
#pragma once

#include <optional>
#include <string_view>

namespace cromt {

// true, yes, on, 1; false, no, off, 0: in lower case, upper case or capitalized. nullopt for anything else.
std::optional<bool> FlagWord(std::string_view text);

}  // namespace cromt
