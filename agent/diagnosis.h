// How an agent stands and what it did last, as JSON for a debug bundle (docs/cli.md): ids, phases, reasons; no command,
// variable or output of a job, and the secrets that it knows are hidden.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/agent_session.h"
#include "core/queue.h"

namespace cromt {

class AgentTrace;

class Diagnosis {
 public:
  static constexpr size_t kMostAttempts = 10'000;  // that are told one by one

  // Takes what only the supervisor may look at. `trace` outlives it.
  Diagnosis(const AgentIdentity& identity, const AgentQueue& queue, const AgentTrace& trace, uint64_t journal_bytes);

  // Any thread, once: it takes a moment.
  std::string Text() &&;

 private:
  const AgentTrace* trace_;
  nlohmann::ordered_json state_;
  std::vector<std::string> secrets_;
};

}  // namespace cromt
