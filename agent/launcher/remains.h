// For an agent whose launcher died: the job processes that it left running, found by their environment. A new
// launcher has killed those in its cgroup already; this finds the rest where there are no cgroups. Any thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "base/result.h"

namespace cromt::launcher {

// Kills (SIGKILL) every process for whose CROMT_ATTEMPT_MARK `left` is true, and what that forks meanwhile; returns how
// many. Their numbers can't be mixed up: each is held by a pidfd while it is looked at.
// What wiped its environment is not found. kUnavailable when some are still there after ten rounds.
Result<size_t> KillMarked(const std::function<bool(const std::string& mark)>& left);

}  // namespace cromt::launcher
