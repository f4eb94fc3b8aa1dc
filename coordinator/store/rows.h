// How rows of `runs` and `tasks` are read; shared by the store and its readers.
#pragma once

#include "base/result.h"
#include "core/effect.h"
#include "io/sqlite/database.h"

namespace cromt {

// The columns that ReadRun and ReadTask expect, in their order.
inline constexpr char kRunColumns[] =
    "n, id, request, project, trigger, revision, author, created_at_us, state, outcome, reason, cancel, "
    "started_at_us, finished_at_us";
inline constexpr char kTaskColumns[] =
    "task, state, outcome, attempt, agent, journal, exit_code, signal, reason, stop_wanted, queued_at_us, "
    "started_at_us, finished_at_us, log_bytes, tries, retry_at_us, ignored";

struct RunRow {
  int64_t n = 0;
  RunHeader header;
  RunStatus status;
};

// kCorrupt for a word that no version of us writes.
Result<RunRow> ReadRun(const sqlite::Statement& row);
Result<std::pair<TaskIndex, TaskStatus>> ReadTask(const sqlite::Statement& row);
// Of the run numbered n, by task.
Result<std::vector<ArtifactsPublished>> ReadArtifacts(sqlite::Database& db, int64_t n, const RunId& run);
Result<std::shared_ptr<const Plan>> ReadPlan(sqlite::Database& db, int64_t n);

}  // namespace cromt
