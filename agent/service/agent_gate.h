// Asks each call of an agent who makes it. Any thread. Included by this folder's .cc files only.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/service/mesh_member.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "io/rpc/tls.h"

namespace cromt {
namespace v1 {
class ToAgent;
}

// Who may make a call.
enum class AgentCall {
  kCoordinator,  // leases, logs, files of repositories: the mesh's coordinator
  kBlob,         // that, and the mesh's other agents; a ticket says what they get
  kJobs,         // users of the mesh whose certificate says that they may put jobs on agents
};

class AgentGate {
 public:
  // In local mode whoever got through to us may make each call. `mesh` outlives the gate. `warn`: for the operator, any
  // thread.
  AgentGate(MeshMember& mesh, std::function<void(const std::string&)> warn)
      : mesh_(mesh), tls_(mesh.tls()), warn_(std::move(warn)) {}

  // Nobody in particular in local mode: the kernel has vouched for the user.
  using Caller = std::optional<Identity>;
  Result<Caller> CallerOf(const grpc::ServerContextBase& context) const;
  Status Check(const grpc::ServerContextBase& context, AgentCall call) const;
  Status Check(const Caller& caller, AgentCall call) const;
  // Whether a ticket of this consumer (empty: the coordinator) is the caller's own. In local mode it is: he could take
  // it from whichever of his programs has it.
  Status CheckConsumer(const Caller& caller, const AgentId& consumer) const;
  // What that coordinator says of certificates: these are refused from now on, on open connections too, and those
  // authorities are believed.
  Status Trust(const v1::ToAgent& message) const;
  // Whether a coordinator that has passed speaks for this mesh.
  Status CheckMesh(const MeshId& mesh) const;
  // A call was refused: says so to the operator. Of a flood one a second is told, the others are counted.
  void Refused(const grpc::ServerContextBase& context, const Error& why) const { Refused(context.peer(), why); }
  void Refused(const std::string& from, const Error& why) const CROMT_EXCLUDES(mutex_);

 private:
  MeshMember& mesh_;
  const std::shared_ptr<rpc::Tls> tls_;
  const std::function<void(const std::string&)> warn_;
  mutable Mutex mutex_;
  mutable std::optional<Mono> told_at_ CROMT_GUARDED_BY(mutex_);
  mutable int64_t untold_ CROMT_GUARDED_BY(mutex_) = 0;
};

}  // namespace cromt
