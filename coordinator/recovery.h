// What becomes of a store that went back, once all agents have said what they know. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "coordinator/store/store.h"
#include "core/messages.h"

namespace cromt {

// What an agent answered who was only asked (CoordinatorHello::inspect).
struct InspectedAgent {
  std::vector<std::string> addresses;  // at which it answered; not empty
  AgentHello hello;
  std::vector<InventoryItem> inventory;
};

// Whether a store that is at this epoch and commit can have been where the agent says that it has seen it. kInvalid
// says what can't be: no backup is a million starts old. Taken as it comes, the word of one agent would use up the
// numbers of all.
Status CheckSeen(const AgentHello& hello, uint64_t epoch, uint64_t commit);

struct Recovery {
  uint64_t epoch = 0;   // above all that was seen
  uint64_t commit = 0;  // as high as any that was seen
  std::vector<Record> records;
  std::vector<AttemptId> adopted;  // are in flight, which the store did not know
  std::vector<AttemptId> lost;     // were in flight and are not: nobody knows their ends
  std::vector<KeptAttempt> kept;   // are on agents and fit nothing in the store, or no task of that agent's
};

// The highest attempt of each task of unfinished runs of which there is output, and so has been.
using AttemptsWithOutput = std::map<RunId, std::map<TaskIndex, uint32_t>>;

// An attempt in flight at an agent that has not answered is lost, too. An agent's word counts for tasks of its own:
// those whose host it is, and those which it has by the store. `commit`: the highest number that is known besides, of
// the mark beside the store. What is yet to be leased gets a number that is not among `output`.
Recovery PlanRecovery(const StoredState& state, std::span<const InspectedAgent> agents, uint64_t commit, Wall now,
                      const AttemptsWithOutput& output = {});

// Those of the store's agents that have attempts in flight and are not among `agents`.
std::vector<AgentId> MissingAgents(const StoredState& state, std::span<const InspectedAgent> agents);

// All addresses at which agents may be found: of the store's agents and of what its unfinished runs name.
std::vector<std::string> AgentAddresses(const StoredState& state);

}  // namespace cromt
