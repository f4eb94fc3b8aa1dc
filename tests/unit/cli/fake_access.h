// Members and users of a mesh, in memory; each call can be looked at.
#pragma once

#include "cli/access_control.h"

namespace cromt::cli {

class FakeAccess final : public AccessControl {
 public:
  Result<WhoView> WhoAmI() override {
    if (denied) return tl::unexpected(*denied);
    return who;
  }
  Result<InvitationView> Invite(const std::string& name, const std::string& address,
                                std::optional<Duration> good_for) override {
    if (name == bad_host) return Fail(ErrorCode::kConflict, name + " is a member of this mesh");
    calls.push_back("invite " + name + " " + address + (good_for ? " " + FormatDuration(*good_for) : ""));
    return InvitationView{name,
                          address.empty() ? name + ":4000" : address,
                          "c:4001",
                          std::string(64, 'f'),
                          "cromt_join_" + name,
                          WallFromMicros(1'800'000'000'000'000)};
  }
  Status RemoveAgent(const std::string& name) override { return Called("remove " + name); }
  Status ReadmitAgent(const std::string& name) override { return Called("readmit " + name); }
  Result<std::vector<MemberView>> Members() override { return members; }
  Result<std::vector<UserView>> Users() override { return users; }
  Result<std::vector<TokenView>> Tokens() override { return tokens; }
  Status PutUser(const UserView& user) override {
    std::string call = "user " + user.name + " " + user.role + (user.all_projects ? " all" : "");
    for (const std::string& project : user.projects) call += " " + project;
    return Called(call);
  }
  Status RemoveUser(const std::string& name) override { return Called("remove user " + name); }
  Result<NewTokenView> CreateToken(const std::string& user, std::optional<Duration> good_for) override {
    CROMT_TRY(Called("token " + user + (good_for ? " " + std::to_string(good_for->count()) : "")));
    return NewTokenView{"t1", user.empty() ? "ann" : user, "cromt_user_x", std::nullopt};
  }
  Status RemoveToken(const std::string& id) override { return Called("remove token " + id); }
  Result<CertificateView> Certify(const std::string& request, bool agent_submit,
                                  std::optional<Duration> good_for) override {
    CROMT_TRY(Called(std::string("certify") + (agent_submit ? " agent-submit" : "") +
                     (good_for ? " " + FormatDuration(*good_for) : "")));
    certificate_request = request;
    return CertificateView{"the certificate\n", "the authorities\n", WallFromMicros(1'800'000'000'000'000)};
  }
  Status RevokeCertificates(const std::string& user) override { return Called("revoke " + user); }
  Result<AuthoritiesView> Authorities() override { return authorities; }
  Status RotateAuthority() override { return Called("rotate"); }
  Status RetireAuthority(bool anyway) override { return Called(anyway ? "retire anyway" : "retire"); }
  Result<std::vector<AuditView>> Audit(uint32_t limit) override {
    calls.push_back("audit " + std::to_string(limit));
    return audit;
  }
  Result<int64_t> VerifyAudit() override {
    if (denied) return tl::unexpected(*denied);
    return 7;
  }

  WhoView who{"mesh1", "ann", "operator", false, {"deploy"}};
  std::vector<MemberView> members;
  std::vector<UserView> users;
  std::vector<TokenView> tokens;
  std::vector<AuditView> audit;
  AuthoritiesView authorities;
  std::string certificate_request;
  std::string bad_host;
  std::optional<Error> denied;
  std::vector<std::string> calls;

 private:
  Status Called(std::string call) {
    if (denied) return tl::unexpected(*denied);
    calls.push_back(std::move(call));
    return {};
  }
};

// Handed out by a backend, which gives it away.
class ForwardingAccess final : public AccessControl {
 public:
  explicit ForwardingAccess(AccessControl& to) : to_(to) {}
  Result<WhoView> WhoAmI() override { return to_.WhoAmI(); }
  Result<InvitationView> Invite(const std::string& name, const std::string& address,
                                std::optional<Duration> good_for) override {
    return to_.Invite(name, address, good_for);
  }
  Status RemoveAgent(const std::string& name) override { return to_.RemoveAgent(name); }
  Status ReadmitAgent(const std::string& name) override { return to_.ReadmitAgent(name); }
  Result<std::vector<MemberView>> Members() override { return to_.Members(); }
  Result<std::vector<UserView>> Users() override { return to_.Users(); }
  Result<std::vector<TokenView>> Tokens() override { return to_.Tokens(); }
  Status PutUser(const UserView& user) override { return to_.PutUser(user); }
  Status RemoveUser(const std::string& name) override { return to_.RemoveUser(name); }
  Result<NewTokenView> CreateToken(const std::string& user, std::optional<Duration> good_for) override {
    return to_.CreateToken(user, good_for);
  }
  Status RemoveToken(const std::string& id) override { return to_.RemoveToken(id); }
  Result<CertificateView> Certify(const std::string& request, bool agent_submit,
                                  std::optional<Duration> good_for) override {
    return to_.Certify(request, agent_submit, good_for);
  }
  Status RevokeCertificates(const std::string& user) override { return to_.RevokeCertificates(user); }
  Result<AuthoritiesView> Authorities() override { return to_.Authorities(); }
  Status RotateAuthority() override { return to_.RotateAuthority(); }
  Status RetireAuthority(bool anyway) override { return to_.RetireAuthority(anyway); }
  Result<std::vector<AuditView>> Audit(uint32_t limit) override { return to_.Audit(limit); }
  Result<int64_t> VerifyAudit() override { return to_.VerifyAudit(); }

 private:
  AccessControl& to_;
};

}  // namespace cromt::cli
