#include "coordinator/access/access.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/name.h"
#include "coordinator/access/token.h"
#include "core/agent_address.h"
#include "io/process/data_dir.h"

namespace cromt {
namespace {

constexpr Duration kReadmitFor = std::chrono::hours(24);
constexpr char kFirstAdmin[] = "admin";

// Whoever shows something that is not good learns nothing of what would be.
Error UnknownToken(std::string_view kind) {
  return {ErrorCode::kDenied, "the " + std::string(kind) + " token is not known, or not good any more"};
}

bool IsFullAdmin(const User& user) {
  return user.role == Role::kAdmin && user.all_projects;
}

}  // namespace

// ---- Start ------------------------------------------------------------------------------------

Access::Access(std::string folder, AccessDb db, AuthorityFiles files, const Clock& clock)
    : folder_(std::move(folder)), mesh_(db.mesh()), clock_(clock), db_(std::move(db)), files_(std::move(files)) {}

Result<Access::Founded> Access::Found(const std::string& folder, const MeshId& mesh, const Clock& clock,
                                      Random& random) {
  if (std::filesystem::exists(folder))
    return Fail(ErrorCode::kConflict, folder + " is there already: this coordinator's mesh was founded before");
  // What an earlier try has left is nothing yet: only the renaming makes it something.
  const std::string draft = folder + ".new";
  std::error_code ignored;
  std::filesystem::remove_all(draft, ignored);
  CROMT_TRY(MakeDirs(draft));
  const Wall now = clock.Read().wall;
  CROMT_ASSIGN(const AuthorityFiles files, AuthorityFiles::Make(draft, mesh, now));
  const Founded founded{NewToken(kUserToken, random), files.recognised_by()};
  {
    CROMT_ASSIGN(AccessDb db, AccessDb::Create(draft + "/access.db", mesh));
    CROMT_TRY(db.PutUser({kFirstAdmin, Role::kAdmin, true, {}}));
    CROMT_TRY(db.PutToken({RandomName(random), TokenHash(founded.admin_token), kFirstAdmin, now, std::nullopt}));
    CROMT_TRY(db.Append({now, "", "init", "mesh " + mesh.text(), ""}));
  }
  if (::rename(draft.c_str(), folder.c_str()) != 0)
    return tl::unexpected<Error>(ErrnoError("can't make " + folder, errno));
  return founded;
}

Result<std::unique_ptr<Access>> Access::Open(const std::string& folder, const Clock& clock) {
  if (!std::filesystem::exists(folder)) return std::unique_ptr<Access>();
  CROMT_ASSIGN(AccessDb db, AccessDb::Open(folder + "/access.db"));
  CROMT_ASSIGN(AuthorityFiles files, AuthorityFiles::Open(folder, db.mesh(), clock.Read().wall));
  std::unique_ptr<Access> access(new Access(folder, std::move(db), std::move(files), clock));
  CROMT_TRY(access->Read());
  return access;
}

Status Access::Read() {
  MutexLock writing(db_mutex_);
  MutexLock lock(mutex_);
  CROMT_ASSIGN(const auto agents, db_.Agents());
  for (const AgentMember& agent : agents) {
    agents_[agent.name] = agent;
    if (!agent.removed) at_[agent.address] = agent.name;
  }
  CROMT_ASSIGN(const auto users, db_.Users());
  for (const User& user : users) users_[user.name] = user;
  CROMT_ASSIGN(const auto tokens, db_.Tokens());
  for (const UserToken& token : tokens) tokens_[token.hash] = token;
  return ReadTrust();
}

Status Access::ReadTrust() {
  Trust trust{trust_->version + 1, {}, {}};
  for (const pki::AuthorityCertificate& one : files_.believed()) trust.authorities.push_back(one.fingerprint);
  CROMT_ASSIGN(trust.revoked, db_.Revoked(clock_.Read().wall));
  trust_ = std::make_shared<Trust>(std::move(trust));
  return {};
}

Status Access::RenewOwn() {
  MutexLock lock(mutex_);
  return files_.Follow(clock_.Read().wall);
}

// ---- From one authority to the next -----------------------------------------------------------

Status Access::RotateAuthority() {
  MutexLock writing(db_mutex_);
  MutexLock lock(mutex_);
  const Status rotated = files_.Rotate(clock_.Read().wall);
  CROMT_TRY(ReadTrust());  // though it failed: it may have gone half the way, which is gone on from
  return rotated;
}

Status Access::RetireAuthority(bool anyway) {
  MutexLock writing(db_mutex_);
  MutexLock lock(mutex_);
  if (const auto behind = Behind(); !behind.empty() && !anyway)
    return Fail(ErrorCode::kConflict,
                behind.front() +
                    (behind.size() == 1 ? " has" : " and " + std::to_string(behind.size() - 1) + " others have") +
                    " no certificate of the new authority yet, and would be out: wait until 'cromt ca' names no host, "
                    "remove such as won't come back, or leave them out with --anyway");
  const Status retired = files_.Retire(clock_.Read().wall);
  CROMT_TRY(ReadTrust());
  return retired;
}

std::vector<std::string> Access::Behind() const {
  std::vector<std::string> behind;
  for (const auto& [name, agent] : agents_)
    if (!agent.removed && !agent.serial.empty() && agent.authority != files_.believed().front().fingerprint)
      behind.push_back(name);
  return behind;
}

AuthoritiesView Access::Authorities() {
  MutexLock lock(mutex_);
  return {files_.believed(), files_.recognised_by(), Behind()};
}

std::string Access::fingerprint() {
  MutexLock lock(mutex_);
  return files_.recognised_by();
}

std::shared_ptr<const Trust> Access::trust() {
  MutexLock lock(mutex_);
  return trust_;
}

// ---- Who calls --------------------------------------------------------------------------------

Result<Principal> Access::Identify(const Credential& credential) {
  MutexLock lock(mutex_);
  const auto of_user = [&](const std::string& name)
                           CROMT_THREAD_ANNOTATION(no_thread_safety_analysis) -> Result<Principal> {
    auto user = users_.find(name);
    if (user == users_.end()) return Fail(ErrorCode::kDenied, "there is no user " + Quote(name) + " in this mesh");
    return Principal{name,
                     user->second.role,
                     user->second.all_projects,
                     {user->second.projects.begin(), user->second.projects.end()},
                     false};
  };
  if (credential.certificate) {
    const Identity& who = credential.certificate->identity;
    const auto& revoked = trust_->revoked;  // in order
    if (who.mesh != mesh_ || std::binary_search(revoked.begin(), revoked.end(), credential.certificate->serial))
      return Fail(ErrorCode::kDenied, "the certificate of " + Describe(who) + " is not good here");
    if (who.kind == PeerKind::kUser) return of_user(who.name);
    return Principal{Describe(who), Role::kNone, false, {}, false};
  }
  if (credential.token.empty())
    return Fail(ErrorCode::kDenied, "this coordinator wants to know who calls: log in with 'cromt login'");
  if (!IsToken(credential.token, kUserToken)) return tl::unexpected(UnknownToken(kUserToken));
  auto token = tokens_.find(TokenHash(credential.token));
  if (token == tokens_.end()) return tl::unexpected(UnknownToken(kUserToken));
  if (token->second.expires_at && *token->second.expires_at <= clock_.Read().wall)
    return tl::unexpected(UnknownToken(kUserToken));
  return of_user(token->second.user);
}

// ---- Agents -----------------------------------------------------------------------------------

Result<InvitedAgent> Access::Invite(const std::string& name, const std::string& given, Duration good_for) {
  CROMT_TRY(CheckName("agent name", name));
  CROMT_ASSIGN(const AgentAddress address, ParseAgentAddress(given.empty() ? name : given));
  MutexLock writing(db_mutex_);
  MutexLock lock(mutex_);
  auto known = agents_.find(name);
  if (known != agents_.end() && !known->second.removed && !known->second.serial.empty())
    return Fail(ErrorCode::kConflict,
                name + " is a member of this mesh. Should it have lost its key, say 'cromt agents remove " + name +
                    "' first, so that whoever has that can't use it any more");
  auto other = at_.find(ToString(address));
  if (other != at_.end() && other->second != name)
    return Fail(ErrorCode::kConflict, other->second + " has the address " + other->first + " already");
  InvitedAgent invited{name, ToString(address), NewToken(kJoinToken, random_), clock_.Read().wall + good_for};
  CROMT_TRY(db_.PutInvitation({TokenHash(invited.token), name, invited.address, invited.expires_at, std::nullopt}));
  return invited;
}

// The certificate with what a TLS peer has to be shown besides.
Result<std::string> Access::Certify(const std::string& request, const Identity& identity, Duration good_for) const {
  const pki::Authority& authority = files_.signing();
  CROMT_ASSIGN(const std::string certificate, authority.Sign(request, identity, clock_.Read().wall, good_for));
  return certificate + authority.certificate();
}

Result<Membership> Access::Admit(AgentMember agent, const std::string& request, const Invitation* invitation) {
  CROMT_ASSIGN(std::string certificate, Certify(request, {mesh_, PeerKind::kAgent, agent.name, false}, pki::kLifetime));
  CROMT_ASSIGN(const pki::Certificate read, pki::ReadCertificate(certificate));
  CROMT_ASSIGN(agent.key, pki::KeyFingerprint(certificate));
  agent.serial = read.serial;
  agent.authority = files_.believed().front().fingerprint;
  agent.expires_at = read.not_after;
  agent.removed = false;
  agent.readmit_until.reset();
  CROMT_TRY(invitation ? db_.Join(*invitation, agent) : db_.PutAgent(agent));
  Membership membership{mesh_, agent.name, std::move(certificate), files_.BelievedPem()};
  at_[agent.address] = agent.name;
  agents_[agent.name] = std::move(agent);
  return membership;
}

Result<Membership> Access::Join(const JoinRequest& request) {
  MutexLock writing(db_mutex_);
  MutexLock lock(mutex_);
  if (!IsToken(request.token, kJoinToken)) return tl::unexpected(UnknownToken(kJoinToken));
  CROMT_ASSIGN(auto invitation, db_.FindInvitation(TokenHash(request.token)));
  const Wall now = clock_.Read().wall;
  if (!invitation || invitation->expires_at <= now) return tl::unexpected(UnknownToken(kJoinToken));
  if (invitation->agent != request.name)
    return Fail(ErrorCode::kDenied, "the token was made for another host than " + Quote(request.name));
  auto known = agents_.find(request.name);
  const bool joined = known != agents_.end() && !known->second.removed && !known->second.serial.empty();
  if (invitation->used_at || joined) {
    // Only the answer was lost, perhaps: whoever has the very key that has joined asks for nothing new.
    CROMT_ASSIGN(const std::string key, pki::KeyFingerprint(request.request));
    if (!invitation->used_at || !joined || known->second.key != key) return tl::unexpected(UnknownToken(kJoinToken));
    return Admit(known->second, request.request, nullptr);
  }
  invitation->used_at = now;
  return Admit(AgentMember{request.name, invitation->address, "", "", "", {}, false, {}}, request.request,
               &*invitation);
}

Result<Membership> Access::Renew(const std::optional<pki::Certificate>& shown, const std::string& request) {
  MutexLock writing(db_mutex_);
  MutexLock lock(mutex_);
  if (shown) {
    auto known = agents_.find(shown->identity.name);
    if (shown->identity.kind != PeerKind::kAgent || known == agents_.end() || known->second.removed)
      return Fail(ErrorCode::kDenied, Describe(shown->identity) + " is no member of this mesh");
    return Admit(known->second, request, nullptr);
  }
  CROMT_ASSIGN(const std::string key, pki::KeyFingerprint(request));
  const Wall now = clock_.Read().wall;
  for (const auto& [name, agent] : agents_)
    if (!agent.removed && agent.key == key && agent.readmit_until && *agent.readmit_until > now)
      return Admit(agent, request, nullptr);
  return Fail(ErrorCode::kDenied,
              "the certificate is not good any more; an admin of the mesh can let this agent renew it by "
              "'cromt agents readmit NAME'");
}

Status Access::Remove(const std::string& name) {
  {
    MutexLock writing(db_mutex_);
    MutexLock lock(mutex_);
    auto known = agents_.find(name);
    if (known == agents_.end() || known->second.removed)
      return Fail(ErrorCode::kNotFound, "there is no agent " + Quote(name) + " in this mesh");
    CROMT_TRY(db_.Remove(known->second));
    known->second.removed = true;
    known->second.readmit_until.reset();
    at_.erase(known->second.address);
    CROMT_TRY(ReadTrust());
  }
  TellRevoked();
  return {};
}

Status Access::Readmit(const std::string& name) {
  MutexLock writing(db_mutex_);
  MutexLock lock(mutex_);
  auto known = agents_.find(name);
  if (known == agents_.end()) return Fail(ErrorCode::kNotFound, "there is no agent " + Quote(name) + " in this mesh");
  if (known->second.removed || known->second.key.empty())
    return Fail(ErrorCode::kConflict, name + " was removed, and its key with it: invite it anew");
  AgentMember agent = known->second;
  agent.readmit_until = clock_.Read().wall + kReadmitFor;
  CROMT_TRY(db_.PutAgent(agent));
  known->second = std::move(agent);
  return {};
}

Result<std::vector<AgentMember>> Access::Agents() {
  MutexLock lock(mutex_);
  std::vector<AgentMember> agents;
  for (const auto& [name, agent] : agents_) agents.push_back(agent);
  return agents;
}

Result<std::string> Access::AgentAt(const std::string& address) {
  CROMT_ASSIGN(const AgentAddress parsed, ParseAgentAddress(address));
  MutexLock lock(mutex_);
  if (auto at = at_.find(address); at != at_.end()) return at->second;
  // Its certificate will have to say the same.
  auto named = agents_.find(parsed.host);
  if (named != agents_.end() && !named->second.removed) return named->first;
  return Fail(ErrorCode::kDenied, "no agent of this mesh has the name or address " + address +
                                      ": 'cromt agents invite' it, or write the name of one that has joined");
}

bool Access::IsMember(const std::string& name) {
  MutexLock lock(mutex_);
  auto known = agents_.find(name);
  return known != agents_.end() && !known->second.removed && IsBelieved(known->second);
}

// Not one whose authority was given up: a connection that it has from before would last.
bool Access::IsBelieved(const AgentMember& agent) const {
  return agent.serial.empty() || std::ranges::any_of(files_.believed(), [&](const pki::AuthorityCertificate& one) {
           return one.fingerprint == agent.authority;
         });
}

void Access::OnRevoked(std::function<void(const std::vector<std::string>&)> callback) {
  {
    MutexLock lock(mutex_);
    on_revoked_ = std::move(callback);
  }
  TellRevoked();
}

void Access::TellRevoked() {
  std::function<void(const std::vector<std::string>&)> tell;
  std::shared_ptr<const Trust> trust;
  {
    MutexLock lock(mutex_);
    tell = on_revoked_;
    trust = trust_;
  }
  if (tell) tell(trust->revoked);
}

// ---- Users ------------------------------------------------------------------------------------

Result<std::vector<User>> Access::Users() {
  MutexLock lock(db_mutex_);
  return db_.Users();
}

// Somebody must be left who may manage the mesh.
Status Access::NeedOtherAdmin(const std::string& user) const {
  for (const auto& [name, other] : users_)
    if (name != user && IsFullAdmin(other)) return {};
  return Fail(ErrorCode::kConflict, "nobody would be left who may manage this mesh: make somebody else an admin first");
}

Status Access::PutUser(const User& user) {
  CROMT_TRY(CheckName("user name", user.name));
  for (const std::string& project : user.projects) CROMT_TRY(CheckName("project name", project));
  {
    MutexLock writing(db_mutex_);
    MutexLock lock(mutex_);
    if (!IsFullAdmin(user)) CROMT_TRY(NeedOtherAdmin(user.name));
    CROMT_TRY(db_.PutUser(user));
    const User before = std::exchange(users_[user.name], user);
    // Agents know nothing of roles but what certificates say.
    if (IsFullAdmin(before) && !IsFullAdmin(user)) CROMT_TRY(Revoke(user.name));
  }
  TellRevoked();
  return {};
}

Status Access::Revoke(const std::string& user) {
  CROMT_TRY(db_.Revoke({mesh_, PeerKind::kUser, user, false}));
  return ReadTrust();
}

Status Access::RemoveUser(const std::string& name) {
  {
    MutexLock writing(db_mutex_);
    MutexLock lock(mutex_);
    if (!users_.contains(name)) return Fail(ErrorCode::kNotFound, "there is no user " + Quote(name));
    CROMT_TRY(NeedOtherAdmin(name));
    CROMT_TRY(db_.RemoveUser(name));
    users_.erase(name);
    std::erase_if(tokens_, [&](const auto& entry) { return entry.second.user == name; });
    CROMT_TRY(ReadTrust());
  }
  TellRevoked();
  return {};
}

Result<UserCertificate> Access::CertifyUser(const std::string& user, bool agent_submit, const std::string& request,
                                            Duration good_for) {
  MutexLock writing(db_mutex_);
  MutexLock lock(mutex_);
  const auto known = users_.find(user);
  if (known == users_.end()) return Fail(ErrorCode::kNotFound, "there is no user " + Quote(user));
  if (agent_submit && !IsFullAdmin(known->second))
    return Fail(ErrorCode::kDenied, "only an admin of all projects may put jobs on agents past the coordinator");
  CROMT_ASSIGN(std::string certificate, Certify(request, {mesh_, PeerKind::kUser, user, agent_submit}, good_for));
  CROMT_ASSIGN(const pki::Certificate read, pki::ReadCertificate(certificate));
  CROMT_TRY(db_.PutIssued(read));
  return UserCertificate{std::move(certificate), files_.BelievedPem(), read.not_after};
}

Status Access::RevokeUser(const std::string& user) {
  {
    MutexLock writing(db_mutex_);
    MutexLock lock(mutex_);
    if (!users_.contains(user)) return Fail(ErrorCode::kNotFound, "there is no user " + Quote(user));
    CROMT_TRY(Revoke(user));
  }
  TellRevoked();
  return {};
}

Result<Access::NewUserToken> Access::MakeToken(const std::string& user, std::optional<Duration> good_for) {
  MutexLock writing(db_mutex_);
  MutexLock lock(mutex_);
  if (!users_.contains(user)) return Fail(ErrorCode::kNotFound, "there is no user " + Quote(user));
  NewUserToken made{{}, NewToken(kUserToken, random_)};
  const Wall now = clock_.Read().wall;
  made.kept = {RandomName(random_), TokenHash(made.token), user, now, std::nullopt};
  if (good_for) made.kept.expires_at = now + *good_for;
  CROMT_TRY(db_.PutToken(made.kept));
  tokens_[made.kept.hash] = made.kept;
  return made;
}

Status Access::RemoveToken(const std::string& id) {
  MutexLock writing(db_mutex_);
  MutexLock lock(mutex_);
  auto token = std::find_if(tokens_.begin(), tokens_.end(), [&](const auto& entry) { return entry.second.id == id; });
  if (token == tokens_.end()) return Fail(ErrorCode::kNotFound, "there is no token " + Quote(id));
  CROMT_TRY(db_.RemoveToken(id));
  tokens_.erase(token);
  return {};
}

Result<std::vector<UserToken>> Access::Tokens() {
  MutexLock lock(db_mutex_);
  return db_.Tokens();
}

// ---- Audit ------------------------------------------------------------------------------------

Status Access::Record(const std::string& who, const std::string& what, const std::string& subject,
                      const std::string& detail) {
  MutexLock lock(db_mutex_);
  return db_.Append({clock_.Read().wall, who, what, subject, detail});
}

Result<std::vector<AuditEntry>> Access::Audit(uint32_t limit) {
  MutexLock lock(db_mutex_);
  return db_.Audit(limit);
}

Result<int64_t> Access::VerifyAudit() {
  CROMT_ASSIGN(AccessDb db, AccessDb::Open(folder_ + "/access.db"));  // its own view of it
  return db.VerifyAudit();
}

}  // namespace cromt
