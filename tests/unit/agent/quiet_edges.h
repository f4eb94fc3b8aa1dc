// An agent's edges that do nothing: tests override what they look at.
#pragma once

#include <string>

#include "agent/engine.h"

namespace cromt {

class QuietEdges : public AgentEdges {
 public:
  void Launch(const QueuedAttempt&, uint32_t) override {}
  void StopProcess(Ticket) override {}
  void ForgetResult(Ticket) override {}
  void Prepare(const QueuedAttempt&, uint32_t) override {}
  void StopPreparing(Ticket) override {}
  void CleanSlot(uint32_t) override {}
  void Publish(const QueuedAttempt&, uint32_t) override {}
  void BlobFailed(const BlobFailure&) override {}
  void Send(StreamId, FromAgent) override {}
  void Close(StreamId, const Error&) override {}
  void Refuses(const std::string&) override {}
  void JobChanged(const QueuedAttempt&) override {}
  void Forgotten(Ticket) override {}
};

}  // namespace cromt
