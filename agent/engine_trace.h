// What the agent's engine took in and decided last, in words for a debug bundle. The supervisor adds; any thread reads.
#pragma once

#include <span>
#include <string>

#include "agent/engine.h"
#include "base/event_ring.h"

namespace cromt {

class AgentTrace {
 public:
  void TookIn(std::span<const AgentInput> inputs, Wall now);
  void Journaled(std::span<const JournalRecord> records, Wall now);
  // A session of this number was closed, and why.
  void Closed(StreamId stream, const std::string& why, Wall now);
  // Nothing new is begun any more, and why; empty = it is again.
  void Refuses(const std::string& why, Wall now);

  const EventRing& events() const { return events_; }

 private:
  EventRing events_;
};

}  // namespace cromt
