// A text with marks: before each character, and at the end, what assertions (regex_ast.h) hold at this place. A mark is
// a noncharacter of its own for each assertion, so that a pattern can ask for it like for any character.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/step/check/regex_ast.h"

namespace cromt::step {

constexpr char32_t MarkOf(Assertion assertion) {
  return kFirstMark + static_cast<char32_t>(assertion);
}
static_assert(MarkOf(static_cast<Assertion>(kAssertions - 1)) <= kLastMark);

// True if `text` holds what Raku takes for the end of a line: one of LF, VT, FF, CR, NEL, LS, PS.
bool HoldsLineEnd(std::string_view text);

class MarkedText {
 public:
  // Marks for the `assertions` (bit by Assertion), each `rounds` times. REQUIRES: `text` is UTF-8 and holds no mark.
  MarkedText(std::string_view text, uint32_t assertions, int rounds);

  std::string_view text() const { return marked_; }
  // The place in the text without marks of a place in this one, and back: there, before the marks.
  size_t Original(size_t at) const { return originals_[at]; }
  size_t Marked(size_t original) const { return starts_[original]; }

 private:
  std::string marked_;
  std::vector<uint32_t> originals_;  // one longer than marked_
  std::vector<uint32_t> starts_;     // one longer than the original
};

}  // namespace cromt::step
