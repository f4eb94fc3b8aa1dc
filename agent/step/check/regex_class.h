// What stands for one character of a set in a Raku regex: backslash escapes, and classes between < and >.
// Errors are kInvalid, "regex, column N: …". Pure; any thread.
#pragma once

#include <string>
#include <variant>

#include "agent/step/check/char_set.h"
#include "agent/step/check/regex_reader.h"

namespace cromt::step {

// A backslash stands for one character or for any of a set.
using RegexEscape = std::variant<std::string, CharSet>;

// Reads what begins with the backslash at the reader's place.
Result<RegexEscape> ReadEscape(RegexReader& reader);

// Reads an escape of a text in "…" and returns the character.
Result<std::string> ReadQuotedEscape(RegexReader& reader);

// Reads <[…]>, <-[…]>, <+alpha - [x]>, <alpha>, <:Lu>: the reader is behind the '<'. `ignore_case` is of `:i`.
Result<CharSet> ReadClass(RegexReader& reader, bool ignore_case);

}  // namespace cromt::step
