// Reads a scenario: the part of Raku that real .tom files are mostly made of. Anything else is an error that names the
// construct and its place, so that nothing is ever half understood. All of it is read before any of it runs.
//
//   statement = simple [("if" | "unless") condition] ["for" list] | "if" … { } elsif … else … | "unless" … { }
//             | "for" list ["->" $x] { … } | "use v6"
//   simple    = [my] variable ["=" value] | call | value "or" simple | …
//   call      = function [value { "," value }]       with or without parentheses; see functions.h
//   value     = text | integer | True | False | $x | @l | %h | %*ENV<X> | config() | tags() | os() | %( … ) | { … }
//             | [ … ] | ( … ) | <words> | value<key>, value{"key"}, value[0] | operators | q:to/END/
//
// Pure: no file, no environment. Any thread.
#pragma once

#include <string_view>

#include "agent/step/scenario/ast.h"
#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxScenarioBytes = 256 << 10;
inline constexpr int kMaxNesting = 32;            // of brackets, blocks and operators
inline constexpr size_t kMaxStatements = 4096;    // of one scenario
inline constexpr size_t kMaxMapEntries = 4096;    // of one map, as written
inline constexpr size_t kMaxVariables = 1024;     // of one scenario
inline constexpr size_t kMaxExpressions = 65536;  // of one scenario

// `file` is only named in messages. kInvalid: the text is broken, "FILE:LINE:COL: …"; kExhausted: too much of it;
// kUnavailable: it may be good Raku, "FILE:LINE:COL: 'while' is outside what cromt reads itself yet".
Result<Scenario> ParseScenario(std::string_view file, std::string_view text);

// A file that is one value and no statement, as .tom/env/config.raku is. Errors as above.
struct ValueFile {
  Expression value;
  size_t slots = 0;
};
Result<ValueFile> ParseValueFile(std::string_view file, std::string_view text);

// Could another interpreter of Raku read what was refused with this error?
inline bool IsOutside(const Error& error) {
  return error.code == ErrorCode::kUnavailable;
}

}  // namespace cromt::step
