// Who belongs to a mesh, as rows: agents, invitations, users, tokens, what was revoked, and the audit log. A database
// of its own beside the store of runs: putting back a backup of the runs brings no revoked key back to life.
// One thread at a time; each call that changes something is one transaction, on disk when it returns.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "coordinator/access/principal.h"
#include "io/pki/certificate.h"
#include "io/sqlite/database.h"

namespace cromt {

struct AgentMember {
  std::string name;
  std::string address;    // HOST:PORT, where it is reached
  std::string serial;     // of its newest certificate; empty: it was invited and has not joined
  std::string key;        // fingerprint of the key of that
  std::string authority;  // fingerprint of the one that has signed it
  Wall expires_at;        // that certificate
  bool removed = false;
  std::optional<Wall> readmit_until;  // until then it may renew without a certificate that is in date
};

struct Invitation {
  std::string hash;  // of its token
  std::string agent;
  std::string address;
  Wall expires_at;
  std::optional<Wall> used_at;
};

struct User {
  std::string name;
  Role role = Role::kViewer;
  bool all_projects = true;
  std::vector<std::string> projects;
};

struct UserToken {
  std::string id;  // a name by which it is spoken of
  std::string hash;
  std::string user;
  Wall created_at;
  std::optional<Wall> expires_at;
};

// One line of the audit log.
struct AuditEntry {
  Wall at;
  std::string who;
  std::string what;     // "start", "agents.invite", "denied"; a name
  std::string subject;  // of what it was done to
  std::string detail;
};

class AccessDb {
 public:
  // Makes one. kConflict if there is one already.
  static Result<AccessDb> Create(const std::string& path, const MeshId& mesh);
  // kCorrupt or kConflict says what is wrong with what is there.
  static Result<AccessDb> Open(const std::string& path);

  const MeshId& mesh() const { return mesh_; }

  Result<std::vector<AgentMember>> Agents();
  Status PutAgent(const AgentMember& agent);
  Status PutInvitation(const Invitation& invitation);
  Result<std::optional<Invitation>> FindInvitation(std::string_view hash);
  // Marks an invitation as used and has its agent, in one: a token is good for one of each.
  Status Join(const Invitation& used, const AgentMember& agent);

  Result<std::vector<User>> Users();
  Status PutUser(const User& user);
  Status RemoveUser(const std::string& name);  // with its tokens; its certificates are revoked
  Result<std::vector<UserToken>> Tokens();
  Status PutToken(const UserToken& token);
  Status RemoveToken(const std::string& id);

  // Serials of certificates that are not believed any more, though they are in date; in order.
  Result<std::vector<std::string>> Revoked(Wall now);
  // Takes an agent out: it is removed, and all certificates that it was ever given are revoked.
  Status Remove(const AgentMember& agent);
  // Remembers a certificate of a user's, so that it can be revoked.
  Status PutIssued(const pki::Certificate& certificate);
  // All that were ever given to `owner`.
  Status Revoke(const Identity& owner);

  Status Append(const AuditEntry& entry);
  // The newest `limit`, oldest first.
  Result<std::vector<AuditEntry>> Audit(uint32_t limit);
  // Walks the whole chain; the number of lines. kCorrupt names the first line that does not follow from those before
  // it.
  Result<int64_t> VerifyAudit();

 private:
  AccessDb(sqlite::Database db, MeshId mesh) : db_(std::move(db)), mesh_(std::move(mesh)) {}
  template <class F>
  Status InTransaction(const char* begin, F f);
  Result<int64_t> WalkAudit();
  Status WriteAgent(const AgentMember& agent);
  Status WriteIssued(std::string_view serial, const std::string& owner, Wall expires_at);
  Status WriteRevoked(const std::string& owner);

  sqlite::Database db_;
  MeshId mesh_;
};

}  // namespace cromt
