// ~/tom.yaml: tom's options as somebody has them for all of his jobs. Those of a job go before.
#pragma once

#include "agent/step/step.h"
#include "base/result.h"

namespace cromt::step {

// Sets what `arguments` leaves open and the file's `options` say: quiet, dump_task, env, tags. No file is fine; what
// else stands in it is tom's own. kInvalid with file and place.
Status AddHomeOptions(Arguments& arguments);

}  // namespace cromt::step
