// A place in the text of a scenario, moved forward by the parser. Knows what Raku's blanks are: white space, comments,
// Pod, and the bodies of heredocs, which stand below the line that names them.
//
// REQUIRES: the text outlives the cursor. A copy is a place to return to. Not thread-safe.
// Errors are "FILE:LINE:COL: …", of the kinds that ParseScenario tells apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/step/scenario/position.h"
#include "base/result.h"

namespace cromt::step {

class Cursor {
 public:
  Cursor(std::string_view file, std::string_view text) : file_(file), text_(text), end_(text.size()) {}

  Position at() const { return at_; }
  bool AtEnd() const { return offset_ >= end_; }
  std::string_view rest() const { return text_.substr(offset_, end_ - offset_); }
  // '\0' beyond the end.
  char Peek(size_t ahead = 0) const { return offset_ + ahead < end_ ? text_[offset_ + ahead] : '\0'; }
  char Before() const { return offset_ > 0 ? text_[offset_ - 1] : '\n'; }
  std::string_view PeekWord() const;
  bool StartsWith(std::string_view symbol) const { return rest().starts_with(symbol); }

  void Advance(size_t bytes);
  bool Take(std::string_view symbol);
  Status SkipBlanks();

  // The text of the heredoc that ends with a line `terminator`; the cursor will pass over it.
  struct Heredoc {
    size_t begin = 0, end = 0;
    Position at;
    size_t indent = 0;  // columns before the terminator: to be taken from each line
  };
  Result<Heredoc> TakeHeredoc(std::string_view terminator);
  // A cursor that sees the heredoc's text and nothing else.
  Cursor Within(const Heredoc& heredoc) const;
  // Does a heredoc's body stand between this line and the next?
  bool BodyFollows() const { return passed_ && passed_->newline == offset_; }

  tl::unexpected<Error> ErrorAt(Position at, std::string_view what) const;
  // For what Raku has and this reader hasn't.
  tl::unexpected<Error> OutsideAt(Position at, std::string_view construct) const;
  tl::unexpected<Error> LimitAt(Position at, std::string_view what) const;

 private:
  Status SkipComment();
  Status SkipEmbeddedComment();
  bool AtPod() const;
  Status SkipPod();
  void SkipLine();
  std::string_view LineAt(size_t offset) const;

  std::string_view file_, text_;
  size_t offset_ = 0, end_ = 0;
  Position at_;
  struct Passed {
    size_t newline = 0, resume = 0;  // offsets
    int lines = 0;
  };
  std::optional<Passed> passed_;  // heredocs below the current line
};

}  // namespace cromt::step
