#include "coordinator/store/retention_reader.h"

#include <fmt/format.h>

#include "coordinator/store/rows.h"
#include "cromt/v1/types.pb.h"

namespace cromt {

Result<RetentionReader> RetentionReader::Open(const std::string& path) {
  RetentionReader reader;
  CROMT_ASSIGN(reader.db_, sqlite::Database::Open(path, sqlite::Database::Mode::kReadOnly));
  return reader;
}

// From one name to the next by the index: not linear in what there is of each.
Result<std::vector<std::string>> RetentionReader::Projects() {
  std::set<std::string> names;
  for (const char* table : {"runs", "ticks"}) {
    CROMT_ASSIGN(auto next,
                 db_.Prepare(fmt::format("SELECT project FROM {} WHERE project > ? ORDER BY project LIMIT 1", table)));
    for (std::string name;;) {
      CROMT_ASSIGN(const bool found, next.Bind(1, name).Step());
      if (!found) break;
      name = next.Text(0);
      next.Reset();
      names.insert(name);
    }
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<RunRemoved>> RetentionReader::Excess(const std::string& project, RunSieve& sieve, int64_t& below,
                                                        size_t most, Wall now) {
  CROMT_ASSIGN(auto rows, db_.Prepare(fmt::format("SELECT {} FROM runs WHERE project = ? AND n < ? ORDER BY n DESC",
                                                  kRunColumns)));
  rows.Bind(1, project).Bind(2, below);
  std::vector<RunRemoved> excess;
  while (excess.size() < most) {
    CROMT_ASSIGN(const bool found, rows.Step());
    if (!found) break;
    below = rows.Int(0);
    auto row = ReadRun(rows);
    if (!row || row->status.state != RunState::kFinished) continue;  // what is damaged is left to who looks at it
    const RunStatus& status = row->status;
    std::string why =
        sieve.Take({status.finished_at.value_or(row->header.created_at), status.outcome == RunOutcome::kSucceeded});
    if (!why.empty()) excess.push_back({row->header.id, std::move(why), now});
  }
  return excess;
}

Result<std::optional<int64_t>> RetentionReader::ExcessTicks(const std::string& project, Duration age, Wall now) {
  // The newest line beyond so many, and older than that.
  CROMT_ASSIGN(auto line,
               db_.Prepare("SELECT n FROM (SELECT n, at_us FROM ticks WHERE project = ?1 AND n <= coalesce((SELECT n "
                           "FROM ticks WHERE project = ?1 ORDER BY n DESC LIMIT 1 OFFSET ?2), -1)) WHERE at_us < ?3 "
                           "ORDER BY n DESC LIMIT 1"));
  const auto beyond = [&](int64_t lines, int64_t before_us) -> Result<int64_t> {
    CROMT_ASSIGN(const bool found, line.Bind(1, project).Bind(2, lines).Bind(3, before_us).Step());
    const int64_t n = found ? line.Int(0) : -1;
    line.Reset();
    return n;
  };
  CROMT_ASSIGN(int64_t up_to, beyond(kTicksAtMost, INT64_MAX));
  if (age > Duration::zero()) {
    CROMT_ASSIGN(const int64_t old, beyond(kTicksAlways, Micros(now - age)));
    up_to = std::max(up_to, old);
  }
  return up_to < 0 ? std::nullopt : std::optional(up_to);
}

Result<std::set<std::string>> RetentionReader::Trees() {
  std::set<std::string> trees;
  CROMT_ASSIGN(auto rows, db_.Prepare("SELECT run, plan FROM plans"));
  for (v1::Plan plan;;) {
    CROMT_ASSIGN(const bool found, rows.Step());
    if (!found) return trees;
    const std::string_view bytes = rows.Blob(1);
    if (!plan.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      return Fail(ErrorCode::kCorrupt, fmt::format("the plan of run number {} can't be read", rows.Int(0)));
    for (const v1::TaskSpec& spec : plan.specs())
      if (spec.source().has_tree()) trees.insert(spec.source().tree().sha256());
  }
}

Result<bool> RetentionReader::HasRemnants(Wall forget_before) {
  CROMT_ASSIGN(auto query, db_.Prepare("SELECT EXISTS (SELECT 1 FROM removed WHERE remnants = 1), coalesce((SELECT "
                                       "at_us FROM removed ORDER BY seq LIMIT 1), ?1) < ?1"));
  CROMT_TRY(query.Bind(1, Micros(forget_before)).Step());
  return query.Int(0) != 0 || query.Int(1) != 0;
}

Result<RetentionReader::Speaker> RetentionReader::SpeakerOf(const RunId& run) {
  CROMT_ASSIGN(auto query, db_.Prepare("SELECT state, finished_at_us, created_at_us, EXISTS (SELECT 1 FROM "
                                       "output_removed WHERE run = n) FROM runs WHERE id = ?"));
  CROMT_ASSIGN(const bool known, query.Bind(1, run.text()).Step());
  if (!known) {
    CROMT_ASSIGN(auto gone, db_.Prepare("SELECT 1 FROM removed WHERE id = ?"));
    CROMT_ASSIGN(const bool removed, gone.Bind(1, run.text()).Step());
    return Speaker{.known = false, .removed = removed};
  }
  Speaker speaker{.known = true, .removed = query.Int(3) != 0};
  if (query.Text(0) == ToString(RunState::kFinished))
    speaker.finished = WallFromMicros(query.IsNull(1) ? query.Int(2) : query.Int(1));
  return speaker;
}

}  // namespace cromt
