#include "coordinator/store/loader.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "coordinator/store/row_sum.h"
#include "coordinator/store/schema.h"

namespace cromt {
namespace {

tl::unexpected<Error> Damaged(const std::string& what) {
  return Fail(ErrorCode::kCorrupt, what);
}

class Loader {
 public:
  explicit Loader(sqlite::Database& db) : db_(db) {}
  Result<LoadedStore> Load();
  Status Read();
  const StoreTotals& totals() const { return loaded_.sums.totals(); }

 private:
  Status LoadRuns();
  Status CheckFound(const RunRow& run);
  Status LoadTasks(StoredRun& run, StoreSums::Run& sums);
  Status LoadTransitions(const RunId& run, StoreSums::Run& sums);
  Status LoadAgents();
  Status LoadLanes();
  Status LoadKept();
  Status LoadSchedules();
  Status LoadPauses();
  Status LoadTriggers();
  Status LoadDrained();
  Status LoadRevisions();
  Status LoadFiles();
  Status LoadChanges();
  Status LoadOwned();
  uint64_t PlannedFrom(const std::string& project, const std::string& file) const;
  // Calls `take` for each row.
  template <class F>
  Status Each(sqlite::Statement& rows, F take);

  sqlite::Database& db_;
  std::optional<sqlite::Statement> find_;
  LoadedStore loaded_;
  struct LastChange {
    uint64_t revision = 0;
    bool gone = false;
  };
  std::map<std::string, LastChange> last_changes_;         // of each project
  std::map<std::string, std::set<uint64_t>> revisions_;    // of each file
  std::map<std::string, uint64_t> newest_;                 // of each file
  std::map<uint64_t, std::vector<std::string>> projects_;  // what is planned from a revision
};

template <class F>
Status Loader::Each(sqlite::Statement& rows, F take) {
  for (;;) {
    CROMT_ASSIGN(bool row, rows.Step());
    if (!row) break;
    CROMT_TRY(take());
  }
  rows.Reset();
  return {};
}

Result<LoadedStore> Loader::Load() {
  CROMT_ASSIGN(loaded_.stamp, ReadStamp(db_, kSchemaVersion));
  CROMT_TRY(Read());
  CROMT_TRY(CheckTotals(totals(), loaded_.stamp.totals));
  StoredState& state = loaded_.state;
  state.mesh = loaded_.stamp.mesh;
  state.epoch = loaded_.stamp.epoch;
  state.commit = loaded_.stamp.commit;
  state.went_back = loaded_.stamp.went_back;
  CROMT_ASSIGN(auto last, db_.Prepare("SELECT max((SELECT coalesce(max(n), 0) FROM runs), (SELECT "
                                      "coalesce(max(n), 0) FROM removed WHERE remnants = 1)), coalesce(max(seq), 0), "
                                      "(SELECT coalesce(max(n), 0) FROM ticks) FROM transitions"));
  CROMT_TRY(last.Step());
  loaded_.last_run = last.Int(0);
  loaded_.last_transition = last.Int(1);
  loaded_.last_tick = last.Int(2);
  // What nothing is taken up from is looked at as well: whether it can be read.
  CROMT_ASSIGN(auto others, db_.Prepare("SELECT (SELECT 1 FROM removed WHERE id > '' LIMIT 1), (SELECT 1 FROM removed "
                                        "WHERE request > '' LIMIT 1), (SELECT why FROM removed LIMIT 1), (SELECT why "
                                        "FROM output_removed LIMIT 1)"));
  CROMT_TRY(others.Step());
  return std::move(loaded_);
}

Status Loader::Read() {
  CROMT_TRY(LoadRuns());
  CROMT_TRY(LoadAgents());
  CROMT_TRY(LoadLanes());
  CROMT_TRY(LoadKept());
  CROMT_TRY(LoadSchedules());
  CROMT_TRY(LoadPauses());
  CROMT_TRY(LoadTriggers());
  CROMT_TRY(LoadDrained());
  CROMT_TRY(LoadRevisions());
  return LoadFiles();
}

// ---- Runs -------------------------------------------------------------------------------------

Status Loader::LoadRuns() {
  CROMT_ASSIGN(auto rows,
               db_.Prepare(fmt::format("SELECT {} FROM runs WHERE state <> 'finished' ORDER BY n", kRunColumns)));
  return Each(rows, [&]() -> Status {
    CROMT_ASSIGN(RunRow row, ReadRun(rows));
    CROMT_TRY(CheckFound(row));
    StoredRun run{std::move(row.header), std::move(row.status), nullptr, {}, {}, {}};
    StoreSums& all = loaded_.sums;
    StoreSums::Run& sums = all.Add(run.header.id, row.n);
    all.Added(sums, row.head_sum);
    all.Replaced(sums, sums.status, row.sum);
    uint32_t plan = 0;
    CROMT_ASSIGN(run.plan, ReadPlan(db_, row.n, &plan));
    all.Replaced(sums, sums.plan, plan);
    ArtifactSums artifacts;
    CROMT_ASSIGN(run.artifacts, ReadArtifacts(db_, row.n, run.header.id, &artifacts));
    for (const auto& [key, sum] : artifacts) all.Replaced(sums, sums.artifacts[key], sum);
    ImageSums images;
    CROMT_ASSIGN(run.images, ReadImages(db_, row.n, run.header.id, &images));
    for (const auto& [key, sum] : images) all.Replaced(sums, sums.images[key], sum);
    CROMT_TRY(LoadTasks(run, sums));
    CROMT_TRY(LoadTransitions(run.header.id, sums));
    loaded_.state.runs.push_back(std::move(run));
    return {};
  });
}

// That it is found again by its id and by its request: SQLite's indices have no sums.
Status Loader::CheckFound(const RunRow& run) {
  if (!find_) {
    CROMT_ASSIGN(find_,
                 db_.Prepare("SELECT (SELECT n FROM runs WHERE id = ?), (SELECT n FROM runs WHERE request = ?)"));
  }
  CROMT_TRY(find_->Bind(1, run.header.id.text()).Bind(2, run.header.request.text()).Step());
  const bool found = find_->Int(0) == run.n && find_->Int(1) == run.n;
  find_->Reset();
  if (!found) return Damaged(fmt::format("run {} is not found by its id and request", run.header.id.text()));
  return {};
}

Status Loader::LoadTasks(StoredRun& run, StoreSums::Run& sums) {
  CROMT_ASSIGN(auto rows, db_.Prepare(fmt::format("SELECT {} FROM tasks WHERE run = ? ORDER BY task", kTaskColumns)));
  run.tasks.reserve(run.plan->tasks.size());
  sums.tasks.reserve(run.plan->tasks.size());
  CROMT_TRY(Each(rows.Bind(1, sums.n), [&]() -> Status {
    CROMT_ASSIGN(auto task, ReadTask(rows));
    if (task.first != run.tasks.size())
      return Damaged(fmt::format("task {} of run {} is missing", run.tasks.size() + 1, run.header.id.text()));
    loaded_.sums.TaskReplaced(sums, task.first, static_cast<uint32_t>(rows.Int(rows.columns() - 1)));
    run.tasks.push_back(std::move(task.second));
    return {};
  }));
  if (run.tasks.size() != run.plan->tasks.size())
    return Damaged(fmt::format("run {} has {} tasks in its plan and {} rows", run.header.id.text(),
                               run.plan->tasks.size(), run.tasks.size()));
  return {};
}

Status Loader::LoadTransitions(const RunId& run, StoreSums::Run& sums) {
  CROMT_ASSIGN(auto rows, db_.Prepare("SELECT seq, run, task, attempt, state, outcome, reason, at_us, agent, sum "
                                      "FROM transitions WHERE run = ? ORDER BY seq"));
  return Each(rows.Bind(1, sums.n), [&]() -> Status {
    if (!SumHolds(RowKind::kTransition, rows, 0, rows.columns()))
      return Damaged(fmt::format("transition {} of run {} is not what was written", rows.Int(0), run.text()));
    loaded_.sums.Added(sums, static_cast<uint32_t>(rows.Int(rows.columns() - 1)));
    return {};
  });
}

// ---- Agents -----------------------------------------------------------------------------------

Status Loader::LoadAgents() {
  CROMT_ASSIGN(auto rows, db_.Prepare("SELECT agent, journal, address, applied_sequence, labels FROM agents"));
  return Each(rows, [&]() -> Status {
    AgentId agent{std::string(rows.Text(0))};
    loaded_.sums.Agent(agent, RowSum(RowKind::kAgent).AddColumns(rows, 0, rows.columns()).Finish());
    loaded_.state.agents.push_back({std::move(agent), JournalId(std::string(rows.Text(1))), std::string(rows.Text(2)),
                                    static_cast<uint64_t>(rows.Int(3)), LabelsFrom(rows.Text(4))});
    return {};
  });
}

Status Loader::LoadLanes() {
  CROMT_ASSIGN(auto rows, db_.Prepare("SELECT run, task, attempt, agent, host, project, lanes FROM lanes_held"));
  return Each(rows, [&]() -> Status {
    LaneHeld held{
        {RunId(std::string(rows.Text(0))), static_cast<TaskIndex>(rows.Int(1)), static_cast<uint32_t>(rows.Int(2))},
        AgentId(std::string(rows.Text(3))),
        std::string(rows.Text(4)),
        std::string(rows.Text(5)),
        LinesFrom(rows.Text(6))};
    loaded_.sums.LaneHeld(held.id, RowSum(RowKind::kLane).AddColumns(rows, 0, rows.columns()).Finish());
    loaded_.state.held.push_back(std::move(held));
    return {};
  });
}

Status Loader::LoadKept() {
  CROMT_ASSIGN(auto rows, db_.Prepare("SELECT agent, run, task, attempt FROM kept"));
  uint64_t total = 0;
  CROMT_TRY(Each(rows, [&]() -> Status {
    total += Part(RowSum(RowKind::kKept).AddColumns(rows, 0, rows.columns()).Finish());
    loaded_.state.kept.push_back(
        {AgentId(std::string(rows.Text(0))),
         {RunId(std::string(rows.Text(1))), static_cast<TaskIndex>(rows.Int(2)), static_cast<uint32_t>(rows.Int(3))}});
    return {};
  }));
  loaded_.sums.KeptReplaced(total);
  return {};
}

Status Loader::LoadDrained() {
  CROMT_ASSIGN(auto rows, db_.Prepare("SELECT address, why, author, since_us FROM drained"));
  return Each(rows, [&]() -> Status {
    AgentDrained row{std::string(rows.Text(0)), std::string(rows.Text(1)), std::string(rows.Text(2)),
                     WallFromMicros(rows.Int(3))};
    loaded_.sums.Drained(row.address, RowSum(RowKind::kDrained).AddColumns(rows, 0, rows.columns()).Finish());
    loaded_.state.drained.push_back(std::move(row));
    return {};
  });
}

// ---- Schedules --------------------------------------------------------------------------------

Status Loader::LoadSchedules() {
  CROMT_ASSIGN(auto rows, db_.Prepare("SELECT project, revision, ticks, handled_us, boot, waiting_us FROM schedules"));
  return Each(rows, [&]() -> Status {
    ScheduleSet row{std::string(rows.Text(0)),   static_cast<uint64_t>(rows.Int(1)), std::string(rows.Text(2)),
                    WallFromMicros(rows.Int(3)), std::string(rows.Text(4)),          std::nullopt};
    if (!rows.IsNull(5)) row.waiting = WallFromMicros(rows.Int(5));
    loaded_.sums.Schedule(row.project, RowSum(RowKind::kSchedule).AddColumns(rows, 0, rows.columns()).Finish());
    loaded_.state.schedules.push_back(std::move(row));
    return {};
  });
}

Status Loader::LoadPauses() {
  CROMT_ASSIGN(auto rows, db_.Prepare("SELECT project, why, author, since_us, until_us FROM pauses"));
  return Each(rows, [&]() -> Status {
    Paused row{std::string(rows.Text(0)), std::string(rows.Text(1)), std::string(rows.Text(2)),
               WallFromMicros(rows.Int(3)), std::nullopt};
    if (!rows.IsNull(4)) row.until = WallFromMicros(rows.Int(4));
    loaded_.sums.Pause(row.project, RowSum(RowKind::kPause).AddColumns(rows, 0, rows.columns()).Finish());
    loaded_.state.pauses.push_back(std::move(row));
    return {};
  });
}

Status Loader::LoadTriggers() {
  CROMT_ASSIGN(auto rows,
               db_.Prepare("SELECT project, repository, ref, seen, waiting, trigger, since_us, hooked FROM triggers"));
  return Each(rows, [&]() -> Status {
    const auto trigger = TriggerFrom(rows.Text(5));
    if (!trigger) return Damaged(fmt::format("the row of the trigger of '{}' is none", rows.Text(0)));
    TriggerSet row{.project = std::string(rows.Text(0)),
                   .repository = std::string(rows.Text(1)),
                   .ref = std::string(rows.Text(2)),
                   .seen = std::string(rows.Text(3)),
                   .waiting = std::string(rows.Text(4)),
                   .trigger = *trigger,
                   .since = WallFromMicros(rows.Int(6)),
                   .hooked = rows.Int(7) != 0};
    loaded_.sums.Trigger(row.project, RowSum(RowKind::kTrigger).AddColumns(rows, 0, rows.columns()).Finish());
    loaded_.state.triggers.push_back(std::move(row));
    return {};
  });
}

// ---- Files ------------------------------------------------------------------------------------

Status Loader::LoadRevisions() {
  CROMT_ASSIGN(auto rows,
               db_.Prepare("SELECT revision, file, path, author, request, at_us, text_sum, sum FROM revisions "
                           "ORDER BY revision DESC"));
  return Each(rows, [&]() -> Status {
    StoredState& state = loaded_.state;
    const auto revision = static_cast<uint64_t>(rows.Int(0));
    if (!SumHolds(RowKind::kRevision, rows, 0, rows.columns()))
      return Damaged(fmt::format("the row of revision {} is not what was written", revision));
    loaded_.sums.FileAdded(static_cast<uint32_t>(rows.Int(7)));
    revisions_[std::string(rows.Text(1))].insert(revision);
    if (state.revision == 0) state.revision = revision;
    if (state.applies.size() < kRememberedApplies)
      state.applies.push_back({RequestId(std::string(rows.Text(4))), std::string(rows.Text(1)), revision});
    return {};
  });
}

Status Loader::LoadChanges() {
  CROMT_ASSIGN(auto rows, db_.Prepare("SELECT project, revision, what FROM changes"));
  return Each(rows, [&]() -> Status {
    loaded_.sums.FileAdded(RowSum(RowKind::kChange).AddColumns(rows, 0, 3).Finish());
    LastChange& last = last_changes_[std::string(rows.Text(0))];
    const auto revision = static_cast<uint64_t>(rows.Int(1));
    if (revision >= last.revision) last = {revision, rows.Text(2) == "gone"};
    return {};
  });
}

// The newest of its file, or the last one before it left. Found out here and not by SQLite: its indices have no sums.
uint64_t Loader::PlannedFrom(const std::string& project, const std::string& file) const {
  auto newest = newest_.find(file);
  auto last = last_changes_.find(project);
  if (newest == newest_.end() || last == last_changes_.end()) return 0;
  if (!last->second.gone) return newest->second;
  auto revisions = revisions_.find(file);
  if (revisions == revisions_.end()) return 0;
  auto before = revisions->second.lower_bound(last->second.revision);
  return before == revisions->second.begin() ? 0 : *std::prev(before);
}

Status Loader::LoadOwned() {
  CROMT_ASSIGN(auto files, db_.Prepare("SELECT file, revision FROM files"));
  CROMT_TRY(Each(files, [&]() -> Status {
    loaded_.sums.FileRow(std::string(files.Text(0)), RowSum(RowKind::kFile).AddColumns(files, 0, 2).Finish());
    const uint64_t revision = newest_[std::string(files.Text(0))] = static_cast<uint64_t>(files.Int(1));
    projects_[revision];
    return {};
  }));
  CROMT_ASSIGN(auto owned, db_.Prepare("SELECT name, file FROM projects ORDER BY name"));
  return Each(owned, [&]() -> Status {
    const std::string name(owned.Text(0)), file(owned.Text(1));
    loaded_.sums.FileRow(file, RowSum(RowKind::kProject).AddColumns(owned, 0, 2).Finish());
    const uint64_t revision = PlannedFrom(name, file);
    if (revision == 0) return Damaged(fmt::format("the revision that project '{}' is planned from is missing", name));
    projects_[revision].push_back(name);
    return {};
  });
}

Status Loader::LoadFiles() {
  CROMT_TRY(LoadChanges());
  CROMT_TRY(LoadOwned());
  CROMT_ASSIGN(auto rows, db_.Prepare("SELECT file, path, text, text_sum FROM revisions WHERE revision = ?"));
  for (auto& [revision, names] : projects_) {
    CROMT_ASSIGN(bool found, rows.Bind(1, static_cast<int64_t>(revision)).Step());
    if (!found) return Damaged(fmt::format("revision {} is in use and missing", revision));
    if (!SumHolds(RowKind::kText, rows, 2, 2))
      return Damaged(fmt::format("the text of revision {} is not what was written", revision));
    loaded_.state.files.push_back(
        {std::string(rows.Text(0)), std::string(rows.Text(1)), revision, std::string(rows.Text(2)), std::move(names)});
    rows.Reset();
  }
  return {};
}

}  // namespace

Result<LoadedStore> LoadStore(sqlite::Database& db) {
  CROMT_TRY(db.Execute("BEGIN"));
  auto loaded = Loader(db).Load();
  (void)db.Execute("ROLLBACK");  // a read transaction: nothing to keep
  return loaded;
}

Result<StoreTotals> TotalsOf(sqlite::Database& db) {
  Loader loader(db);
  CROMT_TRY(loader.Read());
  return loader.totals();
}

Status CheckTotals(const StoreTotals& is, const StoreTotals& was) {
  std::string what;
  if (is.runs != was.runs) what = "unfinished runs";
  if (is.files != was.files) what += what.empty() ? "applied files" : ", applied files";
  if (is.agents != was.agents) what += what.empty() ? "agents" : ", agents";
  if (what.empty()) return {};
  return Damaged(fmt::format("of its rows on {} some are missing or older than the last commit", what));
}

Result<StoreStamp> ReadStamp(sqlite::Database& db, int schema) {
  CROMT_ASSIGN(auto row, db.Prepare("SELECT value FROM meta WHERE key = 'stamp'"));
  CROMT_ASSIGN(bool found, row.Step());
  if (!found) return Fail(ErrorCode::kCorrupt, "the store's own stamp is missing");
  CROMT_ASSIGN(StoreStamp stamp, StoreStamp::From(row.Text(0)));
  if (stamp.schema != schema)
    return Fail(ErrorCode::kCorrupt,
                fmt::format("its stamp is of schema version {} and it of {}", stamp.schema, schema));
  return stamp;
}

Status CheckAllRows(sqlite::Database& db, int schema) {
  struct Summed {
    RowKind kind;
    const char* what;
    const char* sql;                 // the columns that are summed, then the sum
    int since = kFirstSummedSchema;  // version that has the table
  };
  for (const Summed& table : {
           Summed{RowKind::kRunHead, "runs",
                  "SELECT n, id, request, project, trigger, revision, author, created_at_us, head_sum FROM runs"},
           Summed{RowKind::kRunStatus, "runs",
                  "SELECT n, state, outcome, reason, cancel, timed_out, started_at_us, finished_at_us, sum FROM runs"},
           Summed{RowKind::kPlan, "plans", "SELECT * FROM plans"},
           Summed{RowKind::kTask, "tasks", "SELECT * FROM tasks"},
           Summed{RowKind::kTransition, "transitions", "SELECT * FROM transitions"},
           Summed{RowKind::kArtifact, "artifacts", "SELECT * FROM artifacts"},
           Summed{RowKind::kImage, "images", "SELECT * FROM images", kFirstImagesSchema},
           Summed{RowKind::kTick, "ticks", "SELECT * FROM ticks", kFirstTicksSchema},
           Summed{RowKind::kRemoved, "removed", "SELECT n, id, request, project, why, at_us, sum FROM removed",
                  kFirstRetentionSchema},
           Summed{RowKind::kOutputRemoved, "output_removed", "SELECT * FROM output_removed", kFirstRetentionSchema},
           Summed{RowKind::kText, "revisions", "SELECT text, text_sum FROM revisions"},
       }) {
    if (schema < table.since) continue;
    CROMT_ASSIGN(auto rows, db.Prepare(table.sql));
    for (int64_t number = 1;; ++number) {
      CROMT_ASSIGN(bool row, rows.Step());
      if (!row) break;
      if (!SumHolds(table.kind, rows, 0, rows.columns()))
        return Fail(ErrorCode::kCorrupt, fmt::format("row {} of {} is not what was written", number, table.what));
    }
  }
  return {};
}

}  // namespace cromt
