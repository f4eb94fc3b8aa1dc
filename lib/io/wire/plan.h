// A run's plan to and from its message, as the store keeps it. Pure; linear in the plan.
#pragma once

#include "base/result.h"
#include "core/plan.h"
#include "cromt/v1/types.pb.h"

namespace cromt::wire {

// Fills a message that is empty.
void ToProto(const Plan& plan, v1::Plan& proto);

// kInvalid naming the field ("spec 3: variables: …"), or what cromt::Validate says of the whole.
Result<Plan> FromProto(const v1::Plan& proto);

}  // namespace cromt::wire
