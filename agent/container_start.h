// From an attempt that runs in a container to what the launcher executes: cromt-container, with an order in the slot's
// box (agent/container/order.h). Not thread-safe; blocks for a few files.
#pragma once

#include <string>

#include "agent/container/policy.h"
#include "agent/launch_command.h"

namespace cromt {

struct ContainerPlaces {
  std::string program;    // cromt-container
  std::string agent;      // its id
  std::string box;        // the slot's
  std::string directory;  // the task's, on the host
  std::string script;     // as for MakeStart, on the host
};

// kDenied for what the agent's policy does not allow, kInvalid or kNotFound for what can't be; nothing has begun then.
Result<launcher::Start> MakeContainerStart(const QueuedAttempt& attempt, uint32_t slot, const JobSettings& settings,
                                           const ContainerSettings& containers, const ContainerPlaces& places);

// How the container ended, in words, where there is more to say than its exit code: it ran out of memory, or there was
// none. `killed`: by a KILL that was not ours. Podman does not always say that this was for want of memory.
std::string HowContainerEnded(const std::string& box, const Resources& limits, bool killed);

// What image it was made of, as AttemptResult::image_digest has it; empty if there was none.
std::string ImageThatRan(const std::string& box);

// Removes what is left of the slot's container, and the box. As a rule cromt-container has done the first; where it was
// killed this blocks for as long as the engine takes, 10 s at most.
Status EmptyBox(const ContainerSettings& containers, const ContainerPlaces& places, uint32_t slot);

}  // namespace cromt
