// Turns a scenario into the steps it asks for. All of it is evaluated before the first step runs: in the part of
// Raku that we read, nothing that a task does can change what comes after it.
//
// Pure: the environment is a parameter. Any thread. Errors are kInvalid, "FILE:LINE:COL: …".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/step/scenario/ast.h"
#include "agent/step/value.h"
#include "base/result.h"

namespace cromt::step {

struct Say {
  std::string text;  // one line or several, without the last newline
};

struct RunTask {
  Position at;
  std::string name;  // the path as the scenario writes it, for people
  std::string path;  // the same, relative to the repository's root, without "." and doubled slashes; "." = the root
  Map parameters;
};

using Step = std::variant<Say, RunTask>;

// nullopt for a variable that isn't set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

Result<std::vector<Step>> Evaluate(const Scenario& scenario, const Environment& environment);

}  // namespace cromt::step
