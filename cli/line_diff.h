// What differs between two texts, line by line, as a unified diff that `patch` takes. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cromt::cli {

// Lines of the old text that are taken out and lines of the new one that are put in instead, at the same place.
struct LineChange {
  size_t old_begin = 0, old_count = 0;
  size_t new_begin = 0, new_count = 0;
  friend bool operator==(const LineChange&, const LineChange&) = default;
};

// With their line ends; the last one may have none.
std::vector<std::string_view> SplitLines(std::string_view text);

// In order, none touching the next. The shortest (by Myers' linear-space method), as long as that costs no more than
// `most_steps` comparisons; beyond it what was not compared yet counts as one change, whatever in it is the same.
inline constexpr size_t kMostDiffSteps = 50'000'000;
std::vector<LineChange> DiffLines(const std::vector<std::string_view>& before,
                                  const std::vector<std::string_view>& after, size_t most_steps = kMostDiffSteps);

// "@@ -1,3 +1,4 @@" and its lines, three of what is the same around each change; empty if nothing differs. Without the
// two lines that name the texts.
std::string UnifiedDiff(std::string_view before, std::string_view after, size_t most_steps = kMostDiffSteps);

}  // namespace cromt::cli
