#include "coordinator/store/remover.h"

#include "coordinator/store/row_sum.h"

namespace cromt {

Result<Remover> Remover::Prepare(sqlite::Database& db) {
  Remover r;
  struct Item {
    sqlite::Statement& statement;
    std::string_view sql;
  };
  for (const Item& item : {
           Item{r.finished_, "SELECT n, request, project FROM runs WHERE id = ? AND state = 'finished'"},
           Item{r.put_,
                "INSERT INTO removed (n, id, request, project, why, at_us, sum, remnants) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 1)"},
           Item{r.drop_run_, "DELETE FROM runs WHERE n = ?"},
           Item{r.drop_plan_, "DELETE FROM plans WHERE run = ?"},
           Item{r.changes_, "SELECT changes()"},
           Item{r.left_, "SELECT seq, n FROM removed WHERE remnants = 1 ORDER BY seq LIMIT 1"},
           Item{r.swept_, "UPDATE removed SET remnants = 0 WHERE seq = ?"},
           Item{r.oldest_, "SELECT seq, at_us, remnants FROM removed ORDER BY seq LIMIT 1"},
           Item{r.forget_, "DELETE FROM removed WHERE seq = ?"},
           Item{r.request_, "SELECT id FROM removed WHERE request = ?"},
           Item{r.put_output_, "INSERT OR REPLACE INTO output_removed VALUES (?, ?, ?, ?, ?)"},
           Item{r.drop_ticks_,
                "DELETE FROM ticks WHERE n IN (SELECT n FROM ticks WHERE project = ? AND n <= ? ORDER BY n LIMIT ?)"},
       }) {
    CROMT_ASSIGN(item.statement, db.Prepare(item.sql));
  }
  for (const char* sql : {
           "DELETE FROM tasks WHERE run = ?1 AND task IN (SELECT task FROM tasks WHERE run = ?1 ORDER BY task LIMIT "
           "?2)",
           "DELETE FROM transitions WHERE seq IN (SELECT seq FROM transitions WHERE run = ?1 ORDER BY seq LIMIT ?2)",
           "DELETE FROM artifacts WHERE run = ?1 AND (task, name) IN "
           "(SELECT task, name FROM artifacts WHERE run = ?1 ORDER BY task, name LIMIT ?2)",
           "DELETE FROM images WHERE run = ?1 AND (task, attempt) IN "
           "(SELECT task, attempt FROM images WHERE run = ?1 ORDER BY task, attempt LIMIT ?2)",
           "DELETE FROM output_removed WHERE run = ?1 AND ?2 > 0",
       }) {
    CROMT_ASSIGN(auto statement, db.Prepare(sql));
    r.of_run_.push_back(std::move(statement));
  }
  return r;
}

Status Remover::Remove(const RunRemoved& record) {
  CROMT_ASSIGN(const bool found, finished_.Bind(1, record.run.text()).Step());
  if (!found) {
    finished_.Reset();
    return {};
  }
  const int64_t n = finished_.Int(0);
  SummedRow row(put_, RowKind::kRemoved);
  row.Put(n).Put(record.run.text()).PutColumn(finished_, 1).PutColumn(finished_, 2);
  finished_.Reset();
  CROMT_TRY(row.Put(record.why).Put(Micros(record.at)).Run());
  CROMT_TRY(drop_run_.Bind(1, n).Run());
  return drop_plan_.Bind(1, n).Run();
}

Status Remover::Remove(const OutputRemoved& record) {
  CROMT_ASSIGN(const bool found, finished_.Bind(1, record.run.text()).Step());
  const int64_t n = found ? finished_.Int(0) : 0;
  finished_.Reset();
  if (!found) return {};
  SummedRow row(put_output_, RowKind::kOutputRemoved);
  CROMT_TRY(row.Put(n).Put(record.bytes).Put(record.why).Put(Micros(record.at)).Run());
  return {};
}

Status Remover::Sweep(const RemnantsSwept& record) {
  int64_t budget = record.most_rows;
  while (budget > 0) {
    CROMT_ASSIGN(const bool left, left_.Step());
    const int64_t seq = left ? left_.Int(0) : 0, n = left ? left_.Int(1) : 0;
    left_.Reset();
    if (!left) break;
    CROMT_ASSIGN(const int64_t deleted, DeleteRows(n, budget));
    budget -= deleted;
    if (budget <= 0) return {};  // there may be more of it
    CROMT_TRY(swept_.Bind(1, seq).Run());
  }
  return ForgetRemoved(record.forget_before, budget);
}

Result<int64_t> Remover::DeleteRows(int64_t run, int64_t most) {
  int64_t deleted = 0;
  for (sqlite::Statement& statement : of_run_) {
    if (deleted >= most) break;
    CROMT_ASSIGN(const int64_t rows, Delete(statement.Bind(1, run).Bind(2, most - deleted)));
    deleted += rows;
  }
  return deleted;
}

Result<int64_t> Remover::Delete(sqlite::Statement& statement) {
  CROMT_TRY(statement.Run());
  CROMT_TRY(changes_.Step());
  const int64_t rows = changes_.Int(0);
  changes_.Reset();
  return rows;
}

// In the order in which they were removed, so that none is looked at that stays.
Status Remover::ForgetRemoved(Wall before, int64_t most) {
  for (; most > 0; --most) {
    CROMT_ASSIGN(const bool found, oldest_.Step());
    const bool goes = found && oldest_.Int(1) < Micros(before) && oldest_.Int(2) == 0;
    const int64_t seq = goes ? oldest_.Int(0) : 0;
    oldest_.Reset();
    if (!goes) return {};
    CROMT_TRY(forget_.Bind(1, seq).Run());
  }
  return {};
}

Status Remover::Forget(const TicksForgotten& record) {
  return drop_ticks_.Bind(1, record.project).Bind(2, record.up_to).Bind(3, int64_t{record.most_rows}).Run();
}

Result<RunId> Remover::FindRequest(const RequestId& request) {
  CROMT_ASSIGN(const bool found, request_.Bind(1, request.text()).Step());
  RunId run = found ? RunId(std::string(request_.Text(0))) : RunId();
  request_.Reset();
  return run;
}

}  // namespace cromt
