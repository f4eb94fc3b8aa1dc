// A thin owner of SQLite's handles: RAII, Result instead of codes, statements prepared once and used again.
// One Database belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/file/file_system.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cromt::sqlite {

class Database;
class IdleStatements;

// A prepared statement. Bind what it asks for, Step through the rows, Reset to use it again.
class Statement {
 public:
  Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();  // its database keeps it for who prepares the same next

  // Parameters count from 1. Bytes are copied.
  Statement& Bind(int index, int64_t value);
  Statement& Bind(int index, std::string_view text);
  Statement& BindBlob(int index, std::string_view bytes);
  Statement& BindNull(int index);
  template <class T>
  Statement& BindOptional(int index, const std::optional<T>& value) {
    return value ? Bind(index, *value) : BindNull(index);
  }

  // True: a row is there. False: done. Errors say the statement and SQLite's reason.
  Result<bool> Step();
  // Steps to the end, ignoring rows, and resets.
  Status Run();
  void Reset();

  // Columns of the current row count from 0; views live until the next Step or Reset.
  enum class Type { kNull, kInteger, kText, kBlob, kReal };
  Type TypeOf(int column) const;
  int columns() const;
  int64_t Int(int column) const;
  std::string_view Text(int column) const;
  std::string_view Blob(int column) const;
  bool IsNull(int column) const;
  std::optional<int64_t> OptionalInt(int column) const;

 private:
  friend class Database;
  Statement(sqlite3_stmt* handle, std::shared_ptr<IdleStatements> idle);
  void GiveBack();
  sqlite3_stmt* handle_ = nullptr;
  std::shared_ptr<IdleStatements> idle_;
};

class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };
  // Opens or (kReadWrite) creates. `path` ":memory:" is a private one.
  static Result<Database> Open(const std::string& path, Mode mode, const FileSystem& files = SystemFiles());
  Database();
  Database(Database&& other) noexcept;
  Database& operator=(Database&& other) noexcept;
  ~Database();

  // One or several statements without parameters or rows.
  Status Execute(const std::string& sql);
  // Parsing costs more than most queries: what was prepared before and is not in use is taken again.
  Result<Statement> Prepare(std::string_view sql);
  int64_t last_insert_rowid() const;
  // Whether the last connection, when it closes, writes the WAL into the database and removes it, as it does by
  // default. Without, a database that was only looked at is left as it was, and so is what a damaged WAL still holds.
  void CheckpointOnClose(bool wanted);

 private:
  void Close();
  sqlite3* handle_ = nullptr;
  std::shared_ptr<IdleStatements> idle_;  // statements live as long as they like
};

}  // namespace cromt::sqlite
