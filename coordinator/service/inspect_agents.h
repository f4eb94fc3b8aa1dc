// Asks agents what they know of a mesh, without being its coordinator: for `cromt-coordinator recover`.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "coordinator/recovery.h"
#include "coordinator/service/agent_dialing.h"

namespace cromt {

struct AgentInspection {
  std::vector<InspectedAgent> agents;  // each once, however many of the addresses are its own
  std::vector<std::string> unreached;  // "ADDRESS: why"
};

// Several at once; blocks until all have answered or `patience` has passed. `insecure`: also in plaintext beyond
// loopback.
AgentInspection InspectAgents(const MeshId& mesh, const std::vector<std::string>& addresses,
                              const AgentDialing& dialing, Duration patience);

}  // namespace cromt
