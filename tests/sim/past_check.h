// What `cromt why` tells of how a task came where it is, compared with what happened on the hosts.
#pragma once

#include <vector>

#include "coordinator/store/reader.h"
#include "tests/sim/world.h"

namespace cromt::sim {

// Of all runs of the store, which have finished.
void CheckPast(World& world, StoreReader& reader, const std::vector<RunView>& runs);

}  // namespace cromt::sim
