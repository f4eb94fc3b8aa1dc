#include "coordinator/service/mesh_access.h"

#include <chrono>

#include "coordinator/service/agent_channel.h"
#include "coordinator/service/gate.h"
#include "io/rpc/tls.h"

namespace cromt {
namespace {

constexpr std::chrono::seconds kReachPatience{5};

}  // namespace

MeshAccess::~MeshAccess() = default;

Result<std::unique_ptr<MeshAccess>> MeshAccess::Open(const std::string& folder) {
  std::unique_ptr<MeshAccess> mesh(new MeshAccess());
  CROMT_ASSIGN(mesh->access_, Access::Open(folder, mesh->clock_));
  if (mesh->access_) {
    CROMT_ASSIGN(mesh->tls_, rpc::Tls::Open(mesh->access_->mesh(),
                                            {mesh->access_->identity_file(), mesh->access_->authorities_file()}));
    mesh->access_->OnRevoked([tls = mesh->tls_](const std::vector<std::string>& serials) { tls->Revoke(serials); });
  }
  mesh->gate_ = std::make_unique<Gate>(mesh->access_.get(), mesh->tls_.get());
  return mesh;
}

AgentDialing MeshAccess::Dialing(bool insecure) const {
  AgentDialing dialing{.insecure = insecure, .tls = tls_, .agent_at = {}, .is_member = {}, .trust = {}};
  if (!access_) return dialing;
  dialing.agent_at = [access = access_.get()](const std::string& address) { return access->AgentAt(address); };
  dialing.is_member = [access = access_.get()](const std::string& name) { return access->IsMember(name); };
  dialing.trust = [access = access_.get()] { return access->trust(); };
  return dialing;
}

Status ReachAgent(const AgentDialing& dialing, const std::string& name, const std::string& address) {
  rpc::ChannelOptions options{.insecure = dialing.insecure};
  if (dialing.tls) options.credentials = dialing.tls->ToPeer(PeerKind::kAgent, name);
  CROMT_ASSIGN(const auto channel, rpc::OpenChannel(address, options));
  return rpc::Connect(*channel, kReachPatience);
}

}  // namespace cromt
