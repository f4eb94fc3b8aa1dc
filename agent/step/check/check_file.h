// Reads a task.check. All of it is read before any of it is applied: a regex or a directive that cromt doesn't know is
// an error with its line, and nothing runs.
//
//   line     = blank | "#" … | "note:" text | check | "begin:" | "between:" "{" R "}" "{" R "}" | "within:" R | "end:"
//            | "source:" path | "assert:" (0 | 1 | true | false | True | False) text | code
//   check    = "regexp:" R | "!regexp:" R | "~regexp:" R | ":any:" | ":N:" | text that a line holds
//   code     = ("code:" | "generator:") (one line | "<<" MARKER lines MARKER)
//   R        = a Raku regex (regex_parser.h), or :N: for a line's number, from 0
//
// '#' begins a comment: in a regex where it isn't quoted, anywhere in other lines. Pure; any thread.
#pragma once

#include <string_view>

#include "agent/step/check/rule.h"
#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxCheckBytes = 1 << 20;
inline constexpr size_t kMaxCheckRules = 10'000;  // of one text

// Where the first rule of a text stands: what a generator prints may be anywhere.
enum class CheckStart { kAllLines, kAnywhere };

// `name` is only named in messages. kInvalid: "NAME:LINE: what is wrong, and what to do".
Result<CheckFile> ParseCheck(std::string_view name, std::string_view text, CheckStart start = CheckStart::kAllLines);

}  // namespace cromt::step
