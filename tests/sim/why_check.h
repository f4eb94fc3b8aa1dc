// Whether what the coordinator answers to `why` is so: each answer's kind and figures are compared with what was
// committed, which links are there and which processes run. The first line is about the task that was asked for; the
// others about who is in its way.
#pragma once

#include <map>
#include <string>

#include "core/why.h"
#include "tests/sim/commit_check.h"

namespace cromt::sim {

// What is so, besides what was committed.
struct WhyFacts {
  std::map<std::string, AgentId> answers;   // addresses of live links, and who is there
  std::map<std::string, AgentId> last_at;   // who was there last, also if it is reached by another address now
  std::map<AgentId, uint32_t> slots;        // of agents that were reached
  std::map<AgentId, std::string> refusals;  // what each has said last that keeps it from taking leases
  const CommitCheck* committed = nullptr;
  const Ledger* ledger = nullptr;
};

// Why the answer can't be true; empty if it can.
std::string WhyUntrue(const WhyLines& lines, const RunId& run, TaskIndex task, const WhyFacts& facts);

}  // namespace cromt::sim
