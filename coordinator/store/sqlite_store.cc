#include "coordinator/store/sqlite_store.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/time.h"
#include "coordinator/store/loader.h"
#include "coordinator/store/migration.h"
#include "coordinator/store/row_sum.h"
#include "coordinator/store/rows.h"
#include "coordinator/store/schema.h"
#include "coordinator/store/store_file.h"
#include "cromt/v1/types.pb.h"
#include "io/wire/plan.h"

namespace cromt {
namespace {

std::optional<int64_t> Us(const std::optional<Wall>& t) {
  return t ? std::optional(Micros(*t)) : std::nullopt;
}

template <class Word>
std::optional<std::string_view> WordOf(const std::optional<Word>& value) {
  return value ? std::optional(ToString(*value)) : std::nullopt;
}

Result<std::string> PlanBytes(const Plan& plan) {
  v1::Plan message;
  wire::ToProto(plan, message);
  std::string bytes;
  if (!message.SerializeToString(&bytes)) return Fail(ErrorCode::kExhausted, "the plan is too large to be stored");
  return bytes;
}

// Which records make the row of a task: of several in one commit nobody would ever read but the last.
std::vector<bool> NewestOfTasks(std::span<const Record> records) {
  std::vector<bool> newest(records.size());
  std::unordered_set<AttemptId> seen;  // without their attempts
  for (size_t i = records.size(); i-- > 0;)
    if (const auto* changed = std::get_if<TaskChanged>(&records[i]))
      newest[i] = seen.insert({changed->run, changed->task, 0}).second;
  return newest;
}

}  // namespace

struct SqliteStore::Statements {
  sqlite::Statement begin, commit, rollback, set_stamp;
  sqlite::Statement new_run, change_run, put_plan, put_task, change_task, transition;
  sqlite::Statement number_of, request, seen, put_artifact, put_image, hold_lanes, free_lanes;
  sqlite::Statement put_file, put_revision, put_change, drop_projects, put_project;
  sqlite::Statement put_schedule, drop_schedule, put_tick, put_pause, drop_pause, put_drained, drop_drained;
  sqlite::Statement put_trigger, drop_trigger;
};

SqliteStore::SqliteStore(std::string path, Durability durability, FileSystem& files, const Clock* clock)
    : path_(std::move(path)), durability_(durability), files_(files), clock_(clock) {}
SqliteStore::~SqliteStore() {
  if (mark_ && durability_ == Durability::kHost) (void)mark_->Sync();  // it may always be older than the store
}

// ---- Opening ----------------------------------------------------------------------------------

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path, Random& random, Durability durability,
                                                       FileSystem& files, const Clock* clock) {
  std::unique_ptr<SqliteStore> store(new SqliteStore(path, durability, files, clock));
  if (durability == Durability::kHost) store->reserve_.emplace(path + "-reserve", files);
  auto opened = store->OpenFile(random);
  if (opened) opened = store->Prepare();
  if (!opened) return tl::unexpected<Error>(Advise(path, std::move(opened).error()));
  store->epoch_step_ = 1 + random.Below(kMostEpochStep);
  return store;
}

Status SqliteStore::OpenFile(Random& random) {
  CROMT_TRY(CheckStoreFile(path_, files_));
  if (reserve_) reserve_->Free();  // the disk may be full, and a start needs some
  if (durability_ == Durability::kHost) CROMT_TRY(SyncLog(path_, files_));
  CROMT_ASSIGN(db_, sqlite::Database::Open(path_, sqlite::Database::Mode::kReadWrite, files_));
  db_.CheckpointOnClose(false);
  const bool sync = durability_ == Durability::kHost;
  CROMT_TRY(db_.Execute(sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF"));
  CROMT_ASSIGN(const int schema, SchemaVersion(db_, path_, files_));
  if (schema == 0) CROMT_TRY(CreateTables(db_, MeshId(RandomName(random))));
  CROMT_TRY(db_.Execute("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY"));
  if (schema != 0 && schema != kSchemaVersion) CROMT_TRY(Migrate(db_, path_, schema));
  return {};
}

Status SqliteStore::Prepare() {
  sql_ = std::make_unique<Statements>();
  struct Item {
    sqlite::Statement& statement;
    std::string_view sql;
  };
  for (const Item& item : {
           Item{sql_->begin, "BEGIN IMMEDIATE"},
           Item{sql_->commit, "COMMIT"},
           Item{sql_->rollback, "ROLLBACK"},
           Item{sql_->set_stamp, "UPDATE meta SET value = ? WHERE key = 'stamp'"},
           Item{sql_->new_run,
                "INSERT INTO runs (n, id, request, project, trigger, revision, author, created_at_us, head_sum, state, "
                "reason, cancel, timed_out, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', 0, 0, 0)"},
           Item{sql_->change_run,
                "UPDATE runs SET state = ?2, outcome = ?3, reason = ?4, cancel = ?5, timed_out = ?6, "
                "started_at_us = ?7, finished_at_us = ?8, sum = ?9 WHERE n = ?1"},
           Item{sql_->put_plan, "INSERT OR REPLACE INTO plans VALUES (?, ?, ?)"},
           Item{sql_->put_task,
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
           Item{sql_->change_task,
                "UPDATE tasks SET state = ?3, outcome = ?4, attempt = ?5, agent = ?6, journal = ?7, exit_code = ?8, "
                "signal = ?9, reason = ?10, stop_wanted = ?11, queued_at_us = ?12, started_at_us = ?13, "
                "finished_at_us = ?14, log_bytes = ?15, tries = ?16, retry_at_us = ?17, ignored = ?18, losses = ?19, "
                "sum = ?20 WHERE run = ?1 AND task = ?2"},
           Item{sql_->transition, "INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
           Item{sql_->number_of, "SELECT n FROM runs WHERE id = ?"},
           Item{sql_->request, "SELECT id FROM runs WHERE request = ?"},
           Item{sql_->put_artifact, "INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
           Item{sql_->put_image, "INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?)"},
           Item{sql_->hold_lanes, "INSERT OR REPLACE INTO lanes_held VALUES (?, ?, ?, ?, ?, ?, ?)"},
           Item{sql_->free_lanes, "DELETE FROM lanes_held WHERE run = ? AND task = ? AND attempt = ?"},
           Item{sql_->seen, "INSERT OR REPLACE INTO agents VALUES (?, ?, ?, ?, ?)"},
           Item{sql_->put_file, "INSERT OR REPLACE INTO files VALUES (?, ?)"},
           Item{sql_->put_revision, "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
           Item{sql_->put_change, "INSERT INTO changes VALUES (?, ?, ?)"},
           Item{sql_->drop_projects, "DELETE FROM projects WHERE file = ?"},
           Item{sql_->put_project, "INSERT INTO projects VALUES (?, ?)"},
           Item{sql_->put_schedule, "INSERT OR REPLACE INTO schedules VALUES (?, ?, ?, ?, ?, ?)"},
           Item{sql_->drop_schedule, "DELETE FROM schedules WHERE project = ?"},
           Item{sql_->put_tick, "INSERT INTO ticks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
           Item{sql_->put_pause, "INSERT OR REPLACE INTO pauses VALUES (?, ?, ?, ?, ?)"},
           Item{sql_->put_drained, "INSERT OR REPLACE INTO drained VALUES (?, ?, ?, ?)"},
           Item{sql_->drop_drained, "DELETE FROM drained WHERE address = ?"},
           Item{sql_->drop_pause, "DELETE FROM pauses WHERE project = ?"},
           Item{sql_->put_trigger, "INSERT OR REPLACE INTO triggers VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
           Item{sql_->drop_trigger, "DELETE FROM triggers WHERE project = ?"},
       }) {
    CROMT_ASSIGN(item.statement, db_.Prepare(item.sql));
  }
  CROMT_ASSIGN(remover_, Remover::Prepare(db_));
  return {};
}

Result<StoredState> SqliteStore::Load() {
  auto state = CheckedLoad(true);
  if (!state) return tl::unexpected<Error>(Advise(path_, std::move(state).error()));
  // Before the first epoch: a store that has one and no mark is taken for a part of one.
  if (stamp_.epoch == 0) CROMT_TRY(OpenMark());
  stamp_.epoch = state->epoch += epoch_step_;
  CROMT_TRY(WriteStamp());
  CROMT_TRY(OpenMark());
  return state;
}

Result<StoredState> SqliteStore::LoadToRecover() {
  auto state = CheckedLoad(false);
  if (!state) return tl::unexpected<Error>(Advise(path_, std::move(state).error()));
  return state;
}

Status SqliteStore::OpenMark() {
  db_.CheckpointOnClose(true);
  CROMT_ASSIGN(mark_, CommitMark::Open(path_, files_));
  CROMT_TRY(mark_->Write(stamp_));
  return durability_ == Durability::kHost ? mark_->Sync() : Status();
}

Result<StoredState> SqliteStore::CheckedLoad(bool last_commit) {
  // First whether it is the last commit at all: that says more than a row that does not fit.
  CROMT_ASSIGN(stamp_, ReadStamp(db_, kSchemaVersion));
  if (last_commit) {
    CROMT_ASSIGN(auto mark, CommitMark::Read(path_, files_));
    CROMT_TRY(CheckMark(path_, stamp_, mark));
  }
  CROMT_TRY(CheckLength(db_, path_, files_));
  CROMT_ASSIGN(LoadedStore loaded, LoadStore(db_));
  sums_ = std::move(loaded.sums);
  last_run_ = loaded.last_run;
  last_transition_ = loaded.last_transition;
  last_tick_ = loaded.last_tick;
  return std::move(loaded.state);
}

Result<RunId> SqliteStore::FindRequest(const RequestId& request) {
  sql_->request.Bind(1, request.text());
  auto found = sql_->request.Step();
  RunId run = found && *found ? RunId(std::string(sql_->request.Text(0))) : RunId();
  sql_->request.Reset();
  if (!found) return tl::unexpected<Error>(std::move(found).error());
  return run.empty() ? remover_->FindRequest(request) : run;
}

int64_t SqliteStore::NowMicros() const {
  return Micros((clock_ ? clock_->Read() : SystemClock().Read()).wall);
}

// ---- Writing ----------------------------------------------------------------------------------

Result<uint64_t> SqliteStore::Commit(std::span<const Record> records) {
  if (records.empty()) return stamp_.commit;
  if (broken_) return Fail(ErrorCode::kInternal, "a commit has failed before; the process must end");
  now_us_ = NowMicros();
  broken_ = true;  // until it has succeeded
  Status done = CommitOnce(records);
  if (MakeRoom(done)) {
    CROMT_TRY(CheckedLoad(false));  // what the attempt has changed in memory is as it was
    done = CommitOnce(records);
  }
  CROMT_TRY(done);
  Status marked = mark_->Write(stamp_);
  if (MakeRoom(marked)) marked = mark_->Write(stamp_);
  CROMT_TRY(marked);
  broken_ = false;
  return stamp_.commit;
}

Status SqliteStore::CommitOnce(std::span<const Record> records) {
  CROMT_TRY(sql_->begin.Run());
  return Finish(WriteAll(records));
}

// True if it failed for want of room, and now there is some.
bool SqliteStore::MakeRoom(const Status& failed) {
  return !failed && failed.error().code == ErrorCode::kExhausted && reserve_ && reserve_->Free();
}

Status SqliteStore::KeepReserve(size_t commit_bytes) {
  const auto pieces = static_cast<int64_t>(commit_bytes) / kReserveBytes;
  return reserve_ ? reserve_->Keep((1 + pieces) * kReserveBytes) : Status();
}

// Of what was written in a transaction: undone if it failed, with its own error.
Status SqliteStore::Finish(const Status& written) {
  if (!written) (void)sql_->rollback.Run();
  return written;
}

Status SqliteStore::WentBack() {
  stamp_.went_back = true;
  ++stamp_.commit;  // another state needs another number
  CROMT_TRY(WriteStamp());
  return mark_->Write(stamp_);
}

Status SqliteStore::Recover(uint64_t epoch, uint64_t commit, std::span<const Record> records,
                            std::span<const KeptAttempt> kept) {
  stamp_.epoch = epoch;
  stamp_.commit = commit;
  stamp_.went_back = false;
  now_us_ = NowMicros();
  CROMT_TRY(sql_->begin.Run());
  Status written = WriteKept(kept);
  if (written) written = WriteAll(records);
  CROMT_TRY(Finish(written));
  return OpenMark();
}

Status SqliteStore::WriteKept(std::span<const KeptAttempt> kept) {
  CROMT_TRY(db_.Execute("DELETE FROM kept"));
  CROMT_ASSIGN(auto put, db_.Prepare("INSERT INTO kept VALUES (?, ?, ?, ?)"));
  uint64_t total = 0;
  for (const KeptAttempt& one : kept) {
    SummedRow row(put, RowKind::kKept);
    row.Put(one.agent.text()).Put(one.id.run.text()).Put(int64_t{one.id.task}).Put(int64_t{one.id.attempt});
    CROMT_ASSIGN(const uint32_t sum, row.RunUnsummed());
    total += Part(sum);
  }
  sums_.KeptReplaced(total);
  return {};
}

Status SqliteStore::WriteAll(std::span<const Record> records) {
  const std::vector<bool> newest = NewestOfTasks(records);
  for (size_t i = 0; i < records.size(); ++i) {
    CROMT_TRY(Write(records[i]));
    if (newest[i]) CROMT_TRY(WriteTask(std::get<TaskChanged>(records[i])));
  }
  ++stamp_.commit;
  CROMT_TRY(WriteStamp());
  return sql_->commit.Run();
}

Status SqliteStore::WriteStamp() {
  stamp_.totals = sums_.totals();
  return sql_->set_stamp.Bind(1, stamp_.Text()).Run();
}

Status SqliteStore::Write(const Record& record) {
  return std::visit([this](const auto& r) { return Write(r); }, record);
}

Result<int64_t> SqliteStore::NumberOf(const RunId& run) {
  if (const auto* known = sums_.Find(run)) return known->n;
  sql_->number_of.Bind(1, run.text());
  auto found = sql_->number_of.Step();
  int64_t n = found && *found ? sql_->number_of.Int(0) : -1;
  sql_->number_of.Reset();
  if (!found) return tl::unexpected<Error>(std::move(found).error());
  if (n < 0) return Fail(ErrorCode::kInternal, "a record names run " + run.text() + ", which is not in the store");
  return n;
}

Status SqliteStore::Write(const RunCreated& record) {
  const RunHeader& h = record.header;
  const int64_t n = ++last_run_;
  SummedRow head(sql_->new_run, RowKind::kRunHead);
  head.Put(n).Put(h.id.text()).Put(h.request.text()).Put(h.project).Put(ToString(h.trigger));
  head.Put(static_cast<int64_t>(h.revision)).Put(h.author).Put(Micros(h.created_at));
  CROMT_ASSIGN(const uint32_t sum, head.Run());
  sums_.Added(sums_.Add(h.id, n), sum);
  CROMT_TRY(WriteRun(h.id, n, {}));
  CROMT_TRY(WritePlan(h.id, n, *record.plan));
  for (TaskIndex task = 0; task < record.plan->tasks.size(); ++task)
    CROMT_TRY(WriteTask(sql_->put_task, h.id, n, task, {}));
  return {};
}

Status SqliteStore::WriteRun(const RunId& run, int64_t n, const RunStatus& s) {
  SummedRow row(sql_->change_run, RowKind::kRunStatus);
  row.Put(n).Put(ToString(s.state)).Put(WordOf(s.outcome)).Put(s.reason).Put(static_cast<int64_t>(s.cancel));
  row.Put(int64_t{s.timed_out}).Put(Us(s.started_at)).Put(Us(s.finished_at));
  CROMT_ASSIGN(const uint32_t sum, row.Run());
  if (auto* sums = sums_.Find(run)) sums_.Replaced(*sums, sums->status, sum);
  return {};
}

Status SqliteStore::WritePlan(const RunId& run, int64_t n, const Plan& plan) {
  CROMT_ASSIGN(std::string bytes, PlanBytes(plan));
  CROMT_ASSIGN(const uint32_t sum, SummedRow(sql_->put_plan, RowKind::kPlan).Put(n).PutBlob(bytes).Run());
  if (auto* sums = sums_.Find(run)) sums_.Replaced(*sums, sums->plan, sum);
  return {};
}

Status SqliteStore::WriteTask(sqlite::Statement& statement, const RunId& run, int64_t n, TaskIndex task,
                              const TaskStatus& s) {
  const auto* exited = s.exit ? std::get_if<Exited>(&*s.exit) : nullptr;
  const auto* signaled = s.exit ? std::get_if<Signaled>(&*s.exit) : nullptr;
  SummedRow row(statement, RowKind::kTask);
  row.Put(n).Put(int64_t{task}).Put(ToString(s.state)).Put(WordOf(s.outcome)).Put(int64_t{s.attempt});
  row.Put(s.agent.text()).Put(s.journal.text());
  row.Put(exited ? std::optional<int64_t>(exited->code) : std::nullopt);
  row.Put(signaled ? std::optional<int64_t>(signaled->signal) : std::nullopt);
  row.Put(s.reason).Put(int64_t{s.stop_wanted});
  row.Put(Us(s.queued_at)).Put(Us(s.started_at)).Put(Us(s.finished_at));
  row.Put(s.log_bytes).Put(int64_t{s.tries}).Put(Us(s.retry_at)).Put(int64_t{s.ignored}).Put(int64_t{s.losses});
  CROMT_ASSIGN(const uint32_t sum, row.Run());
  if (auto* sums = sums_.Find(run)) sums_.TaskReplaced(*sums, task, sum);
  return {};
}

Status SqliteStore::WriteTransition(const RunId& run, int64_t n, int64_t task, int64_t attempt, std::string_view state,
                                    std::optional<std::string_view> outcome, std::string_view reason,
                                    std::string_view agent) {
  SummedRow row(sql_->transition, RowKind::kTransition);
  row.Put(++last_transition_).Put(n).Put(task).Put(attempt).Put(state).Put(outcome).Put(reason);
  CROMT_ASSIGN(const uint32_t sum, row.Put(now_us_).Put(agent).Run());
  if (auto* sums = sums_.Find(run)) sums_.Added(*sums, sum);
  return {};
}

Status SqliteStore::Write(const RunPlanned& record) {
  CROMT_ASSIGN(int64_t n, NumberOf(record.run));
  return WritePlan(record.run, n, *record.plan);
}

Status SqliteStore::Write(const RunChanged& record) {
  const RunStatus& s = record.status;
  CROMT_ASSIGN(int64_t n, NumberOf(record.run));
  CROMT_TRY(WriteRun(record.run, n, s));
  CROMT_TRY(WriteTransition(record.run, n, -1, 0, ToString(s.state), WordOf(s.outcome), s.reason, ""));
  if (s.state == RunState::kFinished) sums_.Finish(record.run);
  return {};
}

Status SqliteStore::WriteTask(const TaskChanged& record) {
  CROMT_ASSIGN(int64_t n, NumberOf(record.run));
  return WriteTask(sql_->change_task, record.run, n, record.task, record.status);
}

// Without the task's row: see WriteAll.
Status SqliteStore::Write(const TaskChanged& record) {
  const TaskStatus& s = record.status;
  CROMT_ASSIGN(int64_t n, NumberOf(record.run));
  return WriteTransition(record.run, n, record.task, s.attempt, ToString(s.state), WordOf(s.outcome), s.reason,
                         s.state == TaskState::kLeased ? std::string_view(s.agent.text()) : "");
}

Status SqliteStore::Write(const ArtifactsPublished& record) {
  CROMT_ASSIGN(int64_t n, NumberOf(record.run));
  auto* sums = sums_.Find(record.run);
  for (const PublishedArtifact& artifact : record.artifacts) {
    SummedRow row(sql_->put_artifact, RowKind::kArtifact);
    row.Put(n).Put(int64_t{record.task}).Put(artifact.name).Put(int64_t{record.attempt}).Put(record.agent.text());
    row.Put(artifact.digest.sha256).Put(artifact.digest.size_bytes).Put(int64_t{artifact.archive}).Put(artifact.grant);
    CROMT_ASSIGN(const uint32_t sum, row.Run());
    if (sums) sums_.Replaced(*sums, sums->artifacts[{record.task, artifact.name}], sum);
  }
  return {};
}

Status SqliteStore::Write(const ImageRan& record) {
  CROMT_ASSIGN(int64_t n, NumberOf(record.run));
  SummedRow row(sql_->put_image, RowKind::kImage);
  CROMT_ASSIGN(const uint32_t sum,
               row.Put(n).Put(int64_t{record.task}).Put(int64_t{record.attempt}).Put(record.digest).Run());
  if (auto* sums = sums_.Find(record.run)) sums_.Replaced(*sums, sums->images[{record.task, record.attempt}], sum);
  return {};
}

Status SqliteStore::Write(const LaneHeld& record) {
  SummedRow row(sql_->hold_lanes, RowKind::kLane);
  row.Put(record.id.run.text()).Put(int64_t{record.id.task}).Put(int64_t{record.id.attempt}).Put(record.agent.text());
  CROMT_ASSIGN(const uint32_t sum, row.Put(record.host).Put(record.project).Put(LinesText(record.lanes)).RunUnsummed());
  sums_.LaneHeld(record.id, sum);
  return {};
}

Status SqliteStore::Write(const LaneFreed& record) {
  sums_.LaneFreed(record.id);
  return sql_->free_lanes.Bind(1, record.id.run.text())
      .Bind(2, int64_t{record.id.task})
      .Bind(3, int64_t{record.id.attempt})
      .Run();
}

Status SqliteStore::Write(const AgentSeen& record) {
  SummedRow row(sql_->seen, RowKind::kAgent);
  row.Put(record.agent.text()).Put(record.journal.text()).Put(record.address);
  row.Put(static_cast<int64_t>(record.applied_sequence)).Put(LabelsText(record.labels));
  CROMT_ASSIGN(const uint32_t sum, row.RunUnsummed());
  sums_.Agent(record.agent, sum);
  return {};
}

Status SqliteStore::Write(const FileApplied& record) {
  const auto revision = static_cast<int64_t>(record.revision);
  const uint32_t text_sum = RowSum(RowKind::kText).Add(record.text).Finish();
  SummedRow row(sql_->put_revision, RowKind::kRevision);
  row.Put(revision).Put(record.file).Put(record.path).Put(record.author).Put(record.request.text());
  sql_->put_revision.Bind(9, record.text);
  CROMT_ASSIGN(const uint32_t sum, row.Put(Micros(record.at)).Put(int64_t{text_sum}).Run());
  sums_.FileAdded(sum);
  const auto& [added, changed, gone, removed] = record.changes;
  for (const auto& [what, projects] :
       {std::pair("added", &added), {"changed", &changed}, {"gone", &gone}, {"removed", &removed}}) {
    for (const std::string& project : *projects) {
      CROMT_ASSIGN(const uint32_t change,
                   SummedRow(sql_->put_change, RowKind::kChange).Put(project).Put(revision).Put(what).RunUnsummed());
      sums_.FileAdded(change);
    }
  }
  return WriteOwned(record);
}

Status SqliteStore::WriteOwned(const FileApplied& record) {
  SummedRow file(sql_->put_file, RowKind::kFile);
  CROMT_ASSIGN(const uint32_t sum, file.Put(record.file).Put(static_cast<int64_t>(record.revision)).RunUnsummed());
  uint64_t total = Part(sum);
  CROMT_TRY(sql_->drop_projects.Bind(1, record.file).Run());
  for (const std::string& project : record.projects) {
    CROMT_ASSIGN(const uint32_t owned,
                 SummedRow(sql_->put_project, RowKind::kProject).Put(project).Put(record.file).RunUnsummed());
    total += Part(owned);
  }
  sums_.FileReplaced(record.file, total);
  return {};
}

Status SqliteStore::Write(const AgentDrained& record) {
  SummedRow row(sql_->put_drained, RowKind::kDrained);
  CROMT_ASSIGN(const uint32_t sum,
               row.Put(record.address).Put(record.why).Put(record.author).Put(Micros(record.since)).RunUnsummed());
  sums_.Drained(record.address, sum);
  return {};
}

Status SqliteStore::Write(const AgentResumed& record) {
  sums_.Resumed(record.address);
  return sql_->drop_drained.Bind(1, record.address).Run();
}

Status SqliteStore::Write(const ScheduleSet& record) {
  SummedRow row(sql_->put_schedule, RowKind::kSchedule);
  row.Put(record.project).Put(static_cast<int64_t>(record.revision)).Put(record.ticks).Put(Micros(record.handled));
  CROMT_ASSIGN(const uint32_t sum, row.Put(record.boot).Put(Us(record.waiting)).RunUnsummed());
  sums_.Schedule(record.project, sum);
  return {};
}

Status SqliteStore::Write(const ScheduleDropped& record) {
  sums_.ScheduleDropped(record.project);
  return sql_->drop_schedule.Bind(1, record.project).Run();
}

Status SqliteStore::Write(const TickSettled& record) {
  SummedRow row(sql_->put_tick, RowKind::kTick);
  row.Put(++last_tick_).Put(record.project).Put(static_cast<int64_t>(record.revision)).Put(Micros(record.first));
  row.Put(Micros(record.last)).Put(static_cast<int64_t>(record.count)).Put(ToString(record.outcome));
  CROMT_TRY(row.Put(record.run.text()).Put(record.why).Put(Micros(record.at)).Run());
  return {};
}

Status SqliteStore::Write(const Paused& record) {
  SummedRow row(sql_->put_pause, RowKind::kPause);
  row.Put(record.project).Put(record.why).Put(record.author).Put(Micros(record.since)).Put(Us(record.until));
  CROMT_ASSIGN(const uint32_t sum, row.RunUnsummed());
  sums_.Pause(record.project, sum);
  return {};
}

Status SqliteStore::Write(const Unpaused& record) {
  sums_.PauseDropped(record.project);
  return sql_->drop_pause.Bind(1, record.project).Run();
}

Status SqliteStore::Write(const TriggerSet& record) {
  SummedRow row(sql_->put_trigger, RowKind::kTrigger);
  row.Put(record.project).Put(record.repository).Put(record.ref).Put(record.seen).Put(record.waiting);
  row.Put(ToString(record.trigger)).Put(Micros(record.since)).Put(int64_t{record.hooked});
  CROMT_ASSIGN(const uint32_t sum, row.RunUnsummed());
  sums_.Trigger(record.project, sum);
  return {};
}

Status SqliteStore::Write(const TriggerDropped& record) {
  sums_.TriggerDropped(record.project);
  return sql_->drop_trigger.Bind(1, record.project).Run();
}

}  // namespace cromt
