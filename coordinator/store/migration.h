// From a store of an older version to this one: copied first, changed in one transaction.
#pragma once

#include <string>

#include "base/result.h"
#include "io/sqlite/database.h"

namespace cromt {

// `db` is the open store at `path`, of version `schema`, older than ours. The copy is CopyPath(path, schema); one that
// is there already is replaced, since the store was used by the older version since. kConflict: too old. REQUIRES: no
// transaction is open.
Status Migrate(sqlite::Database& db, const std::string& path, int schema);

}  // namespace cromt
