#include "coordinator/store/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/unique_fd.h"
#include "coordinator/store/commit_mark.h"
#include "coordinator/store/loader.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/store_file.h"

namespace cromt {
namespace {

using sqlite::Database;

Status Sync(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return tl::unexpected<Error>(ErrnoError("can't sync " + path, errno));
  return {};
}

// So that the names in it outlive a crash of the host.
Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return Sync(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

Status Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return tl::unexpected<Error>(ErrnoError(fmt::format("can't move {} to {}", from, to), errno));
  return {};
}

Status RenameIfThere(const std::string& from, const std::string& to) {
  return ::access(from.c_str(), F_OK) == 0 ? Rename(from, to) : Status();
}

// A file of this name that goes away unless it is kept.
class Partial {
 public:
  explicit Partial(const std::string& to) : path_(to + ".partial") { Remove(); }
  ~Partial() { Remove(); }
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;
  const std::string& path() const { return path_; }

  Status WriteFrom(Database& db) {
    CROMT_ASSIGN(auto copy, db.Prepare("VACUUM INTO ?"));
    CROMT_TRY(copy.Bind(1, path_).Run());
    return Sync(path_);
  }
  Status Keep(const std::string& to) {
    CROMT_TRY(Rename(path_, to));
    return SyncFolderOf(to);
  }

 private:
  void Remove() {
    for (const char* end : {"", "-journal"}) ::unlink((path_ + end).c_str());
  }
  std::string path_;
};

// A database that is not in its place yet: it goes away with what SQLite has put beside it, unless it has been moved.
class Unplaced {
 public:
  explicit Unplaced(std::string path) : path_(std::move(path)) {}
  ~Unplaced() {
    for (const char* end : {"", "-wal", "-shm", "-journal"}) ::unlink((path_ + end).c_str());
  }
  Unplaced(const Unplaced&) = delete;
  Unplaced& operator=(const Unplaced&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

// SQLite's own structure: pages, order, indices.
Status CheckStructure(Database& db) {
  CROMT_ASSIGN(auto check, db.Prepare("PRAGMA integrity_check(1)"));
  CROMT_ASSIGN(bool row, check.Step());
  if (row && check.Text(0) == "ok") return {};
  std::string found(row ? check.Text(0) : "nothing was said");
  for (char& c : found)
    if (c == '\n') c = ' ';
  return Fail(ErrorCode::kCorrupt, found);
}

Result<StoreStamp> CheckOpen(Database& db, const std::string& path) {
  CROMT_ASSIGN(const int schema, SchemaVersion(db, path));
  if (schema == 0) return Fail(ErrorCode::kConflict, path + " is an empty database");
  CROMT_TRY(CheckStructure(db));
  if (schema < kFirstSummedSchema) return StoreStamp{.schema = schema};
  CROMT_ASSIGN(const StoreStamp stamp, ReadStamp(db, schema));
  if (schema == kSchemaVersion) CROMT_TRY(LoadStore(db));  // of an older one, when it is changed to ours
  CROMT_TRY(CheckAllRows(db, schema));
  return stamp;
}

Result<Database> OpenToRead(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) return tl::unexpected<Error>(ErrnoError("can't read " + path, errno));
  CROMT_TRY(CheckStoreFile(path));
  return Database::Open(path, Database::Mode::kReadOnly);
}

Error Damaged(const std::string& path, Error error) {
  if (error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kInternal)
    error = {ErrorCode::kCorrupt, fmt::format("{} is damaged: {}", path, error.message)};
  return error;
}

// 20261126T092519Z
std::string NameOf(Wall t) {
  std::string name;
  for (char c : FormatRfc3339(t).substr(0, 19))
    if (c != '-' && c != ':') name += c;
  return name + "Z";
}

// The name for what is replaced now; several may be in one second.
std::string ReplacedName(const std::string& path, Wall now) {
  const std::string first = fmt::format("{}.replaced-{}", path, NameOf(now));
  std::string name = first;
  for (int i = 2; ::access(name.c_str(), F_OK) == 0; ++i) name = fmt::format("{}-{}", first, i);
  return name;
}

}  // namespace

Status CopyDatabase(Database& db, const std::string& to) {
  Partial partial(to);
  CROMT_TRY(partial.WriteFrom(db));
  return partial.Keep(to);
}

Result<StoreStamp> CheckStore(const std::string& path) {
  CROMT_ASSIGN(Database db, OpenToRead(path));
  auto checked = CheckOpen(db, path);
  if (!checked) return tl::unexpected<Error>(Damaged(path, std::move(checked).error()));
  return checked;
}

Result<StoreStamp> BackUpStore(const std::string& path, const std::string& to) {
  if (::access(to.c_str(), F_OK) == 0) return Fail(ErrorCode::kConflict, to + " is there already");
  CROMT_ASSIGN(auto mark, CommitMark::Read(path));  // before the copy: that may have later commits
  CROMT_ASSIGN(Database db, OpenToRead(path));
  CROMT_ASSIGN(const int schema, SchemaVersion(db, path));
  if (schema != kSchemaVersion)
    return Fail(
        ErrorCode::kConflict,
        fmt::format("{} has schema version {}, this program knows {}: take the backup with the coordinator's own "
                    "version",
                    path, schema, kSchemaVersion));
  Partial partial(to);
  if (auto written = partial.WriteFrom(db); !written)
    return tl::unexpected<Error>(
        Error{written.error().code, fmt::format("can't write {}: {}", to, written.error().message)});
  CROMT_ASSIGN(Database copy, Database::Open(partial.path(), Database::Mode::kReadOnly));
  auto stamp = CheckOpen(copy, path);
  if (!stamp) return tl::unexpected<Error>(Damaged(path, std::move(stamp).error()));
  CROMT_TRY(CheckMark(path, *stamp, mark));
  CROMT_TRY(partial.Keep(to));
  return stamp;
}

Result<RestoredStore> RestoreStore(const std::string& from, const std::string& path, Wall now) {
  CROMT_ASSIGN(Database backup, OpenToRead(from));
  auto checked = CheckOpen(backup, from);
  if (!checked) return tl::unexpected<Error>(Damaged(from, std::move(checked).error()));
  RestoredStore restored{.stamp = *checked, .replaced = {}};

  // Where there is no mark, or one that can't be read, nobody knows what was done since.
  auto mark = CommitMark::Read(path);
  restored.went_back = !(mark && *mark && **mark == restored.stamp);
  const Unplaced fresh(path + ".restoring");
  CROMT_TRY(CopyDatabase(backup, fresh.path()));
  const bool ours = restored.stamp.schema == kSchemaVersion;
  if (ours && restored.went_back) {
    restored.stamp.went_back = true;
    CROMT_ASSIGN(Database db, Database::Open(fresh.path(), Database::Mode::kReadWrite));
    CROMT_TRY(db.Execute("PRAGMA synchronous = FULL"));
    CROMT_ASSIGN(auto put, db.Prepare("UPDATE meta SET value = ? WHERE key = 'stamp'"));
    CROMT_TRY(put.Bind(1, restored.stamp.Text()).Run());
  }
  // Wherever this ends, the mark tells the coordinator that its store is not there or not the one that was: it refuses.
  if (::access(path.c_str(), F_OK) == 0) {
    restored.replaced = ReplacedName(path, now);
    CROMT_TRY(Rename(path, restored.replaced));
    CROMT_TRY(RenameIfThere(path + "-wal", restored.replaced + "-wal"));
    if (mark && *mark) {
      CROMT_ASSIGN(CommitMark kept, CommitMark::Open(restored.replaced));
      CROMT_TRY(kept.Write(**mark));
    }
  }
  for (const char* end : {"-wal", "-shm"}) ::unlink((path + end).c_str());
  CROMT_TRY(Rename(fresh.path(), path));
  if (ours) {
    CROMT_ASSIGN(CommitMark written, CommitMark::Open(path));
    CROMT_TRY(written.Write(restored.stamp));
    CROMT_TRY(written.Sync());
  }
  CROMT_TRY(SyncFolderOf(path));
  return restored;
}

}  // namespace cromt
