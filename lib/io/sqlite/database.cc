#include "io/sqlite/database.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace cromt::sqlite {
namespace {

Error ErrorOf(sqlite3* db, int code, std::string_view what) {
  ErrorCode kind = ErrorCode::kInternal;
  const int system = db != nullptr ? sqlite3_system_errno(db) : 0;
  switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: kind = ErrorCode::kCorrupt; break;
    case SQLITE_FULL:
    case SQLITE_NOMEM: kind = ErrorCode::kExhausted; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: kind = ErrorCode::kConflict; break;
    case SQLITE_PERM:
    case SQLITE_READONLY: kind = ErrorCode::kDenied; break;
    case SQLITE_CANTOPEN: kind = ErrorCode::kNotFound; break;
    case SQLITE_IOERR:
      if (system == ENOSPC || system == EDQUOT) kind = ErrorCode::kExhausted;
      break;
    default: break;
  }
  return Error{kind, std::string(what) + ": " + (db ? sqlite3_errmsg(db) : sqlite3_errstr(code))};
}

}  // namespace

// Of one database, by their text.
class IdleStatements {
 public:
  IdleStatements() = default;
  IdleStatements(const IdleStatements&) = delete;
  IdleStatements& operator=(const IdleStatements&) = delete;
  ~IdleStatements() {
    for (const Idle& one : all_) sqlite3_finalize(one.handle);
  }

  // Null if there is none.
  sqlite3_stmt* Take(std::string_view sql) {
    const auto found = std::ranges::find(all_, sql, &Idle::sql);
    if (found == all_.end()) return nullptr;
    sqlite3_stmt* const handle = found->handle;
    all_.erase(found);
    return handle;
  }

  // Of too many the one goes that was given back first.
  void Put(sqlite3_stmt* handle) {
    sqlite3_reset(handle);  // ends what it reads
    sqlite3_clear_bindings(handle);
    all_.push_back({sqlite3_sql(handle), handle});
    if (all_.size() <= kMost) return;
    sqlite3_finalize(all_.front().handle);
    all_.erase(all_.begin());
  }

 private:
  static constexpr size_t kMost = 64;
  struct Idle {
    std::string_view sql;  // of the handle
    sqlite3_stmt* handle = nullptr;
  };
  std::vector<Idle> all_;
};

Statement::Statement() = default;
Statement::Statement(sqlite3_stmt* handle, std::shared_ptr<IdleStatements> idle)
    : handle_(handle), idle_(std::move(idle)) {}
Statement::Statement(Statement&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), idle_(std::move(other.idle_)) {}
Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    GiveBack();
    handle_ = std::exchange(other.handle_, nullptr);
    idle_ = std::move(other.idle_);
  }
  return *this;
}
Statement::~Statement() {
  GiveBack();
}
void Statement::GiveBack() {
  if (handle_ != nullptr) idle_->Put(handle_);
}

// A failed bind (out of memory, a parameter that is not there) shows at the next Step as a wrong or missing value;
// SQLite then reports SQLITE_RANGE or NOMEM there. Indices are literals in our code, so tests find the former.
Statement& Statement::Bind(int index, int64_t value) {
  sqlite3_bind_int64(handle_, index, value);
  return *this;
}
Statement& Statement::Bind(int index, std::string_view text) {
  sqlite3_bind_text64(handle_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}
Statement& Statement::BindBlob(int index, std::string_view bytes) {
  sqlite3_bind_blob64(handle_, index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  return *this;
}
Statement& Statement::BindNull(int index) {
  sqlite3_bind_null(handle_, index);
  return *this;
}

Result<bool> Statement::Step() {
  int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return tl::unexpected<Error>(ErrorOf(sqlite3_db_handle(handle_), code, sqlite3_sql(handle_)));
}

Status Statement::Run() {
  for (;;) {
    auto row = Step();
    if (row && *row) continue;
    Reset();
    if (!row) return tl::unexpected<Error>(std::move(row).error());
    return {};
  }
}

void Statement::Reset() {
  sqlite3_reset(handle_);
}

Statement::Type Statement::TypeOf(int column) const {
  switch (sqlite3_column_type(handle_, column)) {
    case SQLITE_INTEGER: return Type::kInteger;
    case SQLITE_TEXT: return Type::kText;
    case SQLITE_BLOB: return Type::kBlob;
    case SQLITE_FLOAT: return Type::kReal;
    default: return Type::kNull;
  }
}
int Statement::columns() const {
  return sqlite3_column_count(handle_);
}
int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(handle_, column);
}
std::string_view Statement::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(handle_, column);
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}
std::string_view Statement::Blob(int column) const {
  const void* bytes = sqlite3_column_blob(handle_, column);
  return {static_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}
bool Statement::IsNull(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}
std::optional<int64_t> Statement::OptionalInt(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Int(column);
}

Result<Database> Database::Open(const std::string& path, Mode mode, const FileSystem& files) {
  Database db;
  int flags = mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  int code = sqlite3_open_v2(path.c_str(), &db.handle_, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                             files.sqlite_vfs());
  if (code != SQLITE_OK) return tl::unexpected<Error>(ErrorOf(db.handle_, code, path));
  sqlite3_busy_timeout(db.handle_, 10'000);
  db.idle_ = std::make_shared<IdleStatements>();
  return db;
}

Database::Database() = default;
Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), idle_(std::move(other.idle_)) {}
Database& Database::operator=(Database&& other) noexcept {
  if (this != &other) {
    Close();
    handle_ = std::exchange(other.handle_, nullptr);
    idle_ = std::move(other.idle_);
  }
  return *this;
}
Database::~Database() {
  Close();
}
// Is put off by SQLite while statements are in use.
void Database::Close() {
  idle_.reset();
  sqlite3_close_v2(handle_);
}

Status Database::Execute(const std::string& sql) {
  int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::unexpected<Error>(ErrorOf(handle_, code, sql.substr(0, 60)));
  return {};
}

Result<Statement> Database::Prepare(std::string_view sql) {
  if (sqlite3_stmt* idle = idle_->Take(sql)) return Statement(idle, idle_);
  sqlite3_stmt* handle = nullptr;
  int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &handle,
                                nullptr);
  if (code != SQLITE_OK) return tl::unexpected<Error>(ErrorOf(handle_, code, sql.substr(0, 60)));
  return Statement(handle, idle_);
}

void Database::CheckpointOnClose(bool wanted) {
  (void)sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, wanted ? 0 : 1,
                          nullptr);  // fails for no option we name
}

int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(handle_);
}

}  // namespace cromt::sqlite
