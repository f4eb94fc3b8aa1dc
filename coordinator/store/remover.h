// Takes out of the store what retention lets go of (core/retention.h): finished runs with all their rows, lines of the
// ledger; and remembers what is gone for as long as somebody may ask for it.
//
// A run is gone with its row of `runs` and its plan, at once. Its other rows may be many: `removed` knows whose are
// left, and they go in steps, each of a bounded number; a crash between two loses nothing, the next step goes on. None
// of these rows counts in the stamp's totals (stamp.h): they are of runs that have finished.
//
// All but Prepare and FindRequest REQUIRE a transaction. One thread; `db` outlives it.
#pragma once

#include "core/effect.h"
#include "core/retention.h"
#include "io/sqlite/database.h"

namespace cromt {

class Remover {
 public:
  static Result<Remover> Prepare(sqlite::Database& db);

  // Nothing happens to a run that is not there, or has not finished.
  Status Remove(const RunRemoved& record);
  Status Remove(const OutputRemoved& record);
  Status Sweep(const RemnantsSwept& record);
  Status Forget(const TicksForgotten& record);

  // The run of this request if it was removed and is still known; else an empty id.
  Result<RunId> FindRequest(const RequestId& request);

 private:
  Remover() = default;
  Result<int64_t> DeleteRows(int64_t run, int64_t most);
  Result<int64_t> Delete(sqlite::Statement& statement);
  Status ForgetRemoved(Wall before, int64_t most);

  sqlite::Statement finished_, put_, drop_run_, drop_plan_, changes_;
  sqlite::Statement left_, swept_, oldest_, forget_, request_;
  sqlite::Statement put_output_, drop_ticks_;
  std::vector<sqlite::Statement> of_run_;  // what a run has besides: parameters are its number and how many rows
};

}  // namespace cromt
