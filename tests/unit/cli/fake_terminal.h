// A terminal for tests: understands what our lines at the bottom use, and fails the test for anything else. Keeps what
// has scrolled out, and wraps lines again when it is resized, as tmux does. One thread, save for Write.
#pragma once

#include <string>
#include <vector>

#include "base/thread_annotations.h"
#include "cli/terminal_size.h"
#include "cli/writer.h"

namespace cromt::cli {

class FakeTerminal final : public Writer {
 public:
  explicit FakeTerminal(TerminalSize size) : size_(size) {}

  void Write(std::string_view text) override CROMT_EXCLUDES(mutex_);
  void Resize(TerminalSize size) CROMT_EXCLUDES(mutex_);
  TerminalSize size() const CROMT_EXCLUDES(mutex_);

  // All lines, from the first that has scrolled out to the last of the screen, as they were written: without blanks at
  // their ends, and without empty ones at the end.
  std::vector<std::string> Lines() const CROMT_EXCLUDES(mutex_);
  // The rows of the screen.
  std::vector<std::string> Rows() const CROMT_EXCLUDES(mutex_);
  size_t cursor_column() const { return column_; }
  size_t writes() const { return writes_; }

 private:
  struct Row {
    std::vector<std::string> cells;
    bool wrapped = false;  // goes on in the next one
  };

  void Put(std::string cell);
  void Escape(std::string_view sequence);
  void LineFeed();
  Row& At(size_t row);
  static std::string Text(const Row& row);

  mutable Mutex mutex_;
  TerminalSize size_;
  std::vector<Row> rows_;  // scrolled out and on the screen
  size_t top_ = 0;         // the screen's first
  size_t row_ = 0;         // the cursor's, in rows_
  size_t column_ = 0;
  bool wraps_ = true;
  size_t writes_ = 0;
};

}  // namespace cromt::cli
