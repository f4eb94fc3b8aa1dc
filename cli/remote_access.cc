#include "cli/remote_access.h"

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "cli/remote_channel.h"
#include "cromt/v1/access.grpc.pb.h"
#include "io/pki/presented.h"
#include "io/rpc/status.h"

namespace cromt {
namespace {

using namespace cli;  // NOLINT: this file is all about its views

constexpr auto kPatience = std::chrono::seconds(40);

std::optional<Wall> WallOf(int64_t us) {
  return us > 0 ? std::optional(WallFromMicros(us)) : std::nullopt;
}

class RemoteAccess final : public AccessControl {
 public:
  RemoteAccess(const std::shared_ptr<grpc::Channel>& channel, CoordinatorTarget target)
      : stub_(v1::AccessService::NewStub(channel)), target_(std::move(target)) {}

  Result<WhoView> WhoAmI() override {
    v1::Who answer;
    CROMT_TRY(Call(&Stub::WhoAmI, v1::WhoAmIRequest(), answer));
    return WhoView{answer.mesh(),
                   answer.name(),
                   answer.role(),
                   answer.all_projects(),
                   {answer.projects().begin(), answer.projects().end()}};
  }
  Result<InvitationView> Invite(const std::string& name, const std::string& address,
                                std::optional<Duration> good_for) override {
    v1::InviteAgentRequest request;
    request.set_name(name);
    request.set_address(address);
    if (good_for) request.set_good_for_us(good_for->count());
    v1::AgentInvitation answer;
    CROMT_TRY(Call(&Stub::InviteAgent, request, answer));
    return InvitationView{answer.name(),        answer.address(), answer.coordinator(),
                          answer.fingerprint(), answer.token(),   WallFromMicros(answer.expires_at_us())};
  }
  Status RemoveAgent(const std::string& name) override {
    v1::RemoveAgentResponse answer;
    return Call(&Stub::RemoveAgent, Named<v1::RemoveAgentRequest>(name), answer);
  }
  Status ReadmitAgent(const std::string& name) override {
    v1::ReadmitAgentResponse answer;
    return Call(&Stub::ReadmitAgent, Named<v1::ReadmitAgentRequest>(name), answer);
  }
  Result<std::vector<MemberView>> Members() override {
    v1::ListMembersResponse answer;
    CROMT_TRY(Call(&Stub::ListMembers, v1::ListMembersRequest(), answer));
    std::vector<MemberView> members;
    for (const auto& one : answer.members())
      members.push_back({one.name(), one.address(), WallFromMicros(one.expires_at_us()), one.removed()});
    return members;
  }
  Result<std::vector<UserView>> Users() override {
    CROMT_ASSIGN(const v1::ListUsersResponse answer, List());
    std::vector<UserView> users;
    for (const auto& one : answer.users())
      users.push_back({one.name(), one.role(), one.all_projects(), {one.projects().begin(), one.projects().end()}});
    return users;
  }
  Result<std::vector<TokenView>> Tokens() override {
    CROMT_ASSIGN(const v1::ListUsersResponse answer, List());
    std::vector<TokenView> tokens;
    for (const auto& one : answer.tokens())
      tokens.push_back({one.id(), one.user(), WallFromMicros(one.created_at_us()), WallOf(one.expires_at_us())});
    return tokens;
  }
  Status PutUser(const UserView& user) override {
    v1::UserAccount request;
    request.set_name(user.name);
    request.set_role(user.role);
    request.set_all_projects(user.all_projects);
    for (const std::string& project : user.projects) request.add_projects(project);
    v1::PutUserResponse answer;
    return Call(&Stub::PutUser, request, answer);
  }
  Status RemoveUser(const std::string& name) override {
    v1::RemoveUserResponse answer;
    return Call(&Stub::RemoveUser, Named<v1::RemoveUserRequest>(name), answer);
  }
  Result<NewTokenView> CreateToken(const std::string& user, std::optional<Duration> good_for) override {
    v1::CreateTokenRequest request;
    request.set_user(user);
    if (good_for) request.set_good_for_us(good_for->count());
    v1::NewToken answer;
    CROMT_TRY(Call(&Stub::CreateToken, request, answer));
    return NewTokenView{answer.id(), answer.user(), answer.token(), WallOf(answer.expires_at_us())};
  }
  Status RemoveToken(const std::string& id) override {
    v1::RemoveTokenRequest request;
    request.set_id(id);
    v1::RemoveTokenResponse answer;
    return Call(&Stub::RemoveToken, request, answer);
  }
  Result<CertificateView> Certify(const std::string& certificate_request, bool agent_submit,
                                  std::optional<Duration> good_for) override {
    v1::CertifyRequest request;
    request.set_request(certificate_request);
    request.set_agent_submit(agent_submit);
    if (good_for) request.set_good_for_us(good_for->count());
    v1::UserCertificate answer;
    CROMT_TRY(Call(&Stub::Certify, request, answer));
    return CertificateView{answer.certificate(), answer.authorities(), WallFromMicros(answer.expires_at_us())};
  }
  Status RevokeCertificates(const std::string& user) override {
    v1::RevokeCertificatesRequest request;
    request.set_user(user);
    v1::RevokeCertificatesResponse answer;
    return Call(&Stub::RevokeCertificates, request, answer);
  }
  Result<cli::AuthoritiesView> Authorities() override {
    v1::ListAuthoritiesResponse answer;
    CROMT_TRY(Call(&Stub::ListAuthorities, v1::ListAuthoritiesRequest(), answer));
    cli::AuthoritiesView view{{}, {answer.behind().begin(), answer.behind().end()}, answer.known_by()};
    std::string believed;
    for (const auto& one : answer.authorities()) believed += one.certificate();
    TellAuthorities(target_, believed, Told::kSaid);
    for (const auto& one : answer.authorities())
      view.authorities.push_back({one.fingerprint(), WallFromMicros(one.expires_at_us())});
    return view;
  }
  Status RotateAuthority() override {
    v1::RotateAuthorityResponse answer;
    return Call(&Stub::RotateAuthority, v1::RotateAuthorityRequest(), answer);
  }
  Status RetireAuthority(bool anyway) override {
    v1::RetireAuthorityRequest request;
    request.set_anyway(anyway);
    v1::RetireAuthorityResponse answer;
    return Call(&Stub::RetireAuthority, request, answer);
  }
  Result<std::vector<AuditView>> Audit(uint32_t limit) override {
    v1::ListAuditRequest request;
    request.set_limit(limit);
    v1::ListAuditResponse answer;
    CROMT_TRY(Call(&Stub::ListAudit, request, answer));
    std::vector<AuditView> entries;
    for (const auto& one : answer.entries())
      entries.push_back({WallFromMicros(one.at_us()), one.who(), one.what(), one.subject(), one.detail()});
    return entries;
  }
  Result<int64_t> VerifyAudit() override {
    v1::VerifyAuditResponse answer;
    CROMT_TRY(Call(&Stub::VerifyAudit, v1::VerifyAuditRequest(), answer));
    return answer.lines();
  }

 private:
  using Stub = v1::AccessService::Stub;

  template <class Request, class Answer>
  Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Answer*), const Request& request,
              Answer& answer) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    ShowToken(context, target_.token);
    const grpc::Status status = ((*stub_).*method)(&context, request, &answer);
    if (status.ok()) return {};
    return tl::unexpected(rpc::FromStatus(status));
  }
  template <class Request>
  static Request Named(const std::string& name) {
    Request request;
    request.set_name(name);
    return request;
  }
  Result<v1::ListUsersResponse> List() {
    v1::ListUsersResponse answer;
    CROMT_TRY(Call(&Stub::ListUsers, v1::ListUsersRequest(), answer));
    return answer;
  }

  const std::unique_ptr<Stub> stub_;
  const CoordinatorTarget target_;
};

}  // namespace

Result<std::unique_ptr<AccessControl>> ConnectRemoteAccess(const CoordinatorTarget& target, Duration patience) {
  CROMT_ASSIGN(const auto channel, OpenRemote(target, patience));
  return std::make_unique<RemoteAccess>(channel, target);
}

Result<std::string> FetchAuthority(const std::string& address, const std::string& fingerprint, Duration patience) {
  return pki::PresentedCertificate(address, fingerprint, patience);
}

}  // namespace cromt
