#include "coordinator/service/access_service.h"

#include <grpcpp/grpcpp.h>

#include <set>

#include "base/name.h"
#include "base/thread_annotations.h"
#include "coordinator/access/access.h"
#include "coordinator/service/gate.h"
#include "cromt/v1/access.grpc.pb.h"
#include "io/rpc/status.h"

namespace cromt {
namespace {

constexpr size_t kMostRequestBytes = 64 << 10;
constexpr Duration kInvitationFor = std::chrono::hours(1);
constexpr Duration kLongestInvitation = std::chrono::hours(24 * 7);
constexpr Duration kTokenFor = std::chrono::hours(24 * 90);
constexpr uint32_t kDefaultLimit = 50;
constexpr uint32_t kMaxLimit = 10'000;
constexpr size_t kPeers = 3;

grpc::Status StatusOf(const Status& status) {
  return status ? grpc::Status::OK : rpc::ToStatus(status.error());
}

void Fill(const Membership& membership, v1::Membership& message) {
  message.set_mesh(membership.mesh.text());
  message.set_agent(membership.agent);
  message.set_certificate(membership.certificate);
  message.set_authorities(membership.authorities);
}

void Fill(const User& user, v1::UserAccount& message) {
  message.set_name(user.name);
  message.set_role(std::string(ToString(user.role)));
  message.set_all_projects(user.all_projects);
  for (const std::string& project : user.projects) message.add_projects(project);
}

// Calls block their thread for a commit at most, Probe for as long as an agent may take to answer.
class AccessServiceImpl final : public v1::AccessService::Service {
 public:
  AccessServiceImpl(Access* access, Gate& gate, AccessServiceOptions options)
      : access_(access), gate_(gate), options_(std::move(options)) {}

  grpc::Status Join(grpc::ServerContext* context, const v1::JoinRequest* request, v1::Membership* response) override {
    return StatusOf(DoJoin(*context, *request, *response));
  }
  grpc::Status Renew(grpc::ServerContext* context, const v1::RenewRequest* request, v1::Membership* response) override {
    return StatusOf(DoRenew(*context, *request, *response));
  }
  grpc::Status Probe(grpc::ServerContext* context, const v1::ProbeRequest*, v1::ProbeResponse* response) override {
    return StatusOf(DoProbe(*context, *response));
  }
  grpc::Status WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest*, v1::Who* response) override {
    auto caller = gate_.Enter(*context, "AccessService/WhoAmI");
    if (!caller) return rpc::ToStatus(caller.error());
    if (access_) response->set_mesh(access_->mesh().text());
    response->set_name(caller->name);
    response->set_role(std::string(ToString(caller->role)));
    response->set_all_projects(caller->all_projects);
    for (const std::string& project : caller->projects) response->add_projects(project);
    return grpc::Status::OK;
  }
  grpc::Status InviteAgent(grpc::ServerContext* context, const v1::InviteAgentRequest* request,
                           v1::AgentInvitation* response) override {
    return StatusOf(DoInvite(*context, *request, *response));
  }
  grpc::Status RemoveAgent(grpc::ServerContext* context, const v1::RemoveAgentRequest* request,
                           v1::RemoveAgentResponse*) override {
    return Manage(*context, "AccessService/RemoveAgent", request->name(),
                  [&] { return access_->Remove(request->name()); });
  }
  grpc::Status ReadmitAgent(grpc::ServerContext* context, const v1::ReadmitAgentRequest* request,
                            v1::ReadmitAgentResponse*) override {
    return Manage(*context, "AccessService/ReadmitAgent", request->name(),
                  [&] { return access_->Readmit(request->name()); });
  }
  grpc::Status ListMembers(grpc::ServerContext* context, const v1::ListMembersRequest*,
                           v1::ListMembersResponse* response) override {
    return Look(*context, "AccessService/ListMembers", [&]() -> Status {
      CROMT_ASSIGN(const auto agents, access_->Agents());
      for (const AgentMember& agent : agents) {
        auto& member = *response->add_members();
        member.set_name(agent.name);
        member.set_address(agent.address);
        member.set_expires_at_us(Micros(agent.expires_at));
        member.set_removed(agent.removed);
      }
      return {};
    });
  }
  grpc::Status ListUsers(grpc::ServerContext* context, const v1::ListUsersRequest*,
                         v1::ListUsersResponse* response) override {
    return Look(*context, "AccessService/ListUsers", [&]() -> Status {
      CROMT_ASSIGN(const auto users, access_->Users());
      for (const User& user : users) Fill(user, *response->add_users());
      CROMT_ASSIGN(const auto tokens, access_->Tokens());
      for (const UserToken& token : tokens) {
        auto& one = *response->add_tokens();
        one.set_id(token.id);
        one.set_user(token.user);
        one.set_created_at_us(Micros(token.created_at));
        if (token.expires_at) one.set_expires_at_us(Micros(*token.expires_at));
      }
      return {};
    });
  }
  grpc::Status PutUser(grpc::ServerContext* context, const v1::UserAccount* request, v1::PutUserResponse*) override {
    return Manage(*context, "AccessService/PutUser", request->name() + " " + request->role(), [&]() -> Status {
      const auto role = RoleFrom(request->role());
      if (!role)
        return Fail(ErrorCode::kInvalid, "role: " + Quote(request->role()) + ": write viewer, operator or admin");
      if (!request->all_projects() && request->projects().empty())
        return Fail(ErrorCode::kInvalid, "projects: name at least one, or all");
      return access_->PutUser(
          {request->name(), *role, request->all_projects(), {request->projects().begin(), request->projects().end()}});
    });
  }
  grpc::Status RemoveUser(grpc::ServerContext* context, const v1::RemoveUserRequest* request,
                          v1::RemoveUserResponse*) override {
    return Manage(*context, "AccessService/RemoveUser", request->name(),
                  [&] { return access_->RemoveUser(request->name()); });
  }
  grpc::Status CreateToken(grpc::ServerContext* context, const v1::CreateTokenRequest* request,
                           v1::NewToken* response) override {
    return StatusOf(DoCreateToken(*context, *request, *response));
  }
  grpc::Status RemoveToken(grpc::ServerContext* context, const v1::RemoveTokenRequest* request,
                           v1::RemoveTokenResponse*) override {
    return StatusOf(DoRemoveToken(*context, request->id()));
  }
  grpc::Status Certify(grpc::ServerContext* context, const v1::CertifyRequest* request,
                       v1::UserCertificate* response) override {
    return StatusOf(DoCertify(*context, *request, *response));
  }
  grpc::Status RevokeCertificates(grpc::ServerContext* context, const v1::RevokeCertificatesRequest* request,
                                  v1::RevokeCertificatesResponse*) override {
    return StatusOf(DoRevokeCertificates(*context, request->user()));
  }
  grpc::Status ListAuthorities(grpc::ServerContext* context, const v1::ListAuthoritiesRequest*,
                               v1::ListAuthoritiesResponse* response) override {
    return Look(*context, "AccessService/ListAuthorities", [&]() -> Status {
      const AuthoritiesView view = access_->Authorities();
      for (const pki::AuthorityCertificate& authority : view.authorities) {
        auto& one = *response->add_authorities();
        one.set_fingerprint(authority.fingerprint);
        one.set_expires_at_us(Micros(authority.not_after));
        one.set_certificate(authority.pem);
      }
      for (const std::string& name : view.behind) response->add_behind(name);
      response->set_known_by(view.known_by);
      return {};
    });
  }
  grpc::Status RotateAuthority(grpc::ServerContext* context, const v1::RotateAuthorityRequest*,
                               v1::RotateAuthorityResponse*) override {
    return Manage(*context, "AccessService/RotateAuthority", "", [&] { return access_->RotateAuthority(); });
  }
  grpc::Status RetireAuthority(grpc::ServerContext* context, const v1::RetireAuthorityRequest* request,
                               v1::RetireAuthorityResponse*) override {
    return Manage(*context, "AccessService/RetireAuthority", "",
                  [&] { return access_->RetireAuthority(request->anyway()); });
  }
  grpc::Status ListAudit(grpc::ServerContext* context, const v1::ListAuditRequest* request,
                         v1::ListAuditResponse* response) override {
    return Look(*context, "AccessService/ListAudit", [&]() -> Status {
      const uint32_t limit = request->limit() == 0 ? kDefaultLimit : request->limit();
      if (limit > kMaxLimit) return Fail(ErrorCode::kInvalid, "limit: at most 10,000");
      CROMT_ASSIGN(const auto entries, access_->Audit(limit));
      for (const AuditEntry& entry : entries) {
        auto& one = *response->add_entries();
        one.set_at_us(Micros(entry.at));
        one.set_who(entry.who);
        one.set_what(entry.what);
        one.set_subject(entry.subject);
        one.set_detail(entry.detail);
      }
      return {};
    });
  }
  grpc::Status VerifyAudit(grpc::ServerContext* context, const v1::VerifyAuditRequest*,
                           v1::VerifyAuditResponse* response) override {
    return Look(*context, "AccessService/VerifyAudit", [&]() -> Status {
      CROMT_ASSIGN(const int64_t lines, access_->VerifyAudit());
      response->set_lines(lines);
      return {};
    });
  }

 private:
  Status NeedMesh() const {
    if (access_) return {};
    return Fail(
        ErrorCode::kConflict,
        "this coordinator is in local mode, which knows no members and users: 'cromt-coordinator init' founds a "
        "mesh");
  }
  // A call that only looks, for whom the rules let in.
  template <class F>
  grpc::Status Look(const grpc::ServerContext& context, std::string_view method, F f) {
    if (Status mesh = NeedMesh(); !mesh) return rpc::ToStatus(mesh.error());
    auto caller = gate_.Enter(context, method);
    return caller ? StatusOf(f()) : rpc::ToStatus(caller.error());
  }
  // One that changes something: it is written down before it is done.
  template <class F>
  grpc::Status Manage(const grpc::ServerContext& context, std::string_view method, const std::string& subject, F f) {
    if (Status mesh = NeedMesh(); !mesh) return rpc::ToStatus(mesh.error());
    auto caller = gate_.Enter(context, method);
    if (!caller) return rpc::ToStatus(caller.error());
    if (Status written = gate_.Record(*caller, method, subject); !written) return rpc::ToStatus(written.error());
    return StatusOf(f());
  }

  Status DoJoin(const grpc::ServerContext& context, const v1::JoinRequest& request, v1::Membership& response) {
    constexpr std::string_view kMethod = "AccessService/Join";
    CROMT_TRY(NeedMesh());
    CROMT_TRY(gate_.MayTry(context, request.token()));
    if (request.request().size() > kMostRequestBytes) return Fail(ErrorCode::kInvalid, "request: at most 64 KiB");
    auto membership = access_->Join({request.token(), request.name(), request.request()});
    if (!membership && membership.error().code == ErrorCode::kDenied)
      return gate_.Refuse(context, kMethod, "", membership.error(), /*guess=*/true);
    if (!membership) return tl::unexpected(membership.error());
    CROMT_TRY(access_->Record("agent " + membership->agent, std::string(kMethod), membership->agent));
    CROMT_TRY(TellOf(membership->agent));
    Fill(*membership, response);
    return {};
  }
  Status TellOf(const std::string& name) {
    CROMT_ASSIGN(const auto agents, access_->Agents());
    for (const AgentMember& agent : agents)
      if (agent.name == name) options_.joined(agent.name, agent.address);
    return {};
  }

  Status DoRenew(const grpc::ServerContext& context, const v1::RenewRequest& request, v1::Membership& response) {
    constexpr std::string_view kMethod = "AccessService/Renew";
    CROMT_TRY(NeedMesh());
    if (request.request().size() > kMostRequestBytes) return Fail(ErrorCode::kInvalid, "request: at most 64 KiB");
    auto shown = gate_.Shown(context);
    if (!shown) return gate_.Refuse(context, kMethod, "", shown.error());
    auto membership = access_->Renew(shown->certificate, request.request());
    if (!membership && membership.error().code == ErrorCode::kDenied)
      return gate_.Refuse(context, kMethod, "", membership.error());
    if (!membership) return tl::unexpected(membership.error());
    CROMT_TRY(access_->Record("agent " + membership->agent, std::string(kMethod), membership->agent));
    Fill(*membership, response);
    return {};
  }

  // An agent asks about itself only: for others it can't have the coordinator dial anywhere. And once at a time, since
  // each such call may keep a thread for seconds.
  Status DoProbe(const grpc::ServerContext& context, v1::ProbeResponse& response) {
    constexpr std::string_view kMethod = "AccessService/Probe";
    CROMT_TRY(NeedMesh());
    CROMT_TRY(gate_.Enter(context, kMethod));
    CROMT_ASSIGN(const Credential shown, gate_.Shown(context));
    if (!shown.certificate || shown.certificate->identity.kind != PeerKind::kAgent)
      return gate_.Refuse(context, kMethod, "", {ErrorCode::kDenied, "only an agent asks whether it is reached"});
    CROMT_ASSIGN(const auto agents, access_->Agents());
    const std::string& name = shown.certificate->identity.name;
    for (const AgentMember& agent : agents) {
      if (agent.name == name && !agent.removed) {
        response.set_address(agent.address);
        CROMT_ASSIGN(const std::string problem, TryToReach(agent));
        response.set_problem(problem);
      } else if (!agent.removed && !agent.serial.empty() && response.peers_size() < static_cast<int>(kPeers)) {
        auto& peer = *response.add_peers();
        peer.set_name(agent.name);
        peer.set_address(agent.address);
      }
    }
    return {};
  }

  // "" if it is reached.
  Result<std::string> TryToReach(const AgentMember& agent) CROMT_EXCLUDES(mutex_) {
    if (MutexLock lock(mutex_); !probed_.insert(agent.name).second)
      return Fail(ErrorCode::kExhausted, "whether this agent is reached is being tried already");
    const Status reached = options_.probe(agent.name, agent.address);
    MutexLock lock(mutex_);
    probed_.erase(agent.name);
    return reached ? std::string() : reached.error().message;
  }

  Status DoInvite(const grpc::ServerContext& context, const v1::InviteAgentRequest& request,
                  v1::AgentInvitation& response) {
    constexpr std::string_view kMethod = "AccessService/InviteAgent";
    CROMT_TRY(NeedMesh());
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, kMethod));
    const Duration good_for = request.good_for_us() == 0 ? kInvitationFor : Duration(request.good_for_us());
    if (good_for <= Duration(0) || good_for > kLongestInvitation)
      return Fail(ErrorCode::kInvalid, "an invitation is good for up to 7 days");
    CROMT_TRY(gate_.Record(caller, kMethod, request.name()));
    CROMT_ASSIGN(const InvitedAgent invited, access_->Invite(request.name(), request.address(), good_for));
    response.set_name(invited.name);
    response.set_address(invited.address);
    response.set_token(invited.token);
    response.set_expires_at_us(Micros(invited.expires_at));
    response.set_fingerprint(access_->fingerprint());
    response.set_coordinator(options_.advertised);
    return {};
  }

  // For oneself, or by an admin for anybody.
  Status MayManage(const grpc::ServerContext& context, std::string_view method, const Principal& caller,
                   const std::string& user) {
    if (caller.name == user) return {};
    if (Status admin = HasRoleInAll(caller, Role::kAdmin); !admin)
      return gate_.Refuse(context, method, caller.name, admin.error());
    return {};
  }
  Status DoCreateToken(const grpc::ServerContext& context, const v1::CreateTokenRequest& request,
                       v1::NewToken& response) {
    constexpr std::string_view kMethod = "AccessService/CreateToken";
    CROMT_TRY(NeedMesh());
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, kMethod));
    const std::string user = request.user().empty() ? caller.name : request.user();
    CROMT_TRY(MayManage(context, kMethod, caller, user));
    CROMT_TRY(gate_.Record(caller, kMethod, user));
    std::optional<Duration> good_for = kTokenFor;
    if (request.good_for_us() > 0) good_for = Duration(request.good_for_us());
    if (request.good_for_us() < 0) good_for.reset();
    CROMT_ASSIGN(const Access::NewUserToken made, access_->MakeToken(user, good_for));
    response.set_id(made.kept.id);
    response.set_token(made.token);
    response.set_user(made.kept.user);
    if (made.kept.expires_at) response.set_expires_at_us(Micros(*made.kept.expires_at));
    return {};
  }
  Status DoCertify(const grpc::ServerContext& context, const v1::CertifyRequest& request,
                   v1::UserCertificate& response) {
    constexpr std::string_view kMethod = "AccessService/Certify";
    CROMT_TRY(NeedMesh());
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, kMethod));
    if (request.agent_submit()) {
      if (Status admin = HasRoleInAll(caller, Role::kAdmin); !admin)
        return gate_.Refuse(context, kMethod, caller.name, admin.error());
    }
    if (request.request().size() > kMostRequestBytes) return Fail(ErrorCode::kInvalid, "request: at most 64 KiB");
    const Duration good_for = request.good_for_us() == 0 ? pki::kLifetime : Duration(request.good_for_us());
    if (good_for <= Duration(0) || good_for > pki::kLifetime)
      return Fail(ErrorCode::kInvalid, "a certificate is good for up to 30 days");
    CROMT_TRY(gate_.Record(caller, kMethod, caller.name + (request.agent_submit() ? " agent-submit" : "")));
    CROMT_ASSIGN(const UserCertificate made,
                 access_->CertifyUser(caller.name, request.agent_submit(), request.request(), good_for));
    response.set_certificate(made.certificate);
    response.set_authorities(made.authorities);
    response.set_expires_at_us(Micros(made.expires_at));
    return {};
  }
  Status DoRevokeCertificates(const grpc::ServerContext& context, const std::string& of) {
    constexpr std::string_view kMethod = "AccessService/RevokeCertificates";
    CROMT_TRY(NeedMesh());
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, kMethod));
    const std::string user = of.empty() ? caller.name : of;
    CROMT_TRY(MayManage(context, kMethod, caller, user));
    CROMT_TRY(gate_.Record(caller, kMethod, user));
    return access_->RevokeUser(user);
  }
  Status DoRemoveToken(const grpc::ServerContext& context, const std::string& id) {
    constexpr std::string_view kMethod = "AccessService/RemoveToken";
    CROMT_TRY(NeedMesh());
    CROMT_ASSIGN(const Principal caller, gate_.Enter(context, kMethod));
    CROMT_ASSIGN(const auto tokens, access_->Tokens());
    std::string user;  // nobody's: then it takes an admin to hear that there is none
    for (const UserToken& token : tokens)
      if (token.id == id) user = token.user;
    CROMT_TRY(MayManage(context, kMethod, caller, user));
    CROMT_TRY(gate_.Record(caller, kMethod, id));
    return access_->RemoveToken(id);
  }

  Access* const access_;
  Gate& gate_;
  const AccessServiceOptions options_;
  Mutex mutex_;
  std::set<std::string> probed_ CROMT_GUARDED_BY(mutex_);  // agents that are just being tried
};

}  // namespace

rpc::ServicePtr MakeAccessService(Access* access, Gate& gate, AccessServiceOptions options) {
  return {new AccessServiceImpl(access, gate, std::move(options)), [](grpc::Service* service) { delete service; }};
}

}  // namespace cromt
