// What Raku writes with signs: the assertions that are read, and what isn't read but has a name for its message.
// Constants.
#pragma once

#include <array>
#include <string_view>

#include "agent/step/check/regex_ast.h"

namespace cromt::step {

struct AssertionSymbol {
  std::string_view text;
  Assertion assertion;
};
inline constexpr std::array<AssertionSymbol, 13> kAssertionSymbols = {{
    {"^^", Assertion::kLineStart},
    {"^", Assertion::kTextStart},
    {"<<", Assertion::kWordStart},
    {"«", Assertion::kWordStart},
    {">>", Assertion::kWordEnd},
    {"»", Assertion::kWordEnd},
    {"<|w>", Assertion::kWordBoundary},
    {"<?wb>", Assertion::kWordBoundary},
    {"<!|w>", Assertion::kNotWordBoundary},
    {"<!wb>", Assertion::kNotWordBoundary},
    {"<?ww>", Assertion::kWithinWord},
    {"<!ww>", Assertion::kNotWithinWord},
    {"<?|w>", Assertion::kWordBoundary},
}};

// What Raku has, and cromt hasn't.
struct OutsideSymbol {
  std::string_view text;
  std::string_view construct;
  std::string_view instead;  // what to write; empty: nothing does the same
};
// In the order in which they are looked for, behind the assertions.
inline constexpr std::array<OutsideSymbol, 22> kOutsideSymbols = {{
    {"<?before", "'<?before …>'", ""},
    {"<!before", "'<!before …>'", ""},
    {"<before", "'<before …>'", ""},
    {"<?after", "'<?after …>'", ""},
    {"<!after", "'<!after …>'", ""},
    {"<after", "'<after …>'", ""},
    {"<(", "'<(' (a part of the match)", "put ( ) around what you want to have"},
    {")>", "')>' (a part of the match)", "put ( ) around what you want to have"},
    {"<{", "'<{ … }>' (code)", "print the regex in a generator:"},
    {"<?", "'<?…>'", ""},
    {"<!", "'<!…>'", ""},
    {"<$", "'<$…>' (a variable)", "print the regex in a generator:"},
    {"<@", "'<@…>' (a variable)", "print the regex in a generator:"},
    {"<&", "'<&…>'", ""},
    {"< ", "'< … >' (a list of words)", "write [ a | b ]"},
    {"<~~", "'<~~>'", ""},
    {"{", "'{ … }' (code)", "quote a brace: '{'"},
    {"@", "a variable (@…)", "quote it to match it: '@'"},
    {"&", "'&'", "quote it to match it: '&'"},
    {"~", "'~' (from … to)", "quote it to match it: '~'"},
    {"“", "a curly quote", "write \"…\""},
    {"‘", "a curly quote", "write '…'"},
}};

}  // namespace cromt::step
