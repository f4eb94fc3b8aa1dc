// Who may talk to this coordinator and whom it talks to, from what `cromt-coordinator init` has made; or local mode.
#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "coordinator/access/access.h"
#include "coordinator/service/agent_dialing.h"

namespace cromt {

class Gate;

// Any thread. Outlives the services and the transport that are made with it.
class MeshAccess {
 public:
  // `folder` is Access's; without it this is local mode.
  static Result<std::unique_ptr<MeshAccess>> Open(const std::string& folder);
  ~MeshAccess();

  // Both null in local mode.
  Access* access() const { return access_.get(); }
  const std::shared_ptr<rpc::Tls>& tls() const { return tls_; }
  Gate& gate() { return *gate_; }
  AgentDialing Dialing(bool insecure) const;

 private:
  MeshAccess() = default;
  const SystemClock clock_;
  std::unique_ptr<Access> access_;
  std::shared_ptr<rpc::Tls> tls_;
  std::unique_ptr<Gate> gate_;
};

// Whether the agent `name` answers at `address` and is who it says. Blocks for a few seconds at most.
Status ReachAgent(const AgentDialing& dialing, const std::string& name, const std::string& address);

}  // namespace cromt
