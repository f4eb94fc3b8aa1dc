#include "fake_terminal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/name.h"

namespace cromt::cli {

void FakeTerminal::Write(std::string_view text) {
  MutexLock lock(mutex_);
  ++writes_;
  while (!text.empty()) {
    size_t size = std::max<size_t>(Utf8SequenceLength(text), 1);
    if (text[0] == '\x1B') {
      for (size = 2; size < text.size() && (std::isalpha(static_cast<unsigned char>(text[size])) == 0);) ++size;
      Escape(text.substr(1, size));
      ++size;
    } else if (text[0] == '\n') {
      LineFeed();
    } else if (text[0] == '\r') {
      column_ = 0;
    } else {
      EXPECT_GE(static_cast<unsigned char>(text[0]), 0x20) << "a control character";
      Put(std::string(text.substr(0, size)));
    }
    text.remove_prefix(std::min(size, text.size()));
  }
}

FakeTerminal::Row& FakeTerminal::At(size_t row) {
  if (row >= rows_.size()) rows_.resize(row + 1);
  return rows_[row];
}

void FakeTerminal::Put(std::string cell) {
  if (column_ == size_.columns) {
    if (wraps_) {
      At(row_).wrapped = true;
      LineFeed();
    } else {
      --column_;
    }
  }
  auto& cells = At(row_).cells;
  if (cells.size() <= column_) cells.resize(column_ + 1, " ");
  cells[column_++] = std::move(cell);
}

// As the terminal driver has it: to the first column, too.
void FakeTerminal::LineFeed() {
  column_ = 0;
  At(++row_);
  top_ = std::max(top_, row_ + 1 - std::min(size_.rows, row_ + 1));
}

void FakeTerminal::Escape(std::string_view sequence) {
  const std::string_view arguments = sequence.substr(1, sequence.size() - 2);
  size_t number = 1;
  std::from_chars(arguments.data(), arguments.data() + arguments.size(), number);
  if (sequence == "[J") {
    At(row_).cells.resize(std::min(At(row_).cells.size(), column_));
    At(row_).wrapped = false;
    rows_.resize(row_ + 1);
  } else if (sequence == "[K") {
    At(row_).cells.resize(std::min(At(row_).cells.size(), column_));
    At(row_).wrapped = false;
  } else if (sequence == "[?7l" || sequence == "[?7h") {
    wraps_ = sequence.back() == 'h';
  } else if (sequence.back() == 'A') {
    row_ = std::max(top_, row_ - std::min(row_, number));
  } else {
    EXPECT_TRUE(sequence.starts_with('[') && sequence.back() == 'm') << "an unknown sequence: " << sequence;
  }
}

// As tmux has it: of a screen that becomes lower, rows below the cursor are lost first, then the uppermost scroll out;
// then each line is wrapped anew, and where the cursor's scrolls out with that, the cursor is at the screen's corner.
void FakeTerminal::Resize(TerminalSize size) {
  MutexLock lock(mutex_);
  rows_.resize(std::max(rows_.size(), top_ + size_.rows));  // the empty ones count, too
  if (size.rows < size_.rows) rows_.resize(rows_.size() - std::min(size_.rows - size.rows, rows_.size() - 1 - row_));
  std::vector<Row> wrapped;
  size_t cursor = 0, column = 0;
  for (size_t first = 0; first < rows_.size();) {
    std::vector<std::string> line;
    size_t last = first;
    std::optional<size_t> here;
    for (;; ++last) {
      if (last == row_) here = line.size() + column_;
      line.insert(line.end(), rows_[last].cells.begin(), rows_[last].cells.end());
      if (!rows_[last].wrapped || last + 1 == rows_.size()) break;
    }
    first = last + 1;
    if (here) {
      cursor = wrapped.size() + *here / size.columns;
      column = *here % size.columns;
    }
    size_t at = 0;
    do {
      const size_t end = std::min(at + size.columns, line.size());
      wrapped.push_back(
          {{line.begin() + static_cast<ptrdiff_t>(at), line.begin() + static_cast<ptrdiff_t>(end)}, end < line.size()});
      at = end;
    } while (at < line.size());
  }
  rows_ = std::move(wrapped);
  size_ = size;
  top_ = rows_.size() - std::min(rows_.size(), size.rows);
  row_ = std::max(cursor, top_);
  column_ = cursor < top_ ? 0 : column;
}

TerminalSize FakeTerminal::size() const {
  MutexLock lock(mutex_);
  return size_;
}

std::string FakeTerminal::Text(const Row& row) {
  std::string text;
  for (const std::string& cell : row.cells) text += cell;
  return text;
}

std::vector<std::string> FakeTerminal::Lines() const {
  MutexLock lock(mutex_);
  std::vector<std::string> lines;
  bool goes_on = false;
  for (const Row& row : rows_) {
    if (goes_on)
      lines.back() += Text(row);
    else
      lines.push_back(Text(row));
    goes_on = row.wrapped;
  }
  for (std::string& line : lines) line.resize(line.find_last_not_of(' ') + 1);
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::vector<std::string> FakeTerminal::Rows() const {
  MutexLock lock(mutex_);
  std::vector<std::string> rows;
  for (size_t row = top_; row < rows_.size(); ++row) rows.push_back(Text(rows_[row]));
  return rows;
}

}  // namespace cromt::cli
