// Who may talk to the coordinator, and as whom; who belongs to the mesh, and how one becomes a member. Its folder:
//
//   ca.key, ca.pem, identity.pem   the mesh's authorities and the coordinator's certificate (authority_files.h)
//   access.db                      everything else
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
#include "coordinator/access/authority_files.h"

namespace cromt {

// How somebody proves who he is; what was shown, whether or not it is good.
struct Credential {
  std::optional<pki::Certificate> certificate;  // of the connection, checked already
  std::string token;
};

// Which certificates are good: what each agent is to know. `version` grows with each change.
struct Trust {
  uint64_t version = 0;
  std::vector<std::string> authorities;  // fingerprints of those that are believed, of the one that signs first
  std::vector<std::string> revoked;      // serials that are not believed any more, though in date; in order
};

// The mesh's authorities, and who has yet to follow the newest.
struct AuthoritiesView {
  std::vector<pki::AuthorityCertificate> authorities;  // the one that signs first
  std::string known_by;             // fingerprint of the one that has signed the coordinator's certificate
  std::vector<std::string> behind;  // agents whose newest certificate is of an earlier one
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

struct UserCertificate {
  std::string certificate;  // PEM, with its authority's
  std::string authorities;  // PEM: whom to believe
  Wall expires_at;
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
  // By which others recognise the mesh: of the authority that has signed the coordinator's certificate.
  std::string fingerprint() CROMT_EXCLUDES(mutex_);
  std::string identity_file() const { return folder_ + "/identity.pem"; }
  std::string authorities_file() const { return folder_ + "/ca.pem"; }
  // Gives the coordinator a new certificate when the one it has is due. To be called now and then.
  Status RenewOwn() CROMT_EXCLUDES(mutex_);

  // From one authority to another: agents are told, and get certificates of the new one; once they have, the old one
  // can be given up. kConflict: not now; the text says why. `anyway`: though agents are behind, which are out then.
  Status RotateAuthority() CROMT_EXCLUDES(mutex_);
  Status RetireAuthority(bool anyway) CROMT_EXCLUDES(mutex_);
  AuthoritiesView Authorities() CROMT_EXCLUDES(mutex_);

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
  // Not of who was removed, or left out as its authority was given up.
  bool IsMember(const std::string& name) CROMT_EXCLUDES(mutex_);
  // Never null.
  std::shared_ptr<const Trust> trust() CROMT_EXCLUDES(mutex_);
  // Called with what is revoked, now and whenever there is more. Any thread.
  void OnRevoked(std::function<void(const std::vector<std::string>&)> callback) CROMT_EXCLUDES(mutex_);

  // Users. Roles are checked by who calls; that at least one admin is left is checked here.
  Result<std::vector<User>> Users() CROMT_EXCLUDES(mutex_);
  Status PutUser(const User& user) CROMT_EXCLUDES(mutex_);
  Status RemoveUser(const std::string& name) CROMT_EXCLUDES(mutex_);
  // For programs of a user; `agent_submit`: these may put jobs on agents. kDenied unless the user is an admin of all.
  Result<UserCertificate> CertifyUser(const std::string& user, bool agent_submit, const std::string& request,
                                      Duration good_for) CROMT_EXCLUDES(mutex_);
  Status RevokeUser(const std::string& user) CROMT_EXCLUDES(mutex_);  // all of these
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
  Access(std::string folder, AccessDb db, AuthorityFiles files, const Clock& clock);
  Status Read() CROMT_EXCLUDES(mutex_);
  // From database and files.
  Status ReadTrust() CROMT_REQUIRES(db_mutex_, mutex_);
  std::vector<std::string> Behind() const CROMT_REQUIRES(mutex_);
  bool IsBelieved(const AgentMember& agent) const CROMT_REQUIRES(mutex_);
  Result<Membership> Admit(AgentMember agent, const std::string& request, const Invitation* invitation)
      CROMT_REQUIRES(db_mutex_, mutex_);
  Result<std::string> Certify(const std::string& request, const Identity& identity, Duration good_for) const
      CROMT_REQUIRES(mutex_);
  Status Revoke(const std::string& user) CROMT_REQUIRES(db_mutex_, mutex_);
  Status NeedOtherAdmin(const std::string& user) const CROMT_REQUIRES(mutex_);
  void TellRevoked() CROMT_EXCLUDES(mutex_);

  const std::string folder_;
  const MeshId mesh_;
  const Clock& clock_;
  SystemRandom random_;
  // Taken first by whatever changes the database. Who only writes or reads the audit log takes no other, so that no
  // slow disk keeps calls and sessions waiting.
  Mutex db_mutex_;
  AccessDb db_ CROMT_GUARDED_BY(db_mutex_);
  Mutex mutex_;
  // What is asked at each call, as the database has it.
  AuthorityFiles files_ CROMT_GUARDED_BY(mutex_);
  std::map<std::string, AgentMember, std::less<>> agents_ CROMT_GUARDED_BY(mutex_);
  std::map<std::string, std::string, std::less<>> at_ CROMT_GUARDED_BY(mutex_);  // members' names by address
  std::map<std::string, User, std::less<>> users_ CROMT_GUARDED_BY(mutex_);
  std::map<std::string, UserToken, std::less<>> tokens_ CROMT_GUARDED_BY(mutex_);  // by hash
  std::shared_ptr<const Trust> trust_ CROMT_GUARDED_BY(mutex_) = std::make_shared<Trust>();
  std::function<void(const std::vector<std::string>&)> on_revoked_ CROMT_GUARDED_BY(mutex_);
};

}  // namespace cromt
