// gRPC in front of an Agent: translates, validates and posts; decides nothing. See proto/cromt/v1/agent.proto.
#pragma once

#include <functional>

#include "agent/agent.h"
#include "io/rpc/server.h"

namespace cromt {
namespace rpc {
class Tls;
}

// For AgentOptions::make_fetch: brings artifacts from other agents over gRPC; without `tls` beyond loopback only if
// `insecure`.
std::function<AgentOptions::Fetch(BlobStore&)> GrpcFetch(bool insecure, std::shared_ptr<rpc::Tls> tls);

// With `tls` each caller must show a certificate that lets him. The agent outlives the service; the server that holds
// it is shut down first.
rpc::ServicePtr MakeAgentService(Agent& agent, std::shared_ptr<rpc::Tls> tls);

}  // namespace cromt
