// Reads a Raku regex: the part that task.check files are made of. Anything else is an error that names the construct
// and its column, so that no regex is ever half understood.
//
//   regex       = sequence { ("||" | "|") sequence }      || binds looser than |; a leading one means nothing
//   sequence    = { [":i"] item }                          blanks mean nothing
//   item        = atom [quantifier ["?"] ["%" atom | "%%" atom]] [":"]
//   quantifier  = "*" | "+" | "?" | "**" N [".." (M | "*")]          frugal "**" is "**?"
//   atom        = letter or digit | 'text' | "text" | escape | class | "." | assertion | "(" regex ")" | "[" regex "]"
//   assertion   = "^" | "^^" | "$" | "$$" | "<<" | ">>" | "«" | "»" | "<|w>" | "<!|w>" | "<?wb>" | "<!wb>" | …
//
// A '#' ends the regex: what follows is a comment. Pure; any thread.
#pragma once

#include <string_view>

#include "agent/step/check/regex_ast.h"
#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxRegexBytes = 4096;
inline constexpr int kMaxRegexNesting = 32;       // of brackets
inline constexpr int kMaxRegexRepetition = 1000;  // the number after **

struct ParsedRegex {
  RegexNode root;
  std::string_view text;  // the part that was read: without comment and the blanks around
};

// Errors are kInvalid, "regex, column N: …".
Result<ParsedRegex> ParseRegex(std::string_view text);

}  // namespace cromt::step
