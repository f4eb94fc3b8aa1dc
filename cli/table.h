// Aligned columns that fit the terminal. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/palette.h"

namespace cromt::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

  // Clean text, as many cells as there are headings.
  void Row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  // The lines. `columns`: where there is a terminal; then the widest columns are cut until a row fits. A column that is
  // empty everywhere is left out. Words for states are coloured.
  std::string Text(std::optional<size_t> columns, const Palette& palette) const;

 private:
  std::vector<size_t> Widths(std::optional<size_t> columns) const;

  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace cromt::cli
