#include "coordinator/store/store_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "coordinator/store/commit_mark.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/stamp.h"
#include "io/sqlite/file_header.h"

namespace cromt {
namespace {

tl::unexpected<Error> Newer(const std::string& path, int64_t schema, FileSystem& files) {
  const std::string copy = CopyPath(path, kSchemaVersion);
  const std::string back =
      files.Exists(copy)
          ? fmt::format(", or go back to the copy that was made before the change: cromt-coordinator restore {}", copy)
          : "";
  return Fail(ErrorCode::kConflict,
              fmt::format("{} has schema version {}, this program knows {}: start the newer version "
                          "of cromt{}",
                          path, schema, kSchemaVersion, back));
}

}  // namespace

std::string CopyPath(const std::string& path, int schema) {
  return fmt::format("{}.v{}", path, schema);
}

Result<int> CheckStoreFile(const std::string& path, FileSystem& files) {
  using Kind = sqlite::FileHeader::Kind;
  CROMT_ASSIGN(const sqlite::FileHeader header, sqlite::ReadFileHeader(path, files));
  // Of one that was just being made SQLite undoes what is there by its journal, and it is empty then.
  const bool unmade = header.kind == Kind::kUnwritten && files.Size(path + "-journal") > 0;
  switch (unmade ? Kind::kEmpty : header.kind) {
    case Kind::kAbsent:
    case Kind::kEmpty: {
      CROMT_ASSIGN(auto mark, CommitMark::Read(path, files));
      if (mark && mark->epoch > 0)
        return Fail(ErrorCode::kCorrupt,
                    fmt::format("{} is {}, but {}-mark says that its commit {} was made; put it back, or a backup "
                                "(cromt-coordinator restore FILE). For a new, empty store move the mark away",
                                path, header.kind == Kind::kAbsent ? "missing" : "empty", path, mark->commit));
      return 0;
    }
    case Kind::kUnwritten:
    case Kind::kForeign:
      return Fail(ErrorCode::kConflict,
                  path + " is not a store of cromt: it is no SQLite database, or not a whole one");
    case Kind::kDatabase: break;
  }
  if (header.application_id != 0 && header.application_id != kApplicationId)
    return Fail(ErrorCode::kConflict,
                fmt::format("{} is a database of something else than cromt (application id {:#x})", path,
                            header.application_id));
  if (header.user_version > kSchemaVersion) return Newer(path, header.user_version, files);
  if (!header.known_format)
    return tl::unexpected<Error>(
        Advise(path, Error{ErrorCode::kCorrupt, "its header names a file format that SQLite does not have"}));
  return static_cast<int>(header.user_version);
}

Result<int> SchemaVersion(sqlite::Database& db, const std::string& path, FileSystem& files) {
  CROMT_ASSIGN(auto tables, db.Prepare("SELECT count(*), sum(name = 'meta') FROM sqlite_master WHERE type = 'table'"));
  CROMT_TRY(tables.Step());
  if (tables.Int(0) == 0) return 0;
  if (tables.Int(1) == 0) return Fail(ErrorCode::kConflict, path + " is a database of something else than cromt");
  CROMT_ASSIGN(auto version, db.Prepare("SELECT value FROM meta WHERE key = 'schema'"));
  CROMT_ASSIGN(bool there, version.Step());
  const int64_t schema = there ? version.Int(0) : 0;
  if (schema < 1) return Fail(ErrorCode::kCorrupt, "it does not say its schema version");
  if (schema > kSchemaVersion) return Newer(path, schema, files);
  return static_cast<int>(schema);
}

Error Advise(const std::string& path, Error error) {
  const bool damaged = error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kInternal;
  if (!damaged || error.message.find("cromt-coordinator") != std::string::npos) return error;
  error.code = ErrorCode::kCorrupt;
  error.message = fmt::format(
      "{} is damaged: {}. Nothing in it was changed; put a backup in its place: "
      "cromt-coordinator restore FILE",
      path, error.message);
  return error;
}

Status CreateTables(sqlite::Database& db, const MeshId& mesh) {
  // Before the change to WAL, so that the file's header says from the beginning whose it is.
  CROMT_TRY(db.Execute("BEGIN IMMEDIATE"));
  CROMT_TRY(
      db.Execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kSchemaVersion)));
  CROMT_TRY(db.Execute(kSchema));
  CROMT_TRY(db.Execute(kTickTables));
  CROMT_TRY(db.Execute(kTriggerTables));
  CROMT_TRY(db.Execute(kRetentionTables));
  CROMT_ASSIGN(auto put, db.Prepare("INSERT INTO meta VALUES (?, ?)"));
  CROMT_TRY(put.Bind(1, "schema").Bind(2, int64_t{kSchemaVersion}).Run());
  CROMT_TRY(put.Bind(1, "stamp").Bind(2, StoreStamp{kSchemaVersion, mesh, 0, 0, {}}.Text()).Run());
  return db.Execute("COMMIT");
}

Status CheckLength(sqlite::Database& db, const std::string& path, FileSystem& files) {
  if (files.Size(path + "-wal") > 0) return {};  // the rest may be in there
  CROMT_ASSIGN(auto pages, db.Prepare("PRAGMA page_count"));
  CROMT_ASSIGN(auto size, db.Prepare("PRAGMA page_size"));
  CROMT_TRY(pages.Step());
  CROMT_TRY(size.Step());
  const int64_t file_bytes = files.Size(path);
  if (file_bytes < 0) return tl::unexpected<Error>(ErrnoError("can't look at " + path, errno));
  if (file_bytes >= pages.Int(0) * size.Int(0)) return {};
  return Fail(ErrorCode::kCorrupt, fmt::format("it has {} bytes of {}", file_bytes, pages.Int(0) * size.Int(0)));
}

Status SyncLog(const std::string& path, FileSystem& files) {
  const std::string log = path + "-wal";
  auto failed = [&] {  // it is not damaged: whoever tries again may succeed
    return Fail(ErrorCode::kUnavailable, ErrnoError("can't sync " + log, errno).message);
  };
  const std::unique_ptr<File> file = files.Open(log, O_RDWR);
  if (!file && errno == ENOENT) return {};
  if (!file) return failed();
  std::string bytes(size_t{1} << 20, '\0');
  for (uint64_t at = 0;;) {
    const ssize_t got = file->Read(bytes.data(), bytes.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed();
    if (got == 0) break;
    ssize_t put = 0;
    do {
      put = file->Write(bytes.data(), static_cast<size_t>(got), at);
    } while (put < 0 && errno == EINTR);
    if (put <= 0) return failed();
    at += static_cast<uint64_t>(put);
  }
  return file->Sync() == 0 ? Status() : failed();
}

}  // namespace cromt
