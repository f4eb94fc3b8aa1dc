// What the engine took in and decided last, in words for a debug bundle: links, hellos, reports and questions as they
// came, and what was committed for them. The loop thread adds; any thread reads.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/event_ring.h"
#include "coordinator/engine.h"

namespace cromt {

class EngineTrace {
 public:
  void TookIn(std::span<const EngineInput> inputs, Wall now);
  void Committed(std::span<const Record> records, Wall now);
  void Dialled(const std::string& address, LinkId link, Wall now);
  // Nothing is leased any more, and why; empty = it goes on.
  void Held(const std::string& why, Wall now);
  void Misbehaved(const std::string& address, const std::string& what, Wall now);

  const EventRing& events() const { return events_; }

 private:
  EventRing events_;
};

}  // namespace cromt
