#include "coordinator/store/sqlite_store.h"

#include <fmt/format.h>

#include <map>

#include "base/time.h"
#include "coordinator/store/rows.h"
#include "coordinator/store/schema.h"
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

std::string LabelsText(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [name, value] : labels) text += name + '=' + value + '\n';
  return text;
}

// Names hold no '=' and values no line end.
std::map<std::string, std::string> LabelsFrom(std::string_view text) {
  std::map<std::string, std::string> labels;
  for (size_t end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    const std::string_view line = text.substr(0, end);
    const size_t equals = line.find('=');
    if (equals != line.npos) labels.emplace(line.substr(0, equals), line.substr(equals + 1));
    text.remove_prefix(end + 1);
  }
  return labels;
}

}  // namespace

struct SqliteStore::Statements {
  sqlite::Statement begin, commit, rollback, set_meta;
  sqlite::Statement new_run, change_run, put_plan, put_task, change_task, transition;
  sqlite::Statement number_of, request, seen, put_artifact;
  sqlite::Statement put_file, put_revision, put_change, drop_projects, put_project;
};

SqliteStore::SqliteStore() = default;
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path, Random& random, Durability durability) {
  std::unique_ptr<SqliteStore> store(new SqliteStore());
  CROMT_ASSIGN(store->db_, sqlite::Database::Open(path, sqlite::Database::Mode::kReadWrite));
  CROMT_TRY(store->Prepare(path, random, durability));
  return store;
}

Status SqliteStore::CheckFile(const std::string& path, Random& random) {
  CROMT_ASSIGN(auto tables, db_.Prepare("SELECT count(*), sum(name = 'meta') FROM sqlite_master WHERE type = 'table'"));
  CROMT_TRY(tables.Step());
  if (tables.Int(0) == 0) {
    CROMT_TRY(db_.Execute("BEGIN IMMEDIATE"));
    CROMT_TRY(db_.Execute(kSchema));
    CROMT_ASSIGN(auto put, db_.Prepare("INSERT INTO meta VALUES (?, ?)"));
    CROMT_TRY(put.Bind(1, "schema").Bind(2, int64_t{kSchemaVersion}).Run());
    CROMT_TRY(put.Bind(1, "mesh").Bind(2, RandomName(random)).Run());
    CROMT_TRY(put.Bind(1, "epoch").Bind(2, int64_t{0}).Run());
    CROMT_TRY(put.Bind(1, "commit").Bind(2, int64_t{0}).Run());
    return db_.Execute("COMMIT");
  }
  if (tables.Int(1) == 0) return Fail(ErrorCode::kConflict, path + " is a database of something else than cromt");
  CROMT_ASSIGN(auto version, db_.Prepare("SELECT value FROM meta WHERE key = 'schema'"));
  CROMT_ASSIGN(bool there, version.Step());
  if (!there) return Fail(ErrorCode::kCorrupt, path + " does not say its schema version");
  if (version.Int(0) < kSchemaVersion)
    return Fail(ErrorCode::kConflict,
                fmt::format("{} has schema version {} of a cromt before its first release, this program knows {}: move "
                            "the file away, a new one is made",
                            path, version.Int(0), kSchemaVersion));
  if (version.Int(0) != kSchemaVersion)
    return Fail(ErrorCode::kConflict,
                fmt::format("{} has schema version {}, this program knows {}: start the newer version of cromt", path,
                            version.Int(0), kSchemaVersion));
  return {};
}

Status SqliteStore::Prepare(const std::string& path, Random& random, Durability durability) {
  const bool sync = durability == Durability::kHost;  // first: the change to WAL is a write, too
  CROMT_TRY(db_.Execute(sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF"));
  CROMT_TRY(db_.Execute("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY"));
  CROMT_TRY(CheckFile(path, random));
  sql_ = std::make_unique<Statements>();
  struct Item {
    sqlite::Statement& statement;
    std::string_view sql;
  };
  for (const Item& item : {
           Item{sql_->begin, "BEGIN IMMEDIATE"},
           Item{sql_->commit, "COMMIT"},
           Item{sql_->rollback, "ROLLBACK"},
           Item{sql_->set_meta, "UPDATE meta SET value = ?2 WHERE key = ?1"},
           Item{sql_->new_run,
                "INSERT INTO runs (id, request, project, trigger, revision, author, created_at_us, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'queued')"},
           Item{sql_->change_run,
                "UPDATE runs SET state = ?2, outcome = ?3, reason = ?4, cancel = ?5, "
                "started_at_us = ?6, finished_at_us = ?7 WHERE n = ?1"},
           Item{sql_->put_plan, "INSERT OR REPLACE INTO plans VALUES (?, ?)"},
           Item{sql_->put_task,
                "INSERT INTO tasks VALUES (?1, ?2, 'waiting', NULL, 0, '', '', NULL, NULL, '', 0, NULL, NULL, NULL, 0, "
                "0, NULL, 0)"},
           Item{sql_->change_task,
                "UPDATE tasks SET state = ?3, outcome = ?4, attempt = ?5, agent = ?6, journal = ?7, exit_code = ?8, "
                "signal = ?9, "
                "reason = ?10, stop_wanted = ?11, queued_at_us = ?12, started_at_us = ?13, finished_at_us = ?14, "
                "log_bytes = ?15, tries = ?16, retry_at_us = ?17, ignored = ?18 "
                "WHERE run = ?1 AND task = ?2"},
           Item{sql_->transition,
                "INSERT INTO transitions (run, task, attempt, state, outcome, reason, at_us, agent) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"},
           Item{sql_->number_of, "SELECT n FROM runs WHERE id = ?"},
           Item{sql_->request, "SELECT id FROM runs WHERE request = ?"},
           Item{sql_->put_artifact, "INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
           Item{sql_->seen, "INSERT OR REPLACE INTO agents VALUES (?, ?, ?, ?, ?)"},
           Item{sql_->put_file, "INSERT OR REPLACE INTO files VALUES (?, ?)"},
           Item{sql_->put_revision, "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)"},
           Item{sql_->put_change, "INSERT INTO changes VALUES (?, ?, ?)"},
           Item{sql_->drop_projects, "DELETE FROM projects WHERE file = ?"},
           Item{sql_->put_project, "INSERT INTO projects VALUES (?, ?)"},
       }) {
    CROMT_ASSIGN(item.statement, db_.Prepare(item.sql));
  }
  return {};
}

// ---- Reading at start -------------------------------------------------------------------------

Result<StoredState> SqliteStore::Load() {
  CROMT_TRY(db_.Execute("UPDATE meta SET value = value + 1 WHERE key = 'epoch'"));
  StoredState state;
  CROMT_ASSIGN(auto meta, db_.Prepare("SELECT key, value FROM meta"));
  for (;;) {
    CROMT_ASSIGN(bool row, meta.Step());
    if (!row) break;
    if (meta.Text(0) == "mesh") state.mesh = MeshId(std::string(meta.Text(1)));
    if (meta.Text(0) == "epoch") state.epoch = static_cast<uint64_t>(meta.Int(1));
    if (meta.Text(0) == "commit") state.commit = commit_ = static_cast<uint64_t>(meta.Int(1));
  }
  CROMT_ASSIGN(state.runs, LoadRuns());
  CROMT_ASSIGN(auto agents, db_.Prepare("SELECT agent, journal, address, applied_sequence, labels FROM agents"));
  for (;;) {
    CROMT_ASSIGN(bool row, agents.Step());
    if (!row) break;
    state.agents.push_back({AgentId(std::string(agents.Text(0))), JournalId(std::string(agents.Text(1))),
                            std::string(agents.Text(2)), static_cast<uint64_t>(agents.Int(3)),
                            LabelsFrom(agents.Text(4))});
  }
  CROMT_ASSIGN(state.files, LoadFiles());
  CROMT_ASSIGN(state.applies, LoadApplies());
  CROMT_ASSIGN(auto revision, db_.Prepare("SELECT coalesce(max(revision), 0) FROM revisions"));
  CROMT_TRY(revision.Step());
  state.revision = static_cast<uint64_t>(revision.Int(0));
  return state;
}

Result<std::vector<StoredFile>> SqliteStore::LoadFiles() {
  // Which revision each project is planned from: the newest of its file, or the last one before it left.
  std::map<uint64_t, std::vector<std::string>> projects;
  CROMT_ASSIGN(auto files, db_.Prepare("SELECT revision FROM files"));
  for (;;) {
    CROMT_ASSIGN(bool row, files.Step());
    if (!row) break;
    projects[static_cast<uint64_t>(files.Int(0))];
  }
  CROMT_ASSIGN(
      auto owned,
      db_.Prepare(
          "SELECT p.name, CASE (SELECT what FROM changes WHERE project = p.name ORDER BY revision DESC LIMIT 1) "
          "WHEN 'gone' THEN (SELECT max(revision) FROM revisions WHERE file = p.file AND revision < "
          "(SELECT max(revision) FROM changes WHERE project = p.name)) ELSE f.revision END "
          "FROM projects p JOIN files f ON f.file = p.file ORDER BY p.name"));
  for (;;) {
    CROMT_ASSIGN(bool row, owned.Step());
    if (!row) break;
    projects[static_cast<uint64_t>(owned.Int(1))].emplace_back(owned.Text(0));
  }
  std::vector<StoredFile> stored;
  CROMT_ASSIGN(auto revision, db_.Prepare("SELECT file, path, text FROM revisions WHERE revision = ?"));
  for (auto& [number, names] : projects) {
    CROMT_ASSIGN(bool found, revision.Bind(1, static_cast<int64_t>(number)).Step());
    if (!found) return Fail(ErrorCode::kCorrupt, fmt::format("revision {} is in use and not in the store", number));
    stored.push_back({std::string(revision.Text(0)), std::string(revision.Text(1)), number,
                      std::string(revision.Text(2)), std::move(names)});
    revision.Reset();
  }
  return stored;
}

Result<std::vector<StoredApply>> SqliteStore::LoadApplies() {
  CROMT_ASSIGN(auto query, db_.Prepare("SELECT request, file, revision FROM revisions ORDER BY revision DESC LIMIT ?"));
  query.Bind(1, static_cast<int64_t>(kRememberedApplies));
  std::vector<StoredApply> applies;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) break;
    applies.push_back(
        {RequestId(std::string(query.Text(0))), std::string(query.Text(1)), static_cast<uint64_t>(query.Int(2))});
  }
  return applies;
}

Result<std::vector<StoredRun>> SqliteStore::LoadRuns() {
  std::vector<StoredRun> runs;
  CROMT_ASSIGN(auto rows,
               db_.Prepare(fmt::format("SELECT {} FROM runs WHERE state <> 'finished' ORDER BY n", kRunColumns)));
  CROMT_ASSIGN(auto tasks, db_.Prepare(fmt::format("SELECT {} FROM tasks WHERE run = ? ORDER BY task", kTaskColumns)));
  for (;;) {
    CROMT_ASSIGN(bool found, rows.Step());
    if (!found) break;
    CROMT_ASSIGN(RunRow row, ReadRun(rows));
    StoredRun run{std::move(row.header), std::move(row.status), nullptr, {}, {}};
    CROMT_ASSIGN(run.plan, ReadPlan(db_, row.n));
    CROMT_ASSIGN(run.artifacts, ReadArtifacts(db_, row.n, run.header.id));
    tasks.Bind(1, row.n);
    for (;;) {
      CROMT_ASSIGN(bool task, tasks.Step());
      if (!task) break;
      CROMT_ASSIGN(auto read, ReadTask(tasks));
      run.tasks.push_back(std::move(read.second));
    }
    tasks.Reset();
    if (run.tasks.size() != run.plan->tasks.size())
      return Fail(ErrorCode::kCorrupt, fmt::format("run {} has {} tasks in its plan and {} rows", run.header.id.text(),
                                                   run.plan->tasks.size(), run.tasks.size()));
    numbers_.emplace(run.header.id, row.n);
    runs.push_back(std::move(run));
  }
  return runs;
}

Result<RunId> SqliteStore::FindRequest(const RequestId& request) {
  sql_->request.Bind(1, request.text());
  auto found = sql_->request.Step();
  RunId run = found && *found ? RunId(std::string(sql_->request.Text(0))) : RunId();
  sql_->request.Reset();
  if (!found) return tl::unexpected<Error>(std::move(found).error());
  return run;
}

// ---- Writing ----------------------------------------------------------------------------------

Result<uint64_t> SqliteStore::Commit(std::span<const Record> records) {
  if (records.empty()) return commit_;
  now_us_ = Micros(SystemClock().Read().wall);
  CROMT_TRY(sql_->begin.Run());
  Status written;
  for (size_t i = 0; i < records.size() && written; ++i) written = Write(records[i]);
  if (written) written = sql_->set_meta.Bind(1, "commit").Bind(2, static_cast<int64_t>(commit_ + 1)).Run();
  if (written) written = sql_->commit.Run();
  if (!written) {
    (void)sql_->rollback.Run();  // the error that matters is the first one
    return tl::unexpected<Error>(std::move(written).error());
  }
  return ++commit_;
}

Status SqliteStore::Write(const Record& record) {
  return std::visit([this](const auto& r) { return Write(r); }, record);
}

Result<int64_t> SqliteStore::NumberOf(const RunId& run) {
  if (auto known = numbers_.find(run); known != numbers_.end()) return known->second;
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
  CROMT_TRY(sql_->new_run.Bind(1, h.id.text())
                .Bind(2, h.request.text())
                .Bind(3, h.project)
                .Bind(4, ToString(h.trigger))
                .Bind(5, static_cast<int64_t>(h.revision))
                .Bind(6, h.author)
                .Bind(7, Micros(h.created_at))
                .Run());
  int64_t n = db_.last_insert_rowid();
  numbers_.emplace(h.id, n);
  CROMT_ASSIGN(std::string bytes, PlanBytes(*record.plan));
  CROMT_TRY(sql_->put_plan.Bind(1, n).BindBlob(2, bytes).Run());
  for (size_t task = 0; task < record.plan->tasks.size(); ++task)
    CROMT_TRY(sql_->put_task.Bind(1, n).Bind(2, static_cast<int64_t>(task)).Run());
  return {};
}

Status SqliteStore::Write(const RunPlanned& record) {
  CROMT_ASSIGN(int64_t n, NumberOf(record.run));
  CROMT_ASSIGN(std::string bytes, PlanBytes(*record.plan));
  return sql_->put_plan.Bind(1, n).BindBlob(2, bytes).Run();
}

Status SqliteStore::Write(const RunChanged& record) {
  const RunStatus& s = record.status;
  CROMT_ASSIGN(int64_t n, NumberOf(record.run));
  CROMT_TRY(sql_->change_run.Bind(1, n)
                .Bind(2, ToString(s.state))
                .BindOptional(3, WordOf(s.outcome))
                .Bind(4, s.reason)
                .Bind(5, static_cast<int64_t>(s.cancel))
                .BindOptional(6, Us(s.started_at))
                .BindOptional(7, Us(s.finished_at))
                .Run());
  CROMT_TRY(sql_->transition.Bind(1, n)
                .Bind(2, int64_t{-1})
                .Bind(3, int64_t{0})
                .Bind(4, ToString(s.state))
                .BindOptional(5, WordOf(s.outcome))
                .Bind(6, s.reason)
                .Bind(7, now_us_)
                .Bind(8, "")
                .Run());
  if (s.state == RunState::kFinished) numbers_.erase(record.run);
  return {};
}

Status SqliteStore::Write(const TaskChanged& record) {
  const TaskStatus& s = record.status;
  CROMT_ASSIGN(int64_t n, NumberOf(record.run));
  const auto* exited = s.exit ? std::get_if<Exited>(&*s.exit) : nullptr;
  const auto* signaled = s.exit ? std::get_if<Signaled>(&*s.exit) : nullptr;
  CROMT_TRY(sql_->change_task.Bind(1, n)
                .Bind(2, int64_t{record.task})
                .Bind(3, ToString(s.state))
                .BindOptional(4, WordOf(s.outcome))
                .Bind(5, int64_t{s.attempt})
                .Bind(6, s.agent.text())
                .Bind(7, s.journal.text())
                .BindOptional(8, exited ? std::optional<int64_t>(exited->code) : std::nullopt)
                .BindOptional(9, signaled ? std::optional<int64_t>(signaled->signal) : std::nullopt)
                .Bind(10, s.reason)
                .Bind(11, int64_t{s.stop_wanted})
                .BindOptional(12, Us(s.queued_at))
                .BindOptional(13, Us(s.started_at))
                .BindOptional(14, Us(s.finished_at))
                .Bind(15, s.log_bytes)
                .Bind(16, int64_t{s.tries})
                .BindOptional(17, Us(s.retry_at))
                .Bind(18, int64_t{s.ignored})
                .Run());
  return sql_->transition.Bind(1, n)
      .Bind(2, int64_t{record.task})
      .Bind(3, int64_t{s.attempt})
      .Bind(4, ToString(s.state))
      .BindOptional(5, WordOf(s.outcome))
      .Bind(6, s.reason)
      .Bind(7, now_us_)
      .Bind(8, s.state == TaskState::kLeased ? std::string_view(s.agent.text()) : "")
      .Run();
}

Status SqliteStore::Write(const ArtifactsPublished& record) {
  CROMT_ASSIGN(int64_t n, NumberOf(record.run));
  for (const PublishedArtifact& artifact : record.artifacts)
    CROMT_TRY(sql_->put_artifact.Bind(1, n)
                  .Bind(2, int64_t{record.task})
                  .Bind(3, artifact.name)
                  .Bind(4, int64_t{record.attempt})
                  .Bind(5, record.agent.text())
                  .Bind(6, artifact.digest.sha256)
                  .Bind(7, artifact.digest.size_bytes)
                  .Bind(8, int64_t{artifact.archive})
                  .Bind(9, artifact.ticket)
                  .Run());
  return {};
}

Status SqliteStore::Write(const AgentSeen& record) {
  return sql_->seen.Bind(1, record.agent.text())
      .Bind(2, record.journal.text())
      .Bind(3, record.address)
      .Bind(4, static_cast<int64_t>(record.applied_sequence))
      .Bind(5, LabelsText(record.labels))
      .Run();
}

Status SqliteStore::Write(const FileApplied& record) {
  int64_t revision = static_cast<int64_t>(record.revision);
  CROMT_TRY(sql_->put_file.Bind(1, record.file).Bind(2, revision).Run());
  CROMT_TRY(sql_->put_revision.Bind(1, revision)
                .Bind(2, record.file)
                .Bind(3, record.path)
                .Bind(4, record.author)
                .Bind(5, record.request.text())
                .Bind(6, Micros(record.at))
                .Bind(7, record.text)
                .Run());
  const auto& [added, changed, gone, removed] = record.changes;
  for (const auto& [what, projects] :
       {std::pair("added", &added), {"changed", &changed}, {"gone", &gone}, {"removed", &removed}})
    for (const std::string& project : *projects)
      CROMT_TRY(sql_->put_change.Bind(1, project).Bind(2, revision).Bind(3, what).Run());
  CROMT_TRY(sql_->drop_projects.Bind(1, record.file).Run());
  for (const std::string& project : record.projects)
    CROMT_TRY(sql_->put_project.Bind(1, project).Bind(2, record.file).Run());
  return {};
}

}  // namespace cromt
