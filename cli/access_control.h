// Who belongs to a mesh and who may do what there, as the coordinator tells it and is told. Calls block for a few
// seconds at most; errors are the coordinator's words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace cromt::cli {

struct WhoView {
  std::string mesh;
  std::string name;  // empty: a coordinator in local mode, which asks nobody
  std::string role;
  bool all_projects = false;
  std::vector<std::string> projects;
};

struct InvitationView {
  std::string name;
  std::string address;
  std::string coordinator;
  std::string fingerprint;
  std::string token;
  Wall expires_at;
};

struct MemberView {
  std::string name;
  std::string address;
  Wall expires_at;
  bool removed = false;
};

struct UserView {
  std::string name;
  std::string role;
  bool all_projects = false;
  std::vector<std::string> projects;
};

struct TokenView {
  std::string id;
  std::string user;
  Wall created_at;
  std::optional<Wall> expires_at;
};

struct NewTokenView {
  std::string id;
  std::string user;
  std::string token;
  std::optional<Wall> expires_at;
};

struct CertificateView {
  std::string certificate;  // PEM, with its authority's
  std::string authorities;  // PEM
  Wall expires_at;
};

struct AuthoritiesView {
  struct Authority {
    std::string fingerprint;
    Wall expires_at;
  };
  std::vector<Authority> authorities;  // the one that signs first
  std::vector<std::string> behind;     // hosts whose certificate is not of that one
  std::string known_by;                // fingerprint to give those who log in or join
};

struct AuditView {
  Wall at;
  std::string who, what, subject, detail;
};

class AccessControl {
 public:
  virtual ~AccessControl() = default;
  virtual Result<WhoView> WhoAmI() = 0;
  // `good_for` unset: as the coordinator has it.
  virtual Result<InvitationView> Invite(const std::string& name, const std::string& address,
                                        std::optional<Duration> good_for) = 0;
  virtual Status RemoveAgent(const std::string& name) = 0;
  virtual Status ReadmitAgent(const std::string& name) = 0;
  virtual Result<std::vector<MemberView>> Members() = 0;
  virtual Result<std::vector<UserView>> Users() = 0;
  virtual Result<std::vector<TokenView>> Tokens() = 0;
  virtual Status PutUser(const UserView& user) = 0;
  virtual Status RemoveUser(const std::string& name) = 0;
  // `user` empty: the caller's own. `good_for` unset: as the coordinator has it; below zero: for ever.
  virtual Result<NewTokenView> CreateToken(const std::string& user, std::optional<Duration> good_for) = 0;
  virtual Status RemoveToken(const std::string& id) = 0;
  // For the caller's own key. `good_for` unset: as the coordinator has it.
  virtual Result<CertificateView> Certify(const std::string& request, bool agent_submit,
                                          std::optional<Duration> good_for) = 0;
  virtual Status RevokeCertificates(const std::string& user) = 0;  // empty: the caller's own
  virtual Result<AuthoritiesView> Authorities() = 0;
  virtual Status RotateAuthority() = 0;
  virtual Status RetireAuthority(bool anyway) = 0;
  virtual Result<std::vector<AuditView>> Audit(uint32_t limit) = 0;
  // How many lines were checked.
  virtual Result<int64_t> VerifyAudit() = 0;
};

}  // namespace cromt::cli
