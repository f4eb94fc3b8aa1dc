// A run's plan to and from its message, as the store keeps it. Pure; linear in the plan.
#pragma once

#include "base/result.h"
#include "core/plan.h"
#include "cromt/v1/types.pb.h"

namespace cromt::wire {

// What the agents of this version will accept, and Validate: for a plan before it is stored and its run is started, so
// that a run can't hang on a task that no agent takes. kInvalid naming the field ("spec 3: variables: …").
Status Check(const Plan& plan);

// Fills a message that is empty.
void ToProto(const Plan& plan, v1::Plan& proto);

// A plan that this mesh wrote itself: its specs are read without the rules of Check, for rules that were tightened
// since must not make a store unreadable. kInvalid for a spec that is none, or for what cromt::Validate says of the
// whole.
Result<Plan> FromProto(const v1::Plan& proto);

}  // namespace cromt::wire
