// A Raku regex of a task.check, compiled: tests a line, and collects what its captures hold, in time linear to the
// line and bounded memory. What of the language is read: regex_parser.h.
//
// Characters are code points, where Raku compares whole graphemes in composed form: `.` takes a letter, and what is
// put over it, as two. Movable; const methods from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace cromt::step {

inline constexpr size_t kMaxLineBytes = 16 << 20;

class Regex {
 public:
  // kInvalid, "regex, column N: what, and what to write instead".
  static Result<Regex> Compile(std::string_view pattern);

  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  // The pattern as it was written, without a comment and the blanks around.
  const std::string& text() const { return text_; }

  // For both: REQUIRES: `line` is UTF-8 without U+FDD0 to U+FDDF, at most kMaxLineBytes. kExhausted: it is too long for
  // a regex that asks for words' boundaries.
  Result<bool> Matches(std::string_view line) const;
  // Appends what each match in the line captured, one match after the other: of each, the captures up to the last one
  // that took part, an empty one for those that didn't. The pieces point into `line`. False: the line doesn't match.
  // kExhausted also: so many matches that it would take minutes.
  Result<bool> Collect(std::string_view line, std::vector<std::string_view>& captured) const;

 private:
  Regex();
  Result<bool> NeedsMarks(std::string_view line) const;

  std::string text_;
  std::unique_ptr<re2::RE2> plain_;   // for lines that need no marks; null: all do
  std::unique_ptr<re2::RE2> marked_;  // null: none does
  uint32_t assertions_ = 0;
  int rounds_ = 0;
  std::vector<int> captures_;  // by group: the number of the capture
  size_t capture_count_ = 0;
};

}  // namespace cromt::step
