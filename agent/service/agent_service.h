// gRPC in front of an Agent: translates, validates and posts; decides nothing. See proto/cromt/v1/agent.proto.
#pragma once

#include <functional>
#include <memory>

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

// All that an agent serves on its port. In a mesh each caller must show a certificate that lets him. Agent and
// membership outlive it.
class AgentFront {
 public:
  AgentFront(Agent& agent, MeshMember& mesh);
  // The server that holds its parts is shut down before.
  ~AgentFront();

  grpc::Service* service();
  rpc::Beside blob_line();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cromt
