#include "coordinator/store/reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "coordinator/store/row_sum.h"
#include "coordinator/store/rows.h"

namespace cromt {
namespace {

std::string CommitOf(const Plan& plan) {
  for (const TaskSpec& spec : plan.specs)
    if (!spec.source.commit.empty()) return spec.source.commit;
  return {};
}

// Of each spec of the plan; null where its tasks run on the host as they like.
std::vector<std::shared_ptr<const ConfinedView>> ConfinedOf(const Plan& plan) {
  std::vector<std::shared_ptr<const ConfinedView>> all;
  for (const TaskSpec& spec : plan.specs) {
    ConfinedView confined = ConfinedBy(spec);
    all.push_back(confined.any() ? std::make_shared<const ConfinedView>(std::move(confined)) : nullptr);
  }
  return all;
}

TaskView ViewOf(const Plan& plan, TaskIndex task, TaskStatus status) {
  const TaskSpec& spec = plan.spec(task);
  return {task,
          plan.tasks[task].instance,
          spec.name,
          spec.project,
          plan.host(task).id,
          std::move(status),
          plan.host(task).address};
}

bool IsContained(const TaskView& task) {
  return task.confined && task.confined->container;
}

// The rows (what, project) of one revision; resets the statement.
Status ReadChanges(sqlite::Statement& rows, ProjectChanges& changes) {
  for (;;) {
    CROMT_ASSIGN(bool row, rows.Step());
    if (!row) break;
    const std::string_view what = rows.Text(0);
    auto& list = what == "added"     ? changes.added
                 : what == "changed" ? changes.changed
                 : what == "gone"    ? changes.gone
                                     : changes.removed;
    list.emplace_back(rows.Text(1));
  }
  rows.Reset();
  return {};
}

// Of one that has begun: ends it. There is nothing to keep.
struct ReadTransaction {
  sqlite::Database& db;
  ~ReadTransaction() { (void)db.Execute("ROLLBACK"); }
};

}  // namespace

Result<StoreReader> StoreReader::Open(const std::string& path, const FileSystem& files) {
  StoreReader reader;
  CROMT_ASSIGN(reader.db_, sqlite::Database::Open(path, sqlite::Database::Mode::kReadOnly, files));
  return reader;
}

Result<RunId> StoreReader::Resolve(const std::string& run, const std::string& author) {
  if (run == "last") {
    CROMT_ASSIGN(auto query, db_.Prepare("SELECT id FROM runs WHERE author = ? ORDER BY n DESC LIMIT 1"));
    CROMT_ASSIGN(bool found, query.Bind(1, author).Step());
    if (!found) return Fail(ErrorCode::kNotFound, "you have started no run yet");
    return RunId(std::string(query.Text(0)));
  }
  CROMT_TRY(CheckName("run", run));
  CROMT_ASSIGN(auto query, db_.Prepare("SELECT id FROM runs WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 3"));
  std::string beyond = run;
  ++beyond.back();
  query.Bind(1, run).Bind(2, beyond);
  std::vector<std::string> ids;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) break;
    ids.emplace_back(query.Text(0));
    if (ids.back() == run) return RunId(run);
  }
  if (ids.empty()) return tl::unexpected<Error>(NoRun(RunId(run)));
  if (ids.size() > 1)
    return Fail(ErrorCode::kInvalid, fmt::format("'{}' begins several runs: {}, {}…", run, ids[0], ids[1]));
  return RunId(ids[0]);
}

Result<int64_t> StoreReader::NumberOf(const RunId& run) {
  CROMT_ASSIGN(auto query, db_.Prepare("SELECT n FROM runs WHERE id = ?"));
  CROMT_ASSIGN(bool found, query.Bind(1, run.text()).Step());
  if (!found) return tl::unexpected<Error>(NoRun(run));
  return query.Int(0);
}

// Why it can't be found: for a while it is known what was removed.
Error StoreReader::NoRun(const RunId& run) {
  auto query = db_.Prepare("SELECT why, at_us FROM removed WHERE id = ?");
  auto removed = query ? query->Bind(1, run.text()).Step() : tl::unexpected<Error>(query.error());
  if (!removed || !*removed)
    return {ErrorCode::kNotFound, fmt::format("there is no run {}; `cromt runs` lists them", run.text())};
  return {ErrorCode::kNotFound, fmt::format("run {} was removed on {}: {}", run.text(),
                                            FormatRfc3339(WallFromMicros(query->Int(1))), query->Text(0))};
}

Result<std::optional<OutputRemoved>> StoreReader::OutputGone(const RunId& run) {
  CROMT_ASSIGN(const int64_t n, NumberOf(run));
  CROMT_ASSIGN(auto query, db_.Prepare("SELECT bytes, why, at_us FROM output_removed WHERE run = ?"));
  CROMT_ASSIGN(const bool found, query.Bind(1, n).Step());
  if (!found) return std::nullopt;
  return OutputRemoved{run, query.Int(0), std::string(query.Text(1)), WallFromMicros(query.Int(2))};
}

Result<RunState> StoreReader::StateOf(const RunId& run) {
  CROMT_ASSIGN(int64_t n, NumberOf(run));
  CROMT_ASSIGN(RunView view, ReadHeader(n));
  return view.status.state;
}

Result<std::string> StoreReader::ProjectOf(const RunId& run) {
  CROMT_ASSIGN(int64_t n, NumberOf(run));
  CROMT_ASSIGN(RunView view, ReadHeader(n));
  return std::move(view.header.project);
}

Result<RunView> StoreReader::ReadHeader(int64_t n) {
  CROMT_ASSIGN(auto query, db_.Prepare(fmt::format("SELECT {} FROM runs WHERE n = ?", kRunColumns)));
  CROMT_TRY(query.Bind(1, n).Step());
  CROMT_ASSIGN(RunRow row, ReadRun(query));
  return RunView{std::move(row.header), std::move(row.status), {}, {}, {}};
}

Result<RunView> StoreReader::Run(const RunId& run) {
  CROMT_TRY(db_.Execute("BEGIN"));
  const ReadTransaction end{db_};
  CROMT_ASSIGN(int64_t n, NumberOf(run));
  CROMT_ASSIGN(RunView view, ReadHeader(n));
  CROMT_ASSIGN(auto plan, ReadPlan(db_, n));
  view.commit = CommitOf(*plan);
  const auto confined = ConfinedOf(*plan);
  for (const PlannedInstance& instance : plan->instances) view.instances.push_back({instance.project, instance.needs});
  CROMT_ASSIGN(auto tasks, db_.Prepare(fmt::format("SELECT {} FROM tasks WHERE run = ? ORDER BY task", kTaskColumns)));
  tasks.Bind(1, n);
  for (;;) {
    CROMT_ASSIGN(bool row, tasks.Step());
    if (!row) break;
    CROMT_ASSIGN(auto task, ReadTask(tasks));
    if (task.first >= plan->tasks.size())
      return Fail(ErrorCode::kCorrupt, "run " + run.text() + " has a task that is not in its plan");
    view.tasks.push_back(ViewOf(*plan, task.first, std::move(task.second)));
    view.tasks.back().confined = confined[plan->tasks[task.first].spec];
  }
  if (std::ranges::any_of(confined, [](const auto& one) { return one && one->container; }))
    CROMT_TRY(AddImages(n, view));
  return view;
}

Status StoreReader::AddImages(int64_t n, RunView& view) {
  CROMT_ASSIGN(auto images, ReadImages(db_, n, view.header.id));
  for (ImageRan& image : images)
    if (image.task < view.tasks.size() && view.tasks[image.task].status.attempt == image.attempt)
      view.tasks[image.task].image_digest = std::move(image.digest);
  return {};
}

Result<StoredRun> StoreReader::Stored(const RunId& run) {
  CROMT_ASSIGN(RunView view, Run(run));
  CROMT_ASSIGN(const int64_t n, NumberOf(run));
  StoredRun stored{std::move(view.header), std::move(view.status), nullptr, {}, {}, {}};
  CROMT_ASSIGN(stored.plan, ReadPlan(db_, n));
  CROMT_ASSIGN(stored.artifacts, ReadArtifacts(db_, n, run));
  CROMT_ASSIGN(stored.images, ReadImages(db_, n, run));
  for (TaskView& task : view.tasks) stored.tasks.push_back(std::move(task.status));
  if (stored.tasks.size() != stored.plan->tasks.size())
    return Fail(ErrorCode::kCorrupt, "run " + run.text() + " does not have the tasks of its plan");
  return stored;
}

Result<std::vector<TaskTransition>> StoreReader::History(const RunId& run, TaskIndex task) {
  constexpr int64_t kMost = 10'000;
  CROMT_ASSIGN(const int64_t n, NumberOf(run));
  CROMT_ASSIGN(auto query,
               db_.Prepare("SELECT attempt, state, reason, at_us FROM (SELECT * FROM transitions WHERE run = ? "
                           "AND task = ? ORDER BY seq DESC LIMIT ?) ORDER BY seq"));
  query.Bind(1, n).Bind(2, int64_t{task}).Bind(3, kMost);
  std::vector<TaskTransition> history;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) return history;
    const auto state = TaskStateFrom(query.Text(1));
    if (!state) return Fail(ErrorCode::kCorrupt, "run " + run.text() + " has a change to an unknown state");
    history.push_back(
        {static_cast<uint32_t>(query.Int(0)), *state, std::string(query.Text(2)), WallFromMicros(query.Int(3))});
  }
}

Result<std::vector<Duration>> StoreReader::TookBefore(const RunId& run, TaskIndex task) {
  constexpr int64_t kMostRuns = 20, kMost = 5;
  CROMT_ASSIGN(const int64_t n, NumberOf(run));
  CROMT_ASSIGN(auto query,
               db_.Prepare("SELECT tasks.finished_at_us - tasks.started_at_us FROM "
                           "(SELECT before.n, before.revision = this.revision AS same FROM runs AS this "
                           "JOIN runs AS before ON before.project = this.project AND before.n < this.n "
                           "WHERE this.n = ? ORDER BY before.n DESC LIMIT ?) AS newest "
                           "JOIN tasks ON tasks.run = newest.n AND tasks.task = ? "
                           "WHERE same AND tasks.outcome = 'succeeded' AND tasks.finished_at_us >= tasks.started_at_us "
                           "ORDER BY newest.n DESC LIMIT ?"));
  query.Bind(1, n).Bind(2, kMostRuns).Bind(3, int64_t{task}).Bind(4, kMost);
  std::vector<Duration> took;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) return took;
    took.push_back(Duration(query.Int(0)));
  }
}

Result<std::vector<RunView>> StoreReader::Runs(const std::string& project, uint32_t limit) {
  std::string where = project.empty() ? "" : "WHERE project = ?2";
  CROMT_ASSIGN(auto query,
               db_.Prepare(fmt::format("SELECT {} FROM runs {} ORDER BY n DESC LIMIT ?1", kRunColumns, where)));
  query.Bind(1, int64_t{limit});
  if (!project.empty()) query.Bind(2, project);
  std::vector<RunView> runs;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) break;
    CROMT_ASSIGN(RunRow run, ReadRun(query));
    runs.push_back({std::move(run.header), std::move(run.status), {}, {}, {}});
  }
  return runs;
}

Result<std::vector<ProjectView>> StoreReader::Projects(Wall now) {
  CROMT_ASSIGN(
      auto query,
      db_.Prepare("SELECT p.name, p.file, f.revision, coalesce((SELECT id FROM runs r WHERE r.project = p.name "
                  "ORDER BY n DESC LIMIT 1), ''), z.author, z.why, z.until_us, z.project = '' "
                  "FROM projects p JOIN files f ON f.file = p.file LEFT JOIN pauses z ON z.project = ("
                  "SELECT project FROM pauses WHERE project IN (p.name, '') AND (until_us IS NULL OR until_us > ?) "
                  "ORDER BY project DESC LIMIT 1) ORDER BY p.name"));
  query.Bind(1, Micros(now));
  std::vector<ProjectView> projects;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) break;
    projects.push_back({std::string(query.Text(0)), std::string(query.Text(1)), static_cast<uint64_t>(query.Int(2)),
                        std::string(query.Text(3))});
    if (query.IsNull(4)) continue;
    std::string& paused = projects.back().paused;
    paused = fmt::format("{}by {}", query.Int(7) != 0 ? "with all others " : "", query.Text(4));
    if (!query.IsNull(6)) paused += " until " + FormatRfc3339(WallFromMicros(query.Int(6)));
    if (!query.Text(5).empty()) paused += fmt::format(": {}", query.Text(5));
  }
  return projects;
}

Result<std::vector<TickSettled>> StoreReader::Ticks(const std::string& project, uint32_t limit) {
  CROMT_ASSIGN(auto query, db_.Prepare("SELECT project, revision, first_us, last_us, count, outcome, run, why, at_us "
                                       "FROM ticks WHERE project = ? ORDER BY n DESC LIMIT ?"));
  query.Bind(1, project).Bind(2, int64_t{limit});
  std::vector<TickSettled> ticks;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) break;
    const std::string_view outcome = query.Text(5);
    ticks.push_back({std::string(query.Text(0)), static_cast<uint64_t>(query.Int(1)), WallFromMicros(query.Int(2)),
                     WallFromMicros(query.Int(3)), static_cast<uint64_t>(query.Int(4)),
                     TickOutcomeFrom(outcome).value_or(TickOutcome::kMissed), RunId(std::string(query.Text(6))),
                     std::string(query.Text(7)), WallFromMicros(query.Int(8))});
  }
  return ticks;
}

Result<std::vector<RevisionView>> StoreReader::Revisions(const std::string& project, uint32_t limit) {
  const std::string_view where =
      project.empty() ? "" : "WHERE revision IN (SELECT revision FROM changes WHERE project = ?2)";
  CROMT_ASSIGN(auto query, db_.Prepare(fmt::format("SELECT revision, file, path, author, at_us FROM revisions {} "
                                                   "ORDER BY revision DESC LIMIT ?1",
                                                   where)));
  query.Bind(1, int64_t{limit});
  if (!project.empty()) query.Bind(2, project);
  CROMT_ASSIGN(auto changes, db_.Prepare("SELECT what, project FROM changes WHERE revision = ? ORDER BY project"));
  std::vector<RevisionView> revisions;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) break;
    RevisionView view{static_cast<uint64_t>(query.Int(0)), std::string(query.Text(1)),   std::string(query.Text(2)),
                      std::string(query.Text(3)),          WallFromMicros(query.Int(4)), {}};
    CROMT_TRY(ReadChanges(changes.Bind(1, query.Int(0)), view.changes));
    revisions.push_back(std::move(view));
  }
  return revisions;
}

Result<RevisionText> StoreReader::Revision(uint64_t revision) {
  CROMT_ASSIGN(
      auto query,
      db_.Prepare("SELECT file, path, author, at_us, text, text_sum, "
                  "coalesce((SELECT max(revision) FROM revisions b WHERE b.file = r.file AND "
                  "b.revision < r.revision), 0), (SELECT max(revision) FROM revisions n WHERE n.file = r.file) "
                  "FROM revisions r WHERE revision = ?"));
  CROMT_ASSIGN(const bool found, query.Bind(1, static_cast<int64_t>(revision)).Step());
  if (!found)
    return Fail(ErrorCode::kNotFound, fmt::format("there is no revision {}; `cromt history` lists them", revision));
  if (!SumHolds(RowKind::kText, query, 4, 2))
    return Fail(ErrorCode::kCorrupt, fmt::format("the text of revision {} is not what was stored", revision));
  return RevisionText{{revision,
                       std::string(query.Text(0)),
                       std::string(query.Text(1)),
                       std::string(query.Text(2)),
                       WallFromMicros(query.Int(3)),
                       {}},
                      std::string(query.Text(4)),
                      static_cast<uint64_t>(query.Int(6)),
                      static_cast<uint64_t>(query.Int(7))};
}

Result<std::vector<RunId>> StoreReader::Unfinished(uint32_t limit) {
  CROMT_ASSIGN(auto query, db_.Prepare("SELECT id FROM runs WHERE state <> 'finished' ORDER BY n DESC LIMIT ?"));
  query.Bind(1, int64_t{limit});
  std::vector<RunId> runs;
  for (;;) {
    CROMT_ASSIGN(const bool row, query.Step());
    if (!row) return runs;
    runs.emplace_back(std::string(query.Text(0)));
  }
}

Result<std::vector<StoreReader::StoredArtifact>> StoreReader::Artifacts(const RunId& run) {
  CROMT_ASSIGN(int64_t n, NumberOf(run));
  CROMT_ASSIGN(auto plan, ReadPlan(db_, n));
  CROMT_ASSIGN(auto all, ReadArtifacts(db_, n, run));
  CROMT_ASSIGN(auto address, db_.Prepare("SELECT address FROM agents WHERE agent = ?"));
  std::vector<StoredArtifact> artifacts;
  for (ArtifactsPublished& published : all) {
    if (published.task >= plan->tasks.size())
      return Fail(ErrorCode::kCorrupt, "run " + run.text() + " has artifacts of a task that is not in its plan");
    const PlannedHost& host = plan->host(published.task);
    CROMT_ASSIGN(bool seen, address.Bind(1, published.agent.text()).Step());
    const std::string at = seen ? std::string(address.Text(0)) : host.address;
    address.Reset();
    for (PublishedArtifact& artifact : published.artifacts) {
      ArtifactView view{published.task,  plan->spec(published.task).name, host.id, artifact.name, artifact.digest,
                        artifact.archive};
      artifacts.push_back({std::move(view), {artifact.name, artifact, published.agent, at, host.id}});
    }
  }
  return artifacts;
}

Result<AgentId> StoreReader::AgentOf(const AttemptId& attempt) {
  CROMT_ASSIGN(auto query, db_.Prepare("SELECT t.run, t.attempt, t.agent FROM runs r JOIN tasks t ON t.run = r.n "
                                       "WHERE r.id = ? AND t.task = ?"));
  CROMT_ASSIGN(bool found, query.Bind(1, attempt.run.text()).Bind(2, int64_t{attempt.task}).Step());
  if (!found || int64_t{attempt.attempt} > query.Int(1)) return AgentId();
  if (int64_t{attempt.attempt} == query.Int(1) && !query.Text(2).empty()) return AgentId(std::string(query.Text(2)));
  // An earlier one, or one that is to be tried again: rare, so that a look through the run's history will do.
  CROMT_ASSIGN(auto earlier, db_.Prepare("SELECT agent FROM transitions WHERE run = ? AND task = ? AND attempt = ? "
                                         "AND agent <> '' LIMIT 1"));
  earlier.Bind(1, query.Int(0)).Bind(2, int64_t{attempt.task}).Bind(3, int64_t{attempt.attempt});
  CROMT_ASSIGN(bool known, earlier.Step());
  return known ? AgentId(std::string(earlier.Text(0))) : AgentId();
}

Result<StoreReader::Changes> StoreReader::Snapshot(const RunId& run) {
  Changes changes;
  CROMT_ASSIGN(int64_t n, NumberOf(run));
  // Read before the state: a change in between is told twice, never missed.
  CROMT_ASSIGN(auto newest, db_.Prepare("SELECT coalesce(max(seq), 0) FROM transitions WHERE run = ?"));
  CROMT_TRY(newest.Bind(1, n).Step());
  changes.seq = newest.Int(0);
  newest.Reset();
  CROMT_ASSIGN(RunView view, Run(run));
  changes.finished = view.status.state == RunState::kFinished;
  changes.update.tasks = std::move(view.tasks);
  view.tasks.clear();
  changes.update.run = std::move(view);
  return changes;
}

Result<StoreReader::Changes> StoreReader::Since(const RunView& known, int64_t seq) {
  Changes changes;
  changes.seq = seq;
  CROMT_TRY(db_.Execute("BEGIN"));  // without, each row would lock the file anew and read what it has in memory again
  const ReadTransaction end{db_};
  CROMT_ASSIGN(int64_t n, NumberOf(known.header.id));
  CROMT_ASSIGN(auto query,
               db_.Prepare("SELECT seq, task FROM transitions WHERE run = ? AND seq > ? ORDER BY seq LIMIT 10000"));
  query.Bind(1, n).Bind(2, seq);
  std::vector<int64_t> touched;
  for (;;) {
    CROMT_ASSIGN(bool row, query.Step());
    if (!row) break;
    changes.seq = query.Int(0);
    touched.push_back(query.Int(1));
  }
  query.Reset();
  std::sort(touched.begin(), touched.end());
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
  CROMT_ASSIGN(auto one, db_.Prepare(fmt::format("SELECT {} FROM tasks WHERE run = ? AND task = ?", kTaskColumns)));
  for (int64_t task : touched) {
    if (task < 0) {
      CROMT_ASSIGN(RunView view, ReadHeader(n));
      view.commit = known.commit;
      if (view.commit.empty()) {  // resolved meanwhile
        CROMT_ASSIGN(auto plan, ReadPlan(db_, n));
        view.commit = CommitOf(*plan);
      }
      view.instances = known.instances;
      changes.finished = view.status.state == RunState::kFinished;
      changes.update.run = std::move(view);
      continue;
    }
    CROMT_TRY(one.Bind(1, n).Bind(2, task).Step());
    CROMT_ASSIGN(auto status, ReadTask(one));
    one.Reset();
    TaskView view;
    view.index = status.first;
    view.status = std::move(status.second);
    if (view.index < known.tasks.size() && IsContained(known.tasks[view.index])) {
      CROMT_ASSIGN(view.image_digest, ReadImage(db_, n, view.index, view.status.attempt));
    }
    changes.update.tasks.push_back(std::move(view));
  }
  return changes;
}

}  // namespace cromt
