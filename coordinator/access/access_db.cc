#include "coordinator/access/access_db.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/name.h"
#include "base/unique_fd.h"
#include "io/blob/sha256.h"

namespace cromt {
namespace {

constexpr int64_t kSchema = 1;
constexpr char kWriting[] = "BEGIN IMMEDIATE";

// Times: UTC microseconds. Lists: one a line. `owner`: whose certificate it is, as Owner() says. `chain` is the hash of
// the chain before and this row's columns.
constexpr char kTables[] = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE agents (name TEXT PRIMARY KEY, address TEXT NOT NULL, serial TEXT NOT NULL, key TEXT NOT NULL,
  authority TEXT NOT NULL, expires_us INTEGER NOT NULL, removed INTEGER NOT NULL, readmit_us INTEGER) WITHOUT ROWID;
CREATE TABLE invitations (hash TEXT PRIMARY KEY, agent TEXT NOT NULL, address TEXT NOT NULL, expires_us INTEGER NOT NULL,
  used_us INTEGER) WITHOUT ROWID;
CREATE TABLE users (name TEXT PRIMARY KEY, role TEXT NOT NULL, projects TEXT) WITHOUT ROWID;
CREATE TABLE tokens (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, user TEXT NOT NULL, created_us INTEGER NOT NULL,
  expires_us INTEGER) WITHOUT ROWID;
CREATE TABLE issued (serial TEXT PRIMARY KEY, owner TEXT NOT NULL, expires_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX issued_by_owner ON issued (owner);
CREATE TABLE revoked (serial TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE audit (n INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,
  subject TEXT NOT NULL, detail TEXT NOT NULL, chain TEXT NOT NULL);
)sql";

// Each field with its length before it, so that no two rows read the same.
std::string Chain(const std::string& before, int64_t n, const AuditEntry& entry) {
  Sha256 sha;
  for (const std::string& field : {before, std::to_string(n), std::to_string(Micros(entry.at)), entry.who, entry.what,
                                   entry.subject, entry.detail}) {
    sha.Update(std::to_string(field.size()) + ":");
    sha.Update(field);
  }
  return sha.Finish();
}

std::string Lines(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += word + "\n";
  return text;
}

std::vector<std::string> FromLines(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::optional<int64_t> MicrosOf(const std::optional<Wall>& time) {
  return time ? std::optional(Micros(*time)) : std::nullopt;
}
std::optional<Wall> WallOf(const std::optional<int64_t>& us) {
  return us ? std::optional(WallFromMicros(*us)) : std::nullopt;
}

std::string Owner(const Identity& identity) {
  return Describe(identity);
}
std::string Owner(const AgentMember& agent) {
  return Describe({MeshId(), PeerKind::kAgent, agent.name, false});
}

Status Settle(sqlite::Database& db) {
  return db.Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000;");
}

Result<std::string> Meta(sqlite::Database& db, std::string_view key) {
  CROMT_ASSIGN(auto select, db.Prepare("SELECT value FROM meta WHERE key = ?"));
  select.Bind(1, key);
  CROMT_ASSIGN(const bool there, select.Step());
  if (!there) return Fail(ErrorCode::kCorrupt, "it lacks its " + std::string(key));
  return std::string(select.Text(0));
}

Status SetMeta(sqlite::Database& db, std::string_view key, std::string_view value) {
  CROMT_ASSIGN(auto put, db.Prepare("INSERT OR REPLACE INTO meta VALUES (?, ?)"));
  return put.Bind(1, key).Bind(2, value).Run();
}

}  // namespace

template <class F>
Status AccessDb::InTransaction(const char* begin, F f) {
  CROMT_TRY(db_.Execute(begin));
  Status done = f();
  if (done) done = db_.Execute("COMMIT");
  if (!done) (void)db_.Execute("ROLLBACK");
  return done;
}

Result<AccessDb> AccessDb::Create(const std::string& path, const MeshId& mesh) {
  // Made by us, so that nobody else can read it; what SQLite puts beside it is as it is.
  const UniqueFd made_here(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!made_here) return tl::unexpected<Error>(ErrnoError("can't make " + path, errno));
  CROMT_ASSIGN(sqlite::Database db, sqlite::Database::Open(path, sqlite::Database::Mode::kReadWrite));
  CROMT_TRY(Settle(db));
  AccessDb made(std::move(db), mesh);
  const Status written = made.InTransaction(kWriting, [&]() -> Status {
    CROMT_TRY(made.db_.Execute(kTables));
    CROMT_TRY(SetMeta(made.db_, "schema", std::to_string(kSchema)));
    CROMT_TRY(SetMeta(made.db_, "audit", "0 "));
    return SetMeta(made.db_, "mesh", mesh.text());
  });
  if (!written) return tl::unexpected(written.error());
  return made;
}

Result<AccessDb> AccessDb::Open(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return tl::unexpected<Error>(ErrnoError(path, errno));
  if ((info.st_mode & 077) != 0)
    return Fail(ErrorCode::kDenied, path + " says who is let in, and is open to others than its owner: chmod 600 it");
  CROMT_ASSIGN(sqlite::Database db, sqlite::Database::Open(path, sqlite::Database::Mode::kReadWrite));
  CROMT_TRY(Settle(db));
  auto schema = Meta(db, "schema");
  if (!schema) return Fail(path, {ErrorCode::kCorrupt, schema.error().message});
  if (*schema != std::to_string(kSchema))
    return Fail(ErrorCode::kConflict, path + " is of version " + Quote(*schema) + ", and this program knows " +
                                          std::to_string(kSchema) + ": use a newer one");
  CROMT_ASSIGN(const std::string mesh, Meta(db, "mesh"));
  if (!IsName(mesh)) return Fail(ErrorCode::kCorrupt, path + " names no mesh");
  return AccessDb(std::move(db), MeshId(mesh));
}

// ---- Agents -----------------------------------------------------------------------------------

Result<std::vector<AgentMember>> AccessDb::Agents() {
  CROMT_ASSIGN(auto select,
               db_.Prepare("SELECT name, address, serial, key, authority, expires_us, removed, readmit_us FROM agents "
                           "ORDER BY name"));
  std::vector<AgentMember> agents;
  for (;;) {
    CROMT_ASSIGN(const bool there, select.Step());
    if (!there) return agents;
    agents.push_back({std::string(select.Text(0)), std::string(select.Text(1)), std::string(select.Text(2)),
                      std::string(select.Text(3)), std::string(select.Text(4)), WallFromMicros(select.Int(5)),
                      select.Int(6) != 0, WallOf(select.OptionalInt(7))});
  }
}

Status AccessDb::PutAgent(const AgentMember& agent) {
  return InTransaction(kWriting, [&] { return WriteAgent(agent); });
}

Status AccessDb::WriteAgent(const AgentMember& agent) {
  if (!agent.serial.empty()) CROMT_TRY(WriteIssued(agent.serial, Owner(agent), agent.expires_at));
  CROMT_ASSIGN(auto put, db_.Prepare("INSERT OR REPLACE INTO agents VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
  return put.Bind(1, agent.name)
      .Bind(2, agent.address)
      .Bind(3, agent.serial)
      .Bind(4, agent.key)
      .Bind(5, agent.authority)
      .Bind(6, Micros(agent.expires_at))
      .Bind(7, int64_t{agent.removed})
      .BindOptional(8, MicrosOf(agent.readmit_until))
      .Run();
}

Status AccessDb::WriteIssued(std::string_view serial, const std::string& owner, Wall expires_at) {
  CROMT_ASSIGN(auto issued, db_.Prepare("INSERT OR IGNORE INTO issued VALUES (?, ?, ?)"));
  return issued.Bind(1, serial).Bind(2, owner).Bind(3, Micros(expires_at)).Run();
}

Status AccessDb::PutIssued(const pki::Certificate& certificate) {
  return WriteIssued(certificate.serial, Owner(certificate.identity), certificate.not_after);
}

Status AccessDb::WriteRevoked(const std::string& owner) {
  CROMT_ASSIGN(auto revoke, db_.Prepare("INSERT OR IGNORE INTO revoked SELECT serial FROM issued WHERE owner = ?"));
  return revoke.Bind(1, owner).Run();
}

Status AccessDb::Revoke(const Identity& owner) {
  return WriteRevoked(Owner(owner));
}

Status AccessDb::PutInvitation(const Invitation& invitation) {
  CROMT_ASSIGN(auto put, db_.Prepare("INSERT OR REPLACE INTO invitations VALUES (?, ?, ?, ?, ?)"));
  return put.Bind(1, invitation.hash)
      .Bind(2, invitation.agent)
      .Bind(3, invitation.address)
      .Bind(4, Micros(invitation.expires_at))
      .BindOptional(5, MicrosOf(invitation.used_at))
      .Run();
}

Result<std::optional<Invitation>> AccessDb::FindInvitation(std::string_view hash) {
  CROMT_ASSIGN(auto select,
               db_.Prepare("SELECT hash, agent, address, expires_us, used_us FROM invitations WHERE hash = ?"));
  select.Bind(1, hash);
  CROMT_ASSIGN(const bool there, select.Step());
  if (!there) return std::optional<Invitation>();
  return std::optional(Invitation{std::string(select.Text(0)), std::string(select.Text(1)), std::string(select.Text(2)),
                                  WallFromMicros(select.Int(3)), WallOf(select.OptionalInt(4))});
}

Status AccessDb::Join(const Invitation& used, const AgentMember& agent) {
  return InTransaction(kWriting, [&]() -> Status {
    CROMT_TRY(PutInvitation(used));
    return WriteAgent(agent);
  });
}

Result<std::vector<std::string>> AccessDb::Revoked(Wall now) {
  CROMT_ASSIGN(auto select, db_.Prepare("SELECT serial FROM revoked JOIN issued USING (serial) WHERE expires_us > ? "
                                        "ORDER BY serial"));
  select.Bind(1, Micros(now));
  std::vector<std::string> serials;
  for (;;) {
    CROMT_ASSIGN(const bool there, select.Step());
    if (!there) return serials;
    serials.emplace_back(select.Text(0));
  }
}

Status AccessDb::Remove(const AgentMember& agent) {
  return InTransaction(kWriting, [&]() -> Status {
    AgentMember removed = agent;
    removed.removed = true;
    removed.readmit_until.reset();
    CROMT_TRY(WriteAgent(removed));
    CROMT_ASSIGN(auto drop, db_.Prepare("DELETE FROM invitations WHERE agent = ? AND used_us IS NULL"));
    CROMT_TRY(drop.Bind(1, agent.name).Run());
    return WriteRevoked(Owner(agent));
  });
}

// ---- Users ------------------------------------------------------------------------------------

Result<std::vector<User>> AccessDb::Users() {
  CROMT_ASSIGN(auto select, db_.Prepare("SELECT name, role, projects FROM users ORDER BY name"));
  std::vector<User> users;
  for (;;) {
    CROMT_ASSIGN(const bool there, select.Step());
    if (!there) return users;
    const auto role = RoleFrom(select.Text(1));
    if (!role) return Fail(ErrorCode::kCorrupt, "user " + Quote(select.Text(0)) + " has no role that is known");
    users.push_back({std::string(select.Text(0)), *role, select.IsNull(2), FromLines(select.Text(2))});
  }
}

Status AccessDb::PutUser(const User& user) {
  CROMT_ASSIGN(auto put, db_.Prepare("INSERT OR REPLACE INTO users VALUES (?, ?, ?)"));
  put.Bind(1, user.name).Bind(2, ToString(user.role));
  return (user.all_projects ? put.BindNull(3) : put.Bind(3, Lines(user.projects))).Run();
}

Status AccessDb::RemoveUser(const std::string& name) {
  return InTransaction(kWriting, [&]() -> Status {
    CROMT_ASSIGN(auto tokens, db_.Prepare("DELETE FROM tokens WHERE user = ?"));
    CROMT_TRY(tokens.Bind(1, name).Run());
    CROMT_ASSIGN(auto user, db_.Prepare("DELETE FROM users WHERE name = ?"));
    CROMT_TRY(user.Bind(1, name).Run());
    return WriteRevoked(Owner({MeshId(), PeerKind::kUser, name, false}));
  });
}

Result<std::vector<UserToken>> AccessDb::Tokens() {
  CROMT_ASSIGN(auto select, db_.Prepare("SELECT id, hash, user, created_us, expires_us FROM tokens ORDER BY id"));
  std::vector<UserToken> tokens;
  for (;;) {
    CROMT_ASSIGN(const bool there, select.Step());
    if (!there) return tokens;
    tokens.push_back({std::string(select.Text(0)), std::string(select.Text(1)), std::string(select.Text(2)),
                      WallFromMicros(select.Int(3)), WallOf(select.OptionalInt(4))});
  }
}

Status AccessDb::PutToken(const UserToken& token) {
  CROMT_ASSIGN(auto put, db_.Prepare("INSERT INTO tokens VALUES (?, ?, ?, ?, ?)"));
  return put.Bind(1, token.id)
      .Bind(2, token.hash)
      .Bind(3, token.user)
      .Bind(4, Micros(token.created_at))
      .BindOptional(5, MicrosOf(token.expires_at))
      .Run();
}

Status AccessDb::RemoveToken(const std::string& id) {
  CROMT_ASSIGN(auto drop, db_.Prepare("DELETE FROM tokens WHERE id = ?"));
  return drop.Bind(1, id).Run();
}

// ---- Audit ------------------------------------------------------------------------------------

// The number of the last line and its chain stand in `meta` as well, so that lines cut off at the end are missed.
Status AccessDb::Append(const AuditEntry& entry) {
  return InTransaction(kWriting, [&]() -> Status {
    CROMT_ASSIGN(const std::string last, Meta(db_, "audit"));
    const size_t space = last.find(' ');
    int64_t n = 0;
    std::from_chars(last.data(), last.data() + std::min(space, last.size()), n);
    ++n;
    const std::string chain = Chain(last.substr(space + 1), n, entry);
    CROMT_ASSIGN(auto put, db_.Prepare("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)"));
    CROMT_TRY(put.Bind(1, n)
                  .Bind(2, Micros(entry.at))
                  .Bind(3, entry.who)
                  .Bind(4, entry.what)
                  .Bind(5, entry.subject)
                  .Bind(6, entry.detail)
                  .Bind(7, chain)
                  .Run());
    return SetMeta(db_, "audit", std::to_string(n) + " " + chain);
  });
}

namespace {

AuditEntry EntryAt(sqlite::Statement& row) {
  return {WallFromMicros(row.Int(1)), std::string(row.Text(2)), std::string(row.Text(3)), std::string(row.Text(4)),
          std::string(row.Text(5))};
}

}  // namespace

Result<std::vector<AuditEntry>> AccessDb::Audit(uint32_t limit) {
  CROMT_ASSIGN(auto select, db_.Prepare("SELECT * FROM (SELECT n, at_us, who, what, subject, detail FROM audit "
                                        "ORDER BY n DESC LIMIT ?) ORDER BY n"));
  select.Bind(1, int64_t{limit});
  std::vector<AuditEntry> entries;
  for (;;) {
    CROMT_ASSIGN(const bool there, select.Step());
    if (!there) return entries;
    entries.push_back(EntryAt(select));
  }
}

Result<int64_t> AccessDb::VerifyAudit() {
  int64_t lines = 0;
  // In one transaction: of a log that grows meanwhile it sees none of what comes after.
  const Status verified = InTransaction("BEGIN", [&]() -> Status {
    CROMT_ASSIGN(lines, WalkAudit());
    return {};
  });
  if (!verified) return tl::unexpected(verified.error());
  return lines;
}

Result<int64_t> AccessDb::WalkAudit() {
  CROMT_ASSIGN(auto select, db_.Prepare("SELECT n, at_us, who, what, subject, detail, chain FROM audit ORDER BY n"));
  std::string chain;
  int64_t n = 0;
  for (;;) {
    CROMT_ASSIGN(const bool there, select.Step());
    if (!there) break;
    const AuditEntry entry = EntryAt(select);
    const std::string line = "line " + std::to_string(++n) + " of the audit log";
    if (select.Int(0) != n) return Fail(ErrorCode::kCorrupt, line + " is missing");
    chain = Chain(chain, n, entry);
    if (select.Text(6) != chain)
      return Fail(ErrorCode::kCorrupt, line + " was changed: it does not follow from those before it");
  }
  CROMT_ASSIGN(const std::string last, Meta(db_, "audit"));
  if (last != std::to_string(n) + " " + chain)
    return Fail(ErrorCode::kCorrupt, "lines at the end of the audit log are missing: it ends with line " +
                                         std::to_string(n) + ", and " + last.substr(0, last.find(' ')) +
                                         " were written");
  return n;
}

}  // namespace cromt
