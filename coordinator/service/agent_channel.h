// Channels to agents. Included by this folder's .cc files only.
#pragma once

#include "base/ids.h"
#include "coordinator/service/agent_dialing.h"
#include "io/rpc/channel.h"

namespace cromt::service {

struct AgentChannel {
  std::shared_ptr<grpc::Channel> channel;
  AgentId agent;  // who is at its other end, since nobody else gets through; empty in plaintext
};

// As rpc::OpenChannel.
Result<AgentChannel> OpenAgent(const AgentDialing& dialing, const std::string& address);

}  // namespace cromt::service
