// The functions of scenarios that run a command: bash itself, and those that Sparrow makes of it. Pure; any thread.
#pragma once

#include "agent/step/dsl.h"
#include "agent/step/dsl_arguments.h"

namespace cromt::step {

Result<TaskRequests> LowerBash(const DslArguments& arguments);
Result<TaskRequests> LowerCopyLocalFile(const DslArguments& arguments);
Result<TaskRequests> LowerGitScm(const DslArguments& arguments);
Result<TaskRequests> LowerHttpOk(const DslArguments& arguments);
Result<TaskRequests> LowerZef(const DslArguments& arguments);

// A request for the plugin bash, however it was made: what its parameters may be (kInvalid), and whether the output is
// checked.
Status FinishBash(TaskRequest& request);

}  // namespace cromt::step
