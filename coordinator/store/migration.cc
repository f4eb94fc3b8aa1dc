#include "coordinator/store/migration.h"

#include <fmt/format.h>

#include "coordinator/store/backup.h"
#include "coordinator/store/commit_mark.h"
#include "coordinator/store/loader.h"
#include "coordinator/store/row_sum.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/store_file.h"

namespace cromt {
namespace {

constexpr int kOldest = 5;

// ---- 5 to 10: sums of rows, and what comes with them -------------------------------------------
// Written against version 10 as it is in schema.h; with a version that changes a table of it that text moves here.

Status MoveTables(sqlite::Database& db) {
  for (const char* index :
       {"revisions_by_file", "changes_by_revision", "runs_by_project", "runs_unfinished", "transitions_by_run"})
    CROMT_TRY(db.Execute(fmt::format("DROP INDEX {}", index)));
  for (const char* table : {"meta", "files", "revisions", "changes", "projects", "runs", "plans", "tasks",
                            "transitions", "artifacts", "agents"})
    CROMT_TRY(db.Execute(fmt::format("ALTER TABLE {0} RENAME TO v5_{0}", table)));
  CROMT_TRY(db.Execute(kSchema));
  CROMT_TRY(db.Execute(kTickTables));
  CROMT_TRY(db.Execute(kTriggerTables));
  return db.Execute(kRetentionTables);
}

// Writes each row of `select` by `write`, with its sum after it. `extra` may bind what is not summed.
template <class F>
Status CopySummed(sqlite::Database& db, RowKind kind, const char* select, const char* write, F extra) {
  CROMT_ASSIGN(auto rows, db.Prepare(select));
  CROMT_ASSIGN(auto put, db.Prepare(write));
  for (;;) {
    CROMT_ASSIGN(bool row, rows.Step());
    if (!row) return {};
    SummedRow summed(put, kind);
    for (int column = 0; column < rows.columns(); ++column) summed.PutColumn(rows, column);
    CROMT_TRY(extra(rows, put));
    CROMT_TRY(summed.Run());
  }
}

Status CopySummed(sqlite::Database& db, RowKind kind, const char* select, const char* write) {
  return CopySummed(db, kind, select, write, [](const sqlite::Statement&, sqlite::Statement&) { return Status(); });
}

Status CopyRuns(sqlite::Database& db) {
  CROMT_TRY(CopySummed(db, RowKind::kRunHead,
                       "SELECT n, id, request, project, trigger, revision, author, created_at_us FROM v5_runs",
                       "INSERT INTO runs (n, id, request, project, trigger, revision, author, created_at_us, head_sum, "
                       "state, reason, cancel, timed_out, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 0, 0, 0)"));
  CROMT_TRY(CopySummed(db, RowKind::kRunStatus,
                       "SELECT n, state, outcome, reason, cancel, 0, started_at_us, finished_at_us FROM v5_runs",
                       "UPDATE runs SET state = ?2, outcome = ?3, reason = ?4, cancel = ?5, timed_out = ?6, "
                       "started_at_us = ?7, finished_at_us = ?8, sum = ?9 WHERE n = ?1"));
  CROMT_TRY(CopySummed(db, RowKind::kPlan, "SELECT run, plan FROM v5_plans", "INSERT INTO plans VALUES (?, ?, ?)"));
  CROMT_TRY(CopySummed(db, RowKind::kTask, "SELECT *, 0 FROM v5_tasks",
                       "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  CROMT_TRY(CopySummed(db, RowKind::kTransition, "SELECT * FROM v5_transitions",
                       "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  return CopySummed(db, RowKind::kArtifact, "SELECT * FROM v5_artifacts",
                    "INSERT INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
}

Status CopyRevisions(sqlite::Database& db) {
  CROMT_ASSIGN(auto rows, db.Prepare("SELECT revision, file, path, author, request, at_us, text FROM v5_revisions"));
  CROMT_ASSIGN(auto put, db.Prepare("INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  for (;;) {
    CROMT_ASSIGN(bool row, rows.Step());
    if (!row) return {};
    SummedRow summed(put, RowKind::kRevision);
    for (int column = 0; column < 6; ++column) summed.PutColumn(rows, column);
    summed.Put(int64_t{RowSum(RowKind::kText).AddColumns(rows, 6, 1).Finish()});
    put.Bind(9, rows.Text(6));
    CROMT_TRY(summed.Run());
  }
}

Result<std::string> OldMeta(sqlite::Database& db, const char* key) {
  CROMT_ASSIGN(auto row, db.Prepare("SELECT value FROM v5_meta WHERE key = ?"));
  CROMT_ASSIGN(bool found, row.Bind(1, key).Step());
  if (!found) return Fail(ErrorCode::kCorrupt, fmt::format("it does not say its {}", key));
  return std::string(row.Text(0));
}

Result<uint64_t> OldNumber(sqlite::Database& db, const char* key) {
  CROMT_ASSIGN(auto row, db.Prepare("SELECT value FROM v5_meta WHERE key = ?"));
  CROMT_ASSIGN(bool found, row.Bind(1, key).Step());
  if (!found) return Fail(ErrorCode::kCorrupt, fmt::format("it does not say its {}", key));
  return static_cast<uint64_t>(row.Int(0));
}

// The stamp it will have.
Result<StoreStamp> From5(sqlite::Database& db, const std::string& path) {
  CROMT_TRY(MoveTables(db));
  CROMT_TRY(CopyRuns(db));
  CROMT_TRY(CopyRevisions(db));
  for (const char* table : {"files", "projects", "changes", "agents"})
    CROMT_TRY(db.Execute(fmt::format("INSERT INTO {0} SELECT * FROM v5_{0}", table)));
  StoreStamp stamp{.schema = kSchemaVersion};
  CROMT_ASSIGN(const std::string mesh, OldMeta(db, "mesh"));
  stamp.mesh = MeshId(mesh);
  CROMT_ASSIGN(stamp.epoch, OldNumber(db, "epoch"));
  CROMT_ASSIGN(stamp.commit, OldNumber(db, "commit"));
  ++stamp.commit;
  auto before = CommitMark::Read(path);  // of the store in whose place this one was put
  stamp.went_back = before && *before && (*before)->commit > stamp.commit;
  CROMT_ASSIGN(stamp.totals, TotalsOf(db));
  for (const char* table : {"meta", "files", "revisions", "changes", "projects", "runs", "plans", "tasks",
                            "transitions", "artifacts", "agents"})
    CROMT_TRY(db.Execute(fmt::format("DROP TABLE v5_{}", table)));
  CROMT_TRY(db.Execute(fmt::format("INSERT INTO meta VALUES ('schema', {}), ('stamp', '')", kSchemaVersion)));
  return stamp;
}

// ---- 6 to 7: losses of a task; 7 to 8: images; 8 to 9: ticks; 9 to 10: triggers ----------------

// Each task gets a column before its sum, and so another sum. A row that is not what was written stays so: its sum is
// 0. `unfinished` is a total, and follows.
Status AddLosses(sqlite::Database& db, uint64_t& unfinished) {
  CROMT_TRY(
      db.Execute("ALTER TABLE tasks RENAME COLUMN sum TO losses; "
                 "ALTER TABLE tasks ADD COLUMN sum INTEGER NOT NULL DEFAULT 0"));
  CROMT_ASSIGN(auto rows, db.Prepare("SELECT t.*, r.state <> 'finished' FROM tasks t JOIN runs r ON r.n = t.run "
                                     "ORDER BY t.run, t.task"));
  CROMT_ASSIGN(auto put, db.Prepare("UPDATE tasks SET losses = 0, sum = ? WHERE run = ? AND task = ?"));
  constexpr int kOldColumns = 18;  // the old sum behind them
  for (;;) {
    CROMT_ASSIGN(bool row, rows.Step());
    if (!row) return {};
    if (!SumHolds(RowKind::kTask, rows, 0, kOldColumns + 1)) continue;
    const uint32_t sum = RowSum(RowKind::kTask).AddColumns(rows, 0, kOldColumns).Add(int64_t{0}).Finish();
    if (rows.Int(kOldColumns + 2) != 0) unfinished += Part(sum) - Part(static_cast<uint32_t>(rows.Int(kOldColumns)));
    CROMT_TRY(put.Bind(1, int64_t{sum}).Bind(2, rows.Int(0)).Bind(3, rows.Int(1)).Run());
  }
}

Status AddImages(sqlite::Database& db) {
  return db.Execute(
      "CREATE TABLE images (run INTEGER NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL, "
      "digest TEXT NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (run, task, attempt)) WITHOUT ROWID");
}

// The stamp it will have. kCorrupt if the rows are not all that its own stamp says: a new one would hide it.
Result<StoreStamp> FromSummed(sqlite::Database& db, const std::string& path, int schema) {
  CROMT_ASSIGN(StoreStamp stamp, ReadStamp(db, schema));
  auto mark = CommitMark::Read(path);
  const bool last_commit = mark && CheckMark(path, stamp, *mark);
  if (schema < 7) CROMT_TRY(AddLosses(db, stamp.totals.runs));
  if (schema < kFirstImagesSchema) CROMT_TRY(AddImages(db));
  if (schema < kFirstTicksSchema) CROMT_TRY(db.Execute(kTickTables));
  if (schema < kFirstTriggersSchema) CROMT_TRY(db.Execute(kTriggerTables));
  if (schema < kFirstRetentionSchema) CROMT_TRY(db.Execute(kRetentionTables));
  CROMT_ASSIGN(const StoreTotals is, TotalsOf(db));
  CROMT_TRY(CheckTotals(is, stamp.totals));
  stamp.schema = kSchemaVersion;
  ++stamp.commit;
  // Else an older one was put here, or its newest part is gone; unless this was begun before.
  if (!last_commit && !(mark && *mark && **mark == stamp)) stamp.went_back = true;
  CROMT_TRY(db.Execute(fmt::format("UPDATE meta SET value = {} WHERE key = 'schema'", kSchemaVersion)));
  return stamp;
}

// ---- Any to ours ------------------------------------------------------------------------------

Status Change(sqlite::Database& db, const std::string& path, int schema) {
  CROMT_ASSIGN(StoreStamp stamp, schema < kFirstSummedSchema ? From5(db, path) : FromSummed(db, path, schema));
  CROMT_ASSIGN(auto put, db.Prepare("UPDATE meta SET value = ? WHERE key = 'stamp'"));
  CROMT_TRY(put.Bind(1, stamp.Text()).Run());
  CROMT_TRY(
      db.Execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kSchemaVersion)));
  // Before the commit: a store without its mark would be taken for a part of one. Should this end here, the next
  // attempt writes it again.
  CROMT_ASSIGN(CommitMark mark, CommitMark::Open(path));
  CROMT_TRY(mark.Write(stamp));
  return mark.Sync();
}

}  // namespace

Status Migrate(sqlite::Database& db, const std::string& path, int schema) {
  if (schema < kOldest)
    return Fail(
        ErrorCode::kConflict,
        fmt::format("{} has schema version {} of a cromt before its first release, this program knows {} to {}: "
                    "move the file away, a new one is made",
                    path, schema, kOldest, kSchemaVersion));
  CROMT_TRY(CopyDatabase(db, CopyPath(path, schema)));
  CROMT_TRY(db.Execute("BEGIN IMMEDIATE"));
  if (auto changed = Change(db, path, schema); !changed) {
    (void)db.Execute("ROLLBACK");  // the error that matters is the first one
    return Fail(fmt::format("it can't be changed from schema version {} to {}", schema, kSchemaVersion),
                std::move(changed).error());
  }
  CROMT_TRY(db.Execute("COMMIT"));
  // Into the file itself, whose header tells an older program at first sight.
  return db.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace cromt
