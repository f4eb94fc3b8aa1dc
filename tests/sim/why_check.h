// Whether what the coordinator answers to `why` is so: the kind and the figures of each line are compared with what was
// committed, which links are there and which processes run.
#pragma once

#include <map>
#include <string>

#include "core/why.h"
#include "tests/sim/commit_check.h"

namespace cromt::sim {

// What is so, besides what was committed.
struct WhyFacts {
  std::map<std::string, AgentId> answers;        // addresses of live links, and who is there
  std::map<std::string, AgentId> last_at;        // who was there last, also if it is reached by another address now
  std::map<AgentId, uint32_t> slots;             // of agents that were reached
  std::multimap<AgentId, std::string> refusals;  // what each has said last in a live session that keeps it from leases
  const CommitCheck* committed = nullptr;
  const Ledger* ledger = nullptr;
  Now now;
};

// Why the answer can't be true that is given of a task; empty if it can. The first line is about itself, the others
// about who is in its way.
std::string WhyUntrue(const WhyLines& lines, const RunId& run, TaskIndex task, const WhyFacts& facts);
// The same of a run: how many of its tasks stand where, and then by what they are kept, each of them.
std::string WhyUntrue(const WhyLines& lines, const RunId& run, const WhyFacts& facts);

}  // namespace cromt::sim
