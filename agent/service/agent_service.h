// gRPC in front of an Agent: translates, validates and posts; decides nothing. See proto/cromt/v1/agent.proto.
#pragma once

#include <functional>

#include "agent/agent.h"
#include "io/rpc/server.h"

namespace cromt {
class MeshMember;
namespace rpc {
class Tls;
}

// For AgentOptions::make_fetch: brings artifacts from other agents over gRPC; without `tls` beyond loopback only if
// `insecure`.
std::function<AgentOptions::Fetch(BlobStore&)> GrpcFetch(bool insecure, std::shared_ptr<rpc::Tls> tls);

// In a mesh each caller must show a certificate that lets him. Agent and membership outlive the service; the server
// that holds it is shut down first.
rpc::ServicePtr MakeAgentService(Agent& agent, MeshMember& mesh);

}  // namespace cromt
