// Executes a scenario over a host, one statement after another. Pure: what it learns of the world, it asks the host.
// Any thread; the host is called on the caller's.
#pragma once

#include <string>

#include "agent/step/scenario/ast.h"
#include "agent/step/scenario/host.h"

namespace cromt::step {

// How a scenario ended.
struct ScenarioEnd {
  int exit_code = 0;
  std::string error;  // "FILE:LINE:COL: …", for a person; empty when the host said why, or nothing went wrong
};

ScenarioEnd RunScenario(const Scenario& scenario, ScenarioHost& host);

}  // namespace cromt::step
