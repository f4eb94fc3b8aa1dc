// Who may talk to the coordinator, and as whom; who belongs to the mesh, and how one becomes a member. Its folder:
//
//   ca.pem, ca.key   the mesh's authority; whoever has the key decides who is who. 0600
//   identity.pem     the coordinator's own key and certificate, renewed by itself
//   access.db        everything else
//
// Without the folder the coordinator is in local mode: loopback and Unix sockets only, and no login. With it, what is
// missing or damaged in it ends the start: a mesh never falls back to letting everybody in.
// Any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/random.h"
#include "base/thread_annotations.h"
#include "coordinator/access/access_db.h"
#include "io/pki/authority.h"

namespace cromt {

// How somebody proves who he is; what was shown, whether or not it is good.
struct Credential {
  std::optional<pki::Certificate> certificate;  // of the connection, checked already
  std::string token;
};

// Certificates that are not believed any more, though they are in date. `version` grows with each change.
struct Revocations {
  uint64_t version = 0;
  std::vector<std::string> serials;
};

// To be told to a host that is to become a member.
struct InvitedAgent {
  std::string name;
  std::string address;
  std::string token;  // told this once
  Wall expires_at;
};

// What makes somebody a member.
struct Membership {
  MeshId mesh;
  std::string agent;
  std::string certificate;  // PEM, with its authorities'
  std::string authorities;  // PEM: whom to believe
};

struct JoinRequest {
  std::string token;
  std::string name;     // as the host knows itself; must be who was invited
  std::string request;  // PKCS#10
};

class Access {
 public:
  struct Founded {
    std::string admin_token;  // told this once
    std::string fingerprint;  // of the authority
  };
  // Makes the folder. kConflict if it is there.
  static Result<Founded> Found(const std::string& folder, const MeshId& mesh, const Clock& clock, Random& random);
  // Null if there is no folder: local mode.
  static Result<std::unique_ptr<Access>> Open(const std::string& folder, const Clock& clock);

  const MeshId& mesh() const { return mesh_; }
  const std::string& fingerprint() const { return fingerprint_; }
  std::string identity_file() const { return folder_ + "/identity.pem"; }
  std::string authorities_file() const { return folder_ + "/ca.pem"; }
  // Gives the coordinator a new certificate when the one it has is due. To be called now and then.
  Status RenewOwn();

  // kDenied if it proves nothing; the text does not tell a token that is unknown from one that is not good any more.
  Result<Principal> Identify(const Credential& credential) CROMT_EXCLUDES(mutex_);

  // Agents. `address` empty: the name, on the default port. kConflict if one of that name is a member.
  Result<InvitedAgent> Invite(const std::string& name, const std::string& address, Duration good_for)
      CROMT_EXCLUDES(mutex_);
  Result<Membership> Join(const JoinRequest& request) CROMT_EXCLUDES(mutex_);
  // For a member who shows the certificate that it has; without one, for a member that was readmitted and proves that
  // it still has its key.
  Result<Membership> Renew(const std::optional<pki::Certificate>& shown, const std::string& request)
      CROMT_EXCLUDES(mutex_);
  Status Remove(const std::string& name) CROMT_EXCLUDES(mutex_);
  Status Readmit(const std::string& name) CROMT_EXCLUDES(mutex_);
  Result<std::vector<AgentMember>> Agents() CROMT_EXCLUDES(mutex_);
  // Who is reached at this address (as ToString(AgentAddress) writes it). kNotFound says what to do.
  Result<std::string> AgentAt(const std::string& address) CROMT_EXCLUDES(mutex_);
  bool IsMember(const std::string& name) CROMT_EXCLUDES(mutex_);
  // Never null.
  std::shared_ptr<const Revocations> revocations() CROMT_EXCLUDES(mutex_);
  // Called with these now and whenever there are more. Any thread.
  void OnRevoked(std::function<void(const std::vector<std::string>&)> callback) CROMT_EXCLUDES(mutex_);

  // Users. Roles are checked by who calls; that at least one admin is left is checked here.
  Result<std::vector<User>> Users() CROMT_EXCLUDES(mutex_);
  Status PutUser(const User& user) CROMT_EXCLUDES(mutex_);
  Status RemoveUser(const std::string& name) CROMT_EXCLUDES(mutex_);
  struct NewUserToken {
    UserToken kept;
    std::string token;  // told this once
  };
  Result<NewUserToken> MakeToken(const std::string& user, std::optional<Duration> good_for) CROMT_EXCLUDES(mutex_);
  Status RemoveToken(const std::string& id) CROMT_EXCLUDES(mutex_);
  Result<std::vector<UserToken>> Tokens() CROMT_EXCLUDES(mutex_);

  // The audit log. Verifying it takes seconds where it is long, and holds up nobody.
  Status Record(const std::string& who, const std::string& what, const std::string& subject,
                const std::string& detail = "") CROMT_EXCLUDES(mutex_);
  Result<std::vector<AuditEntry>> Audit(uint32_t limit) CROMT_EXCLUDES(mutex_);
  Result<int64_t> VerifyAudit() CROMT_EXCLUDES(mutex_);

 private:
  Access(std::string folder, AccessDb db, pki::Authority authority, std::string fingerprint, const Clock& clock);
  Status Read() CROMT_EXCLUDES(mutex_);
  Status ReadRevoked() CROMT_REQUIRES(db_mutex_, mutex_);
  Result<Membership> Admit(AgentMember agent, const std::string& request, const Invitation* invitation)
      CROMT_REQUIRES(db_mutex_, mutex_);
  Result<std::string> Certify(const std::string& request, const Identity& identity) const;
  void TellRevoked() CROMT_EXCLUDES(mutex_);

  const std::string folder_;
  const MeshId mesh_;
  const pki::Authority authority_;
  const std::string fingerprint_;
  const Clock& clock_;
  SystemRandom random_;
  // Taken first by whatever changes the database. Who only writes or reads the audit log takes no other, so that no
  // slow disk keeps calls and sessions waiting.
  Mutex db_mutex_;
  AccessDb db_ CROMT_GUARDED_BY(db_mutex_);
  Mutex mutex_;
  // What is asked at each call, as the database has it.
  std::map<std::string, AgentMember, std::less<>> agents_ CROMT_GUARDED_BY(mutex_);
  std::map<std::string, User, std::less<>> users_ CROMT_GUARDED_BY(mutex_);
  std::map<std::string, UserToken, std::less<>> tokens_ CROMT_GUARDED_BY(mutex_);  // by hash
  std::shared_ptr<const Revocations> revocations_ CROMT_GUARDED_BY(mutex_) = std::make_shared<Revocations>();
  std::function<void(const std::vector<std::string>&)> on_revoked_ CROMT_GUARDED_BY(mutex_);
};

}  // namespace cromt
