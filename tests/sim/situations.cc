#include "tests/sim/situations.h"

#include <fmt/format.h>

namespace cromt::sim {

std::map<std::string, uint64_t> Situations::Counts() const {
  std::map<std::string, uint64_t> counts;
  for (const auto& [words, count] : counts_) {
    const auto& [what, from, to] = words;
    counts[fmt::format("{}: {}{}{}", what, from, to.empty() ? "" : " > ", to)] = count;
  }
  return counts;
}

const std::vector<std::string>& ListedSituations() {
  static const std::vector<std::string> listed = {};
  return listed;
}

}  // namespace cromt::sim
