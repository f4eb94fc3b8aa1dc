#include "cli/last_line.h"

#include <algorithm>
#include <utility>

namespace cromt::cli {

void LastLine::Add(uint32_t attempt, int64_t offset, std::string_view data) {
  if (attempt < attempt_) return;
  if (attempt > attempt_) *this = LastLine();
  attempt_ = attempt;
  const auto seen = static_cast<size_t>(std::max<int64_t>(next_offset_ - offset, 0));
  if (seen >= data.size()) return;
  next_offset_ = offset + static_cast<int64_t>(data.size());
  data.remove_prefix(seen);
  // Of many lines only the last two matter.
  if (const size_t last = data.rfind('\n'); last != std::string_view::npos && last > 2 * kMaxBytes) {
    EndLine();
    data.remove_prefix(last - 2 * kMaxBytes);
  }
  while (!data.empty()) {
    const size_t end = std::min(data.find_first_of("\n\r"), data.size());
    open_ += data.substr(0, std::min(end, kMaxBytes - std::min(open_.size(), kMaxBytes)));
    if (end < data.size()) EndLine();  // also a bar that is drawn over itself with \r
    data.remove_prefix(std::min(end + 1, data.size()));
  }
}

void LastLine::EndLine() {
  if (!IsBlank(open_)) ended_ = std::exchange(open_, {});
  open_.clear();
}

}  // namespace cromt::cli
