// Executes a scenario over a host, one statement after another. Pure: what it learns of the world, it asks the host.
// Any thread; the host is called on the caller's.
//
// Whatever the scenario says, the work is bounded: each bound ends it with an error.
#pragma once

#include <string>

#include "agent/step/scenario/ast.h"
#include "agent/step/scenario/datum.h"
#include "agent/step/scenario/host.h"
#include "agent/step/scenario/parser.h"
#include "base/result.h"

namespace cromt::step {

struct ScenarioLimits {
  size_t statements = 100'000;  // executed
  size_t work = 10'000'000;     // values made, and a tenth of that for each KiB of text: seconds at most
  size_t loop_items = 100'000;  // of one loop
};

// How a scenario ended.
struct ScenarioEnd {
  int exit_code = 0;
  std::string error;  // "FILE:LINE:COL: …", for a person; empty when the host said why, or nothing went wrong
};

ScenarioEnd RunScenario(const Scenario& scenario, ScenarioHost& host, const ScenarioLimits& limits = {});

// The value of a file that is one expression; `file` for messages. Errors are "FILE:LINE:COL: …".
Result<Value> ValueOfFile(std::string_view file, const ValueFile& parsed, ScenarioHost& host);

}  // namespace cromt::step
