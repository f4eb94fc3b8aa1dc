#include "agent/service/agent_gate.h"

namespace cromt {
namespace {

bool May(const Identity& who, AgentCall call) {
  switch (call) {
    case AgentCall::kCoordinator: return who.kind == PeerKind::kCoordinator;
    case AgentCall::kBlob: return who.kind != PeerKind::kUser;
    case AgentCall::kJobs: break;
  }
  return who.kind == PeerKind::kUser && who.agent_submit;
}

}  // namespace

Status AgentGate::Check(const grpc::ServerContextBase& context, AgentCall call) const {
  if (!tls_) return {};
  const auto connection = context.auth_context();
  if (!connection) return Fail(ErrorCode::kDenied, "the caller has shown no certificate");
  CROMT_ASSIGN(const pki::Certificate shown, tls_->PeerOf(*connection));
  if (May(shown.identity, call)) return {};
  return Fail(ErrorCode::kDenied, Describe(shown.identity) + " may not make this call to an agent");
}

Status AgentGate::CheckMesh(const MeshId& mesh) const {
  if (!tls_ || mesh == tls_->mesh()) return {};
  return Fail(ErrorCode::kDenied, "this agent belongs to mesh " + tls_->mesh().text() + ", not to " + mesh.text());
}

}  // namespace cromt
