#include "agent/service/agent_gate.h"

namespace cromt {
namespace {

constexpr size_t kMostRevoked = 100'000;
constexpr size_t kMostSerialDigits = 40;
constexpr std::string_view kHex = "0123456789abcdef";

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

Status AgentGate::Revoke(std::span<const std::string* const> serials) const {
  if (!tls_ || serials.empty()) return {};
  if (serials.size() > kMostRevoked)
    return Fail(ErrorCode::kInvalid, "more certificates are revoked than any mesh has");
  std::vector<std::string> read;
  for (const std::string* serial : serials) {
    if (serial->empty() || serial->size() > kMostSerialDigits || serial->find_first_not_of(kHex) != serial->npos)
      return Fail(ErrorCode::kInvalid, "what is revoked is no certificate's serial");
    read.push_back(*serial);
  }
  tls_->Revoke(read);
  return {};
}

Status AgentGate::CheckMesh(const MeshId& mesh) const {
  if (!tls_ || mesh == tls_->mesh()) return {};
  return Fail(ErrorCode::kDenied, "this agent belongs to mesh " + tls_->mesh().text() + ", not to " + mesh.text());
}

}  // namespace cromt
