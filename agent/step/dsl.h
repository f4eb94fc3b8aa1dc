// What a call of one of the functions that Sparrow gives to scenarios asks for, as tasks to run. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "agent/step/scenario/host.h"
#include "agent/step/value.h"
#include "base/result.h"

namespace cromt::step {

struct TaskRequest {
  std::string title;       // as people know it
  std::string plugin;      // empty: a task directory of the repository
  std::string path;        // that directory, as scenarios write it: "DIR" or "DIR@SUBTASK"
  std::string task = ".";  // below the plugin: what of it runs
  Map parameters;
};
using TaskRequests = std::vector<TaskRequest>;

// In the order in which they are to run; the first that fails ends them. kInvalid for arguments that the function
// doesn't take, and for a function that cromt doesn't do; the message doesn't say where.
Result<TaskRequests> LowerCall(const DslCall& call);

}  // namespace cromt::step
