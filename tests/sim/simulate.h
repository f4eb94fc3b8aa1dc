// One seed, from its first event to the last check. The whole cluster in one thread: the coordinator's and the agents'
// real engines and the real store, on a simulated clock, network, launcher and disk, under faults.
#pragma once

#include <string>

#include "tests/sim/options.h"

namespace cromt::sim {

SimReport Simulate(const SimOptions& options);

// {"seed", "hash", "events", "simulated_seconds", "faults", "violations": []}
std::string JsonLine(const SimReport& report);
// For people; a violation is followed by the command that replays it.
std::string Summary(const SimReport& report);

}  // namespace cromt::sim
