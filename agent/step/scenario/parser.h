// Reads a scenario: the part of Raku that real .tom files are mostly made of. Anything else is an error that
// names the construct and its place, so that nothing is ever half understood.
//
//   scenario = [ call { ";" call } [";"] ]
//   call     = "task-run" value ["," map]  |  "say" value { "," value }
//   value    = 'text' | "text" | integer | %*ENV<NAME> | map | list
//   map      = "%(" [ key "=>" value { "," key "=>" value } [","] ] ")"        key = word | string
//   list     = "[" [ value { "," value } [","] ] "]"
//
// Comments run from # to the end of the line. Pure: no file, no environment. Any thread.
#pragma once

#include <string_view>

#include "agent/step/scenario/ast.h"
#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxScenarioBytes = 256 << 10;
inline constexpr int kMaxNesting = 32;     // of maps and lists
inline constexpr size_t kMaxCalls = 4096;  // of one scenario

// `file` is only named in messages. kInvalid: the text is broken, "FILE:LINE:COL: …"; kUnavailable: it may be good
// Raku, "FILE:LINE:COL: 'my' is outside what cromt reads itself yet".
Result<Scenario> ParseScenario(std::string_view file, std::string_view text);

// Could another interpreter of Raku read what ParseScenario refused with this error?
inline bool IsOutside(const Error& error) {
  return error.code == ErrorCode::kUnavailable;
}

}  // namespace cromt::step
