// A Raku regex as a tree: the part of the language that cromt reads. Plain values.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "agent/step/check/char_set.h"

namespace cromt::step {

// What is true of a position between two characters.
enum class Assertion {
  kTextStart,        // ^
  kTextEnd,          // $
  kLineStart,        // ^^
  kLineEnd,          // $$
  kWordStart,        // << and «
  kWordEnd,          // >> and »
  kWordBoundary,     // <|w>
  kNotWordBoundary,  // <!|w>
  kWithinWord,       // <?ww>
  kNotWithinWord,    // <!ww>
  kNotBeforeSpace,   // what makes <ws> take all of the blanks
};
inline constexpr int kAssertions = static_cast<int>(Assertion::kNotBeforeSpace) + 1;

struct RegexNode;

struct RegexLiteral {
  std::string text;  // one or more whole characters
  bool ignore_case = false;
};
struct RegexChars {
  CharSet set;
};
struct RegexSequence {
  std::vector<RegexNode> items;  // none: matches the empty text
};
struct RegexAlternation {
  std::vector<RegexNode> branches;  // two or more
  bool longest_first = false;       // `|`: the branch that matches most; `||`: the first that matches
  int column = 1;
};
struct RegexCapture {
  std::vector<RegexNode> body;  // one
};
struct RegexRepeat {
  static constexpr int kUnlimited = -1;
  std::vector<RegexNode> body;       // one
  std::vector<RegexNode> separator;  // of `% X`: one, else none
  bool ends_with_separator = false;  // `%%`: it may
  int min = 0;
  int max = kUnlimited;
  bool frugal = false;
  int column = 1;
};

struct RegexNode {
  std::variant<RegexSequence, RegexLiteral, RegexChars, Assertion, RegexAlternation, RegexCapture, RegexRepeat> form;
};

}  // namespace cromt::step
