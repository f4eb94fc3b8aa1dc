#include "agent/service/agent_gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "cromt/v1/agent.pb.h"

namespace cromt {
namespace {

constexpr Duration kTellAgain = seconds(1);
constexpr size_t kMostRevoked = 100'000;
constexpr size_t kMostSerialDigits = 40;
constexpr size_t kMostAuthorities = 8;
constexpr size_t kFingerprintDigits = 64;

bool IsHex(const std::string& text, size_t least, size_t most) {
  return text.size() >= least && text.size() <= most && text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool May(const Identity& who, AgentCall call) {
  switch (call) {
    case AgentCall::kCoordinator: return who.kind == PeerKind::kCoordinator;
    case AgentCall::kBlob: return who.kind != PeerKind::kUser;
    case AgentCall::kJobs: break;
  }
  return who.kind == PeerKind::kUser && who.agent_submit;
}

}  // namespace

Result<AgentGate::Caller> AgentGate::CallerOf(const grpc::ServerContextBase& context) const {
  if (!tls_) return std::nullopt;
  const auto connection = context.auth_context();
  if (!connection) return Fail(ErrorCode::kDenied, "the caller has shown no certificate");
  CROMT_ASSIGN(pki::Certificate shown, tls_->PeerOf(*connection));
  return std::move(shown.identity);
}

Status AgentGate::Check(const grpc::ServerContextBase& context, AgentCall call) const {
  CROMT_ASSIGN(const Caller caller, CallerOf(context));
  return Check(caller, call);
}

Status AgentGate::Check(const Caller& caller, AgentCall call) const {
  if (!tls_ || (caller && May(*caller, call))) return {};
  return Fail(ErrorCode::kDenied, (caller ? Describe(*caller) : "nobody") + " may not make this call to an agent");
}

Status AgentGate::CheckConsumer(const Caller& caller, const AgentId& consumer) const {
  if (!tls_) return {};
  const PeerKind kind = consumer.empty() ? PeerKind::kCoordinator : PeerKind::kAgent;
  if (caller && caller->kind == kind && (consumer.empty() || caller->name == consumer.text())) return {};
  return Fail(ErrorCode::kDenied, fmt::format("the ticket was given to {}, and {} shows it",
                                              consumer.empty() ? "the coordinator" : "agent " + consumer.text(),
                                              caller ? Describe(*caller) : "nobody"));
}

void AgentGate::Refused(const std::string& from, const Error& why) const {
  const Mono now = SystemClock().Read().mono;
  int64_t untold;
  {
    MutexLock lock(mutex_);
    if (told_at_ && now - *told_at_ < kTellAgain) {
      ++untold_;
      return;
    }
    told_at_ = now;
    untold = std::exchange(untold_, 0);
  }
  warn_(fmt::format("refused a call from {}: {}{}", from, why.message,
                    untold > 0 ? fmt::format(" ({} more before)", untold) : ""));
}

Status AgentGate::Trust(const v1::ToAgent& message) const {
  if (!tls_ || (message.revoked().empty() && message.authorities().empty())) return {};
  const auto& revoked = message.revoked();
  if (static_cast<size_t>(revoked.size()) > kMostRevoked)
    return Fail(ErrorCode::kInvalid, "more certificates are revoked than any mesh has");
  if (!std::all_of(revoked.begin(), revoked.end(), [](const auto& one) { return IsHex(one, 1, kMostSerialDigits); }))
    return Fail(ErrorCode::kInvalid, "what is revoked is no certificate's serial");
  const auto& authorities = message.authorities();
  if (static_cast<size_t>(authorities.size()) > kMostAuthorities)
    return Fail(ErrorCode::kInvalid, "more authorities are believed than any mesh has");
  if (!std::all_of(authorities.begin(), authorities.end(),
                   [](const auto& one) { return IsHex(one, kFingerprintDigits, kFingerprintDigits); }))
    return Fail(ErrorCode::kInvalid, "what is to be believed is no authority's fingerprint");
  tls_->Revoke({revoked.begin(), revoked.end()});
  mesh_.Heard({authorities.begin(), authorities.end()});
  return {};
}

Status AgentGate::CheckMesh(const MeshId& mesh) const {
  if (!tls_ || mesh == tls_->mesh()) return {};
  return Fail(ErrorCode::kDenied, "this agent belongs to mesh " + tls_->mesh().text() + ", not to " + mesh.text());
}

}  // namespace cromt
