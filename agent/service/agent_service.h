// gRPC in front of an Agent: translates, validates and posts; decides nothing. See proto/cromt/v1/agent.proto.
#pragma once

#include <functional>

#include "agent/agent.h"
#include "io/rpc/server.h"

namespace cromt {

// For AgentOptions::make_fetch: brings artifacts from other agents over gRPC; beyond loopback only if `insecure`.
std::function<AgentOptions::Fetch(BlobStore&)> GrpcFetch(bool insecure);

// The agent outlives the service; the server that holds it is shut down first.
rpc::ServicePtr MakeAgentService(Agent& agent);

}  // namespace cromt
