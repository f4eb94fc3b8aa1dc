// How the text of `run:` is executed. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace cromt {

inline constexpr size_t kMaxInlineScriptBytes = 100 * 1024;

// The argument vector that runs `text`:
//   - its words, executed without a shell, if it is one line of [A-Za-z0-9_./:=@%+,-] and blanks whose first word
//     contains a slash. Such a line means the same to every shell, save that a first word with a '=' before its
//     slash may be an assignment, and that a program without `#!` is a script for sh: whoever executes it and
//     gets ENOEXEC runs `/bin/sh FILE ARGS…` instead.
//   - else {"/bin/sh", "-e", "-c", text}, with "--" before a text that begins like an option.
// nullopt: it must be executed from a file, for it begins with `#!` or is longer than kMaxInlineScriptBytes.
// REQUIRES: no NUL in text.
std::optional<std::vector<std::string>> ScriptArgv(const std::string& text);

}  // namespace cromt
