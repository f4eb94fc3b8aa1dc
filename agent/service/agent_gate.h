// Asks each call of an agent who makes it. Any thread. Included by this folder's .cc files only.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "io/rpc/tls.h"

namespace cromt {

// Who may make a call.
enum class AgentCall {
  kCoordinator,  // leases, logs, files of repositories: the mesh's coordinator
  kBlob,         // that, and the mesh's other agents; a ticket says what they get
  kJobs,         // users of the mesh whose certificate says that they may put jobs on agents
};

class AgentGate {
 public:
  // Null in local mode, where whoever got through to us may make each call.
  explicit AgentGate(std::shared_ptr<rpc::Tls> tls) : tls_(std::move(tls)) {}

  Status Check(const grpc::ServerContextBase& context, AgentCall call) const;
  // What that coordinator says of certificates: from now on these are refused, on open connections too.
  Status Revoke(std::span<const std::string* const> serials) const;
  // Whether a coordinator that has passed speaks for this mesh.
  Status CheckMesh(const MeshId& mesh) const;

 private:
  const std::shared_ptr<rpc::Tls> tls_;
};

}  // namespace cromt
