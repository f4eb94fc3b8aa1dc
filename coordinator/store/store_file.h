// What is at the path of a store, and how to say that it can't be used.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "io/file/file_system.h"
#include "io/sqlite/database.h"

namespace cromt {

// The schema version of the store at `path`; 0 if there is nothing, or a database without tables. Changes nothing.
// kConflict: it is something else, or of a newer version. kCorrupt: it was here and is gone.
Result<int> CheckStoreFile(const std::string& path, FileSystem& files = SystemFiles());

// The same of an open database, where also what is only in its WAL is seen.
Result<int> SchemaVersion(sqlite::Database& db, const std::string& path, FileSystem& files = SystemFiles());

// Where the copy lies that is made before a store of version `schema` is changed to a newer one.
std::string CopyPath(const std::string& path, int schema);

// With what to do about it, for an error of reading the store.
Error Advise(const std::string& path, Error error);

// Gives an open database without tables ours.
Status CreateTables(sqlite::Database& db, const MeshId& mesh);

// kCorrupt for a file at rest, without a write-ahead log, that ends before its last page does: of a page with nothing
// in it SQLite would not see that.
Status CheckLength(sqlite::Database& db, const std::string& path, FileSystem& files = SystemFiles());

// What the write-ahead log of the store at `path` holds is on disk when this returns. After a sync that failed the
// system takes it for written and never tries again: a next process reads it all the same, and what it commits behind
// it would be gone with it when the host crashes. So it is written anew, byte for byte. Before the database is opened.
Status SyncLog(const std::string& path, FileSystem& files = SystemFiles());

}  // namespace cromt
