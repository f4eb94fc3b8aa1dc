#include "cli/table.h"

#include <algorithm>
#include <numeric>

#include "cli/clean_text.h"

namespace cromt::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 8;  // no column is cut below this

enum class Ink { kHeading, kWords };

void AppendRow(const std::vector<std::string>& cells, const std::vector<size_t>& widths, const Palette& palette,
               Ink ink, std::string& out) {
  size_t pending = 0;  // blanks before the next cell; none end up at the end of a line
  for (size_t i = 0; i < cells.size(); ++i) {
    if (widths[i] == 0) continue;
    const std::string cell = Shorten(cells[i], widths[i]);
    if (!cell.empty()) {
      out.append(pending, ' ');
      out += ink == Ink::kHeading ? palette.Bold(cell) : palette.Word(cell);
      pending = 0;
    }
    pending += widths[i] - Width(cell) + kGap;
  }
  out += '\n';
}

}  // namespace

std::vector<size_t> Table::Widths(std::optional<size_t> columns) const {
  std::vector<size_t> widths(headings_.size(), 0);
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  size_t shown = 0;
  for (size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] == 0) continue;
    widths[i] = std::max(widths[i], Width(headings_[i]));
    ++shown;
  }
  if (!columns || shown == 0) return widths;
  const size_t gaps = (shown - 1) * kGap;
  for (size_t total = std::accumulate(widths.begin(), widths.end(), gaps); total > *columns;) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kNarrowest) break;
    const size_t cut = std::min(*widest - kNarrowest, total - *columns);
    // Not below the second widest at once: the columns share what is missing.
    size_t second = kNarrowest;
    for (auto width = widths.begin(); width != widths.end(); ++width)
      if (width != widest) second = std::max(second, *width);
    const size_t step = std::clamp<size_t>(*widest - std::min(second, *widest), 1, cut);
    *widest -= step;
    total -= step;
  }
  return widths;
}

std::string Table::Text(std::optional<size_t> columns, const Palette& palette) const {
  const std::vector<size_t> widths = Widths(columns);
  std::string out;
  AppendRow(headings_, widths, palette, Ink::kHeading, out);
  for (const auto& row : rows_) AppendRow(row, widths, palette, Ink::kWords, out);
  return out;
}

}  // namespace cromt::cli
