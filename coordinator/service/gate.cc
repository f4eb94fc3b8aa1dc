#include "coordinator/service/gate.h"

#include <fmt/format.h>

#include "coordinator/access/token.h"

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

Status Gate::MayTry(const grpc::ServerContextBase& context, const std::string& token) const {
  MutexLock lock(mutex_);
  if (failures_.MayTry(PlaceOf(context), TokenHash(token), clock_.Read().mono)) return {};
  return Fail(ErrorCode::kExhausted, "too many wrong tokens came from there lately; wait a minute");
}

tl::unexpected<Error> Gate::Refuse(const grpc::ServerContextBase& context, std::string_view method,
                                   const std::string& who, Error why, bool guess) {
  const std::string place = PlaceOf(context);
  bool write = false;
  int64_t unwritten = 0;
  {
    MutexLock lock(mutex_);
    write = failures_.Add(place, guess, clock_.Read().mono);
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
  const auto shown = Shown(context);
  if (!shown) return Refuse(context, method, "", shown.error());
  const bool by_token = !shown->certificate && !shown->token.empty();
  if (by_token) CROMT_TRY(MayTry(context, shown->token));
  auto principal = access_->Identify(*shown);
  if (!principal) return Refuse(context, method, "", principal.error(), by_token);
  if (by_token) {
    MutexLock lock(mutex_);
    failures_.Good(PlaceOf(context), TokenHash(shown->token));
  }
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
  const auto shown = Shown(context);
  const auto principal = shown ? access_->Identify(*shown) : tl::unexpected(shown.error());
  return principal && HasRoleIn(*principal, Known(method).least, project);
}

}  // namespace cromt
