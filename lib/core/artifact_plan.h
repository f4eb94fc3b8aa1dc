// Used by the planner only: finds out which instance's artifact each `in:` of a plan means.
#pragma once

#include "core/job_file.h"
#include "core/plan.h"

namespace cromt {

// Fills PlannedInstance::inputs. Of those that publish a name and have ended before a task starts, the last is meant;
// so any two that publish it must have an order. kInvalid with the place in the file: an `in` that nothing before it
// publishes, or a name that two instances publish in no order; kExhausted if that is too much to find out.
// REQUIRES: the plan is valid and was made from `file`.
Status ResolveArtifacts(const JobFile& file, Plan& plan);

}  // namespace cromt
