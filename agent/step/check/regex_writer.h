// Writes a Raku regex as RE2 patterns that match the same texts with the same captures.
//
// Where the languages differ:
// - RE2 knows the boundaries of ASCII words only, and can't look at the next character. So where a regex asks more of
//   a position than to be the start or the end of the text, the text is given marks (marked_text.h), characters that
//   say what is true of a position, and every atom of the pattern skips the marks before it.
// - `|` takes the branch that matches most, not the first. Without captures that makes no difference to whether a text
//   matches. With captures, literals are written longest first; otherwise no two branches may fit one place.
// - A capture that is repeated, or within another one, is a list or a tree in Raku. Only the outer one counts for
//   checks; a repeated one is refused.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/step/check/regex_ast.h"
#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxPatternBytes = 256 << 10;
inline constexpr int kMaxMarkRounds = 16;

struct WrittenRegex {
  // For texts of one line that need no marks; empty if every text needs them.
  std::string plain;
  // For texts with marks; empty if no text needs them.
  std::string marked;
  uint32_t assertions = 0;  // whose marks: bit by Assertion
  int rounds = 0;           // how often each mark is repeated: as many as a match can ask for at one place
  // By group of either pattern: the number of the capture in Raku, where the branches of || and | share numbers.
  std::vector<int> captures;
};

// Errors are kInvalid, "regex, column N: …".
Result<WrittenRegex> WriteRegex(const RegexNode& root);

}  // namespace cromt::step
