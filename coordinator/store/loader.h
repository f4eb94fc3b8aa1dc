// Reads all that a starting coordinator takes up, and checks it: each row by its sum, the whole by the stamp's totals.
#pragma once

#include "coordinator/store/store.h"
#include "coordinator/store/store_sums.h"
#include "io/sqlite/database.h"

namespace cromt {

struct LoadedStore {
  StoredState state;
  StoreStamp stamp;
  StoreSums sums;
  int64_t last_run = 0;  // the highest numbers that were given
  int64_t last_transition = 0;
  int64_t last_tick = 0;
};

// Changes nothing. kCorrupt names the row that is not what was written, or says that rows are missing or old.
Result<LoadedStore> LoadStore(sqlite::Database& db);

// The totals of its rows, whatever the stamp says, for who writes the stamp.
Result<StoreTotals> TotalsOf(sqlite::Database& db);

// kCorrupt says rows of what are missing or old.
Status CheckTotals(const StoreTotals& is, const StoreTotals& was);

// The stamp alone. kCorrupt if it is not what was written, or of another schema version.
Result<StoreStamp> ReadStamp(sqlite::Database& db, int schema);

// Checks what LoadStore leaves out: the rows of runs that have finished, texts of old revisions. Linear in the file.
// Of any version that has sums.
Status CheckAllRows(sqlite::Database& db, int schema);

}  // namespace cromt
