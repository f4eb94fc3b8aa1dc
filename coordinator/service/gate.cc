#include "coordinator/service/gate.h"

#include <fmt/format.h>

namespace cromt {
namespace {

constexpr std::string_view kBearer = "Bearer ";

// "ipv4:10.0.0.7:4711" without the port, which changes with each connection.
std::string PlaceOf(const grpc::ServerContextBase& context) {
  const std::string peer = context.peer();
  return peer.starts_with("unix:") ? peer : peer.substr(0, peer.rfind(':'));
}

std::string TokenOf(const grpc::ServerContextBase& context) {
  const auto found = context.client_metadata().find("authorization");
  if (found == context.client_metadata().end()) return "";
  const std::string_view value(found->second.data(), found->second.size());
  return value.starts_with(kBearer) ? std::string(value.substr(kBearer.size())) : std::string(value);
}

const CallRule& Known(std::string_view method) {
  // A call without a rule can't be told from one that nobody may make.
  static constexpr CallRule kNobody{"", CallScope::kMesh, static_cast<Role>(static_cast<int>(Role::kAdmin) + 1)};
  const CallRule* rule = RuleOf(method);
  return rule ? *rule : kNobody;
}

}  // namespace

Result<Credential> Gate::Shown(const grpc::ServerContextBase& context) const {
  Credential credential{std::nullopt, TokenOf(context)};
  const auto connection = context.auth_context();
  if (!tls_ || !connection || connection->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME).empty())
    return credential;
  CROMT_ASSIGN(credential.certificate, tls_->PeerOf(*connection));
  return credential;
}

Result<Principal> Gate::Identify(const grpc::ServerContextBase& context) const {
  CROMT_ASSIGN(const Credential shown, Shown(context));
  return access_->Identify(shown);
}

bool Gate::MayTry(const grpc::ServerContextBase& context) const {
  MutexLock lock(mutex_);
  return failures_.MayTry(PlaceOf(context), clock_.Read().mono);
}

tl::unexpected<Error> Gate::Refuse(const grpc::ServerContextBase& context, std::string_view method,
                                   const std::string& who, Error why) {
  const std::string place = PlaceOf(context);
  bool write = false;
  int64_t unwritten = 0;
  {
    MutexLock lock(mutex_);
    write = failures_.Add(place, clock_.Read().mono);
    if (write) unwritten = failures_.TakeUnwritten(place);
  }
  // Should it not be written, nothing was done either.
  if (access_ && write)
    (void)access_->Record(who, "denied", std::string(method),
                          fmt::format("from {}: {}{}", place, why.message,
                                      unwritten > 0 ? fmt::format(" ({} more before)", unwritten) : ""));
  return tl::unexpected(std::move(why));
}

Result<Principal> Gate::Enter(const grpc::ServerContextBase& context, std::string_view method) {
  if (!access_) return Principal{"", Role::kAdmin, true, {}, true};
  if (!MayTry(context))
    return Fail(ErrorCode::kExhausted, "too many calls from there were refused lately; wait a minute");
  auto principal = Identify(context);
  if (!principal) return Refuse(context, method, "", principal.error());
  // What a project or a list is about is looked at later.
  const CallRule& rule = Known(method);
  const Status may =
      rule.scope == CallScope::kMesh ? HasRoleInAll(*principal, rule.least) : HasRole(*principal, rule.least);
  if (!may) return Refuse(context, method, principal->name, may.error());
  return principal;
}

Status Gate::Into(const grpc::ServerContextBase& context, std::string_view method, const Principal& principal,
                  const std::string& project, const std::string& subject) {
  if (!access_) return {};
  const CallRule& rule = Known(method);
  if (Status may = HasRoleIn(principal, rule.least, project); !may)
    return Refuse(context, method, principal.name, may.error());
  return rule.least >= Role::kOperator ? Record(principal, method, subject) : Status{};
}

Status Gate::Record(const Principal& principal, std::string_view method, const std::string& subject) {
  return access_ ? access_->Record(principal.name, std::string(method), subject) : Status{};
}

bool Gate::MayStay(const grpc::ServerContextBase& context, std::string_view method, const std::string& project) const {
  if (!access_) return true;
  auto principal = Identify(context);
  return principal && HasRoleIn(*principal, Known(method).least, project);
}

}  // namespace cromt
