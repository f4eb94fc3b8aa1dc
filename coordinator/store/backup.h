// Copies of a store, and putting one in its place.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "coordinator/store/stamp.h"
#include "io/sqlite/database.h"

namespace cromt {

// Writes what `db` holds now to `to`, as one file, on disk when it returns; others may write to `db` meanwhile.
// Replaces what is there; until it is whole it has another name. REQUIRES: no transaction is open.
Status CopyDatabase(sqlite::Database& db, const std::string& to);

// Copies the store at `path`, which a coordinator may be using, to `to`, and checks the copy: what it holds. kConflict
// if there is such a file. A damaged store makes no backup.
Result<StoreStamp> BackUpStore(const std::string& path, const std::string& to);

struct RestoredStore {
  StoreStamp stamp;        // of what is there now
  std::string replaced;    // where the one before is now; empty if there was none
  bool went_back = false;  // later commits were made than the backup has, or may have been
};
// Puts the backup `from` in the place of the store at `path`, which is kept beside it under a name with the time
// that is free. Nothing is changed if the backup is not whole. REQUIRES: nobody uses the store.
Result<RestoredStore> RestoreStore(const std::string& from, const std::string& path, Wall now);

// Checks all of a store: SQLite's own structure, each row, the totals. What it holds. kCorrupt, kConflict as for Open.
Result<StoreStamp> CheckStore(const std::string& path);

}  // namespace cromt
