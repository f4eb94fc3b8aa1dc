// Whether the coordinator's disk can take a run: what a commit is too large for is refused before it is begun.
#pragma once

#include <string>

#include "base/result.h"
#include "core/plan.h"

namespace cromt {

// kExhausted says what is needed and what is there. Blocks no longer than a look at the file system of `dir` does.
Status RoomFor(const Plan& plan, const std::string& dir);

}  // namespace cromt
