// How rows of `runs` and `tasks` are read; shared by the store and its readers.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/effect.h"
#include "io/sqlite/database.h"

namespace cromt {

// The columns that ReadRun and ReadTask expect, in their order.
inline constexpr char kRunColumns[] =
    "n, id, request, project, trigger, revision, author, created_at_us, head_sum, "
    "n, state, outcome, reason, cancel, timed_out, started_at_us, finished_at_us, sum";
inline constexpr char kTaskColumns[] =
    "run, task, state, outcome, attempt, agent, journal, exit_code, signal, reason, stop_wanted, queued_at_us, "
    "started_at_us, finished_at_us, log_bytes, tries, retry_at_us, ignored, losses, sum";

struct RunRow {
  int64_t n = 0;
  uint32_t head_sum = 0;
  uint32_t sum = 0;
  RunHeader header;
  RunStatus status;
};

// All of them check the rows' sums. kCorrupt for a row that is not what was written.
Result<RunRow> ReadRun(const sqlite::Statement& row);
Result<std::pair<TaskIndex, TaskStatus>> ReadTask(const sqlite::Statement& row);
// Of the run numbered n, by task. `sums`, if given, gets a key and the sum of each row.
using ArtifactSums = std::map<std::pair<TaskIndex, std::string>, uint32_t>;
Result<std::vector<ArtifactsPublished>> ReadArtifacts(sqlite::Database& db, int64_t n, const RunId& run,
                                                      ArtifactSums* sums = nullptr);
// Of the run numbered n, by task and attempt.
using ImageSums = std::map<std::pair<TaskIndex, uint32_t>, uint32_t>;
Result<std::vector<ImageRan>> ReadImages(sqlite::Database& db, int64_t n, const RunId& run, ImageSums* sums = nullptr);
// Of one attempt; empty if none is known.
Result<std::string> ReadImage(sqlite::Database& db, int64_t n, TaskIndex task, uint32_t attempt);
Result<std::shared_ptr<const Plan>> ReadPlan(sqlite::Database& db, int64_t n, uint32_t* sum = nullptr);

// Columns of several values: one a line, NAME=VALUE for labels. Names hold no '=', nothing a line end.
std::string LabelsText(const std::map<std::string, std::string>& labels);
std::map<std::string, std::string> LabelsFrom(std::string_view text);
std::string LinesText(const std::vector<std::string>& lines);
std::vector<std::string> LinesFrom(std::string_view text);

}  // namespace cromt
