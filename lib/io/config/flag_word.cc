#include "io/config/flag_word.h"

#include <algorithm>
#include <array>

namespace cromt {

std::optional<bool> FlagWord(std::string_view text) {
  constexpr std::array<std::string_view, 10> kTrue = {"true", "True", "TRUE", "yes", "Yes",
                                                      "YES",  "on",   "On",   "ON",  "1"};
  constexpr std::array<std::string_view, 10> kFalse = {"false", "False", "FALSE", "no",  "No",
                                                       "NO",    "off",   "Off",   "OFF", "0"};
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  return std::nullopt;
}

}  // namespace cromt
