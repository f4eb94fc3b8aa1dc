// What a scenario would call, without running it: lets a runner look for every task and plugin before the first step.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/step/scenario/ast.h"

namespace cromt::step {

// A call of one of Sparrow's functions, in the order of the text; under an `if` it may never happen.
struct CallSite {
  Position at;  // of the function's name
  std::string function;
  bool always = false;  // not under an `if`, a loop or an operator
  // Of task-run, when they are literals.
  std::optional<std::string> task_path;
  std::optional<std::string> plugin;
};

std::vector<CallSite> ListCalls(const Scenario& scenario);

}  // namespace cromt::step
