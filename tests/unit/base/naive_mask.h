// What masking means, the slow way: for tests to compare with.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cromt {

// The whole text with each form of each value, in each reading, replaced.
std::string NaivelyMasked(std::span<const std::string> values, std::string_view text);

}  // namespace cromt
