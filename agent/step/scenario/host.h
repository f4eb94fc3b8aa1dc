// What a scenario asks of the world while it runs. The interpreter calls it, on its own thread, one call at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/step/scenario/position.h"
#include "agent/step/value.h"

namespace cromt::step {

// A call of one of the functions that Sparrow gives to scenarios (kDslFunctions), its arguments evaluated:
// `task-run "tasks/a", %(x => 1)`.
struct DslCall {
  Position at;
  std::string function;
  std::vector<Value> arguments;
};

// What came of it. Not 0: the scenario ends with this exit code, and why was said.
struct DslOutcome {
  int exit_code = 0;
  Value value;  // of task-run: the state that the task left, a map
};

class ScenarioHost {
 public:
  virtual ~ScenarioHost() = default;
  virtual DslOutcome Call(const DslCall& call) = 0;
  // `text` without the newline that say adds: one line or several.
  virtual void Say(const std::string& text) = 0;
  virtual Value Config() = 0;  // config(): a map
  virtual Value Tags() = 0;    // tags(): a map
  virtual std::string Os() = 0;
  virtual std::string Cwd() = 0;  // $*CWD
  virtual std::optional<std::string> Environment(const std::string& name) = 0;
};

}  // namespace cromt::step
