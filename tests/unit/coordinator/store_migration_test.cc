// Stores of older versions: copied, changed to ours, and refused where that would hide a damage.
#include "coordinator/store/migration.h"

#include <cstdlib>

#include "coordinator/store/backup.h"
#include "coordinator/store/schema.h"
#include "tests/unit/coordinator/store_env.h"

namespace cromt {
namespace {

class StoreMigration : public StoreEnv {
 protected:
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(StoreMigration, TheDocumentsNameTheVersionThatIsWritten) {
  const std::string page = Bytes(fmt::format("{}/docs/reliability.md", std::getenv("CROMT_SOURCE")));
  for (const char* text : {"this is version {}.", "\nVersion {}: tables", "cromt-store schema={} mesh"})
    EXPECT_NE(page.find(fmt::format(fmt::runtime(text), kSchemaVersion)), std::string::npos) << text;
}

// ---- 6 ----------------------------------------------------------------------------------------

class StoreFrom6 : public StoreMigration {
 protected:
  void SetUp() override {
    StoreMigration::SetUp();
    Lay(6);
  }
  void Lay(int version) {
    Execute(Bytes(fmt::format("{}/tests/golden/store/version{}.sql", std::getenv("CROMT_SOURCE"), version)));
    WriteMark(StampIn(path_));
  }
  static std::string StampIn(const std::string& path) {
    auto db = sqlite::Database::Open(path, sqlite::Database::Mode::kReadOnly);
    auto row = db->Prepare("SELECT value FROM meta WHERE key = 'stamp'");
    return *row->Step() ? std::string(row->Text(0)) : "";
  }
  void WriteMark(const std::string& stamp) { Write(path_ + "-mark", fmt::format("{:<511}\n", stamp)); }
  std::string Refusal() {
    auto state = Start(path_);
    return state ? "it was taken" : state.error().message;
  }
};

TEST_F(StoreFrom6, IsCopiedAndTakenUp) {
  auto state = Start(path_);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(Files(), (std::vector<std::string>{"store.db", "store.db-mark", "store.db.v6"}));
  EXPECT_EQ(state->mesh, MeshId("bgxeqes5nrcc"));
  EXPECT_GT(state->epoch, 1u);
  EXPECT_EQ(state->commit, 6u);
  EXPECT_FALSE(state->went_back);
  ASSERT_EQ(state->runs.size(), 1u);
  ASSERT_EQ(state->runs[0].tasks.size(), 4u);
  const TaskStatus& task = state->runs[0].tasks[1];
  EXPECT_EQ(task.state, TaskState::kRetryWait);
  EXPECT_EQ(task.tries, 1u);
  EXPECT_EQ(task.retry_at, WallFromMicros(9));
  EXPECT_EQ(task.losses, 0u);
  EXPECT_EQ(state->held.at(0), Held("r1"));
  EXPECT_EQ(state->agents.at(0).applied_sequence, 43u);
  EXPECT_TRUE(CheckStore(path_)) << CheckStore(path_).error().message;  // runs that have ended, too
  auto copy = CheckStore(path_ + ".v6");
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(copy->schema, 6);
  EXPECT_EQ(copy->commit, 5u);
  EXPECT_TRUE(Start(path_));
}

TEST_F(StoreFrom6, ItsRowsAreWrittenLikeOurs) {
  auto store = Open();
  ASSERT_TRUE(store->Load());
  TaskChanged lost = Finished("r2", 1);
  lost.status.losses = 3;
  std::vector<Record> records = {lost, NewRun("r3", "q3")};
  ASSERT_TRUE(store->Commit(records));
  store.reset();
  auto state = Start(path_);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->runs.at(0).tasks[1], lost.status);
  EXPECT_TRUE(CheckStore(path_)) << CheckStore(path_).error().message;
}

// A new sum would hide each of these.
TEST_F(StoreFrom6, WhatIsDamagedIsNotTakenForWhole) {
  const std::string whole = Bytes(path_), mark = Bytes(path_ + "-mark");
  for (const auto& [sql, said] : std::vector<std::pair<std::string, std::string>>{
           {"UPDATE tasks SET attempt = 9 WHERE run = 2 AND task = 1", "task 2 of run number 2"},
           {"DELETE FROM tasks WHERE run = 2 AND task = 3", "3 rows"},
           {"DELETE FROM transitions WHERE seq = 5", "unfinished runs"},
           {"UPDATE agents SET applied_sequence = 42", "agents"},
           {"DELETE FROM lanes_held", "agents"},
           {"DELETE FROM changes WHERE project = 'b'", "project 'b'"},
           {"UPDATE meta SET value = replace(value, 'commit=5', 'commit=6') WHERE key = 'stamp'", "stamp"},
       }) {
    Write(path_, whole);
    Write(path_ + "-mark", mark);
    Execute(sql);
    EXPECT_NE(Refusal().find("can't be changed from schema version 6 to 10"), std::string::npos) << sql;
    EXPECT_NE(Refusal().find(said), std::string::npos) << sql << ": " << Refusal();
  }
  Write(path_, whole);
  Execute("UPDATE tasks SET attempt = 9 WHERE run = 1 AND task = 1");  // of a run that has ended: seen when it is read
  EXPECT_FALSE(CheckStore(path_));
  EXPECT_EQ(Refusal(), "it was taken");
  EXPECT_FALSE(CheckStore(path_));
}

TEST_F(StoreFrom6, ThatIsNotTheLastCommitIsTakenAsOneThatWentBack) {
  const std::string whole = Bytes(path_), mark = Bytes(path_ + "-mark");
  auto went_back = [&] {
    auto state = Start(path_);
    EXPECT_TRUE(state) << state.error().message;
    return state && state->went_back;
  };
  std::filesystem::remove(path_ + "-mark");
  EXPECT_TRUE(went_back());
  Write(path_, whole);  // the copy is put back after more was done
  EXPECT_TRUE(went_back());
  Write(path_, whole);
  Write(path_ + "-mark", mark);
  EXPECT_FALSE(went_back());
}

// Its mark is written before the change is committed.
TEST_F(StoreFrom6, AChangeThatWasBegunIsMadeAgain) {
  const std::string whole = Bytes(path_);
  ASSERT_TRUE(SqliteStore::Open(path_, random_, Durability::kProcess));
  Write(path_, whole);
  auto state = Start(path_);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_FALSE(state->went_back);
  EXPECT_EQ(state->commit, 6u);
}

TEST_F(StoreFrom6, TheCopyCanBePutBack) {
  ASSERT_TRUE(Start(path_));
  auto restored = RestoreStore(path_ + ".v6", path_, WallFromMicros(1'790'000'000'000'000));
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(restored->went_back);
  auto state = Start(path_);  // and is changed again
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_TRUE(state->went_back);
}

// ---- 7 ----------------------------------------------------------------------------------------

class StoreFrom7 : public StoreFrom6 {
 protected:
  void SetUp() override {
    StoreMigration::SetUp();
    Lay(7);
  }
};

TEST_F(StoreFrom7, IsCopiedAndTakenUp) {
  auto state = Start(path_);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(Files(), (std::vector<std::string>{"store.db", "store.db-mark", "store.db.v7"}));
  EXPECT_GT(state->epoch, 3u);
  EXPECT_EQ(state->commit, 8u);
  EXPECT_FALSE(state->went_back);
  ASSERT_EQ(state->runs.size(), 2u);
  EXPECT_EQ(state->runs[0].tasks.at(1).losses, 3u);
  EXPECT_TRUE(state->runs[0].images.empty());
  EXPECT_TRUE(CheckStore(path_)) << CheckStore(path_).error().message;
  auto copy = CheckStore(path_ + ".v7");
  ASSERT_TRUE(copy) << copy.error().message;
  EXPECT_EQ(copy->schema, 7);
  EXPECT_TRUE(Start(path_));
}

TEST_F(StoreFrom7, KeepsImagesFromThenOn) {
  {
    auto store = Open();
    ASSERT_TRUE(store->Load());
    ASSERT_TRUE(store->Commit(std::vector<Record>{Image("r2", 0, 2)}));
  }
  auto state = Start(path_);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->runs.at(0).images, std::vector{Image("r2", 0, 2)});
}

// ---- 8 ----------------------------------------------------------------------------------------

class StoreFrom8 : public StoreFrom6 {
 protected:
  void SetUp() override {
    StoreMigration::SetUp();
    Lay(8);
  }
};

TEST_F(StoreFrom8, KeepsTicksFromThenOn) {
  const ScheduleSet schedule{"a", 1, "@daily\n", WallFromMicros(5'000'000), "boot", WallFromMicros(4'000'000)};
  const Paused pause{"b", "why", "ann", WallFromMicros(1), {}};
  {
    auto store = Open();
    auto before = store->Load();
    ASSERT_TRUE(before) << before.error().message;
    EXPECT_FALSE(before->went_back);
    EXPECT_EQ(before->runs.size(), 2u);
    EXPECT_TRUE(before->schedules.empty());
    ASSERT_TRUE(store->Commit(std::vector<Record>{schedule, pause}));
  }
  EXPECT_EQ(Files(), (std::vector<std::string>{"store.db", "store.db-mark", "store.db.v8"}));
  auto state = Start(path_);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->schedules, std::vector{schedule});
  EXPECT_EQ(state->pauses, std::vector{pause});
}

TEST_F(StoreFrom8, WhatIsDamagedIsNotTakenForWhole) {
  Execute("DELETE FROM transitions WHERE seq = 5");
  EXPECT_NE(Refusal().find("can't be changed from schema version 8 to 10"), std::string::npos) << Refusal();
}

TEST_F(StoreFrom7, WhatIsDamagedIsNotTakenForWhole) {
  Execute("DELETE FROM transitions WHERE seq = 5");
  EXPECT_NE(Refusal().find("can't be changed from schema version 7 to 10"), std::string::npos) << Refusal();
  EXPECT_NE(Refusal().find("unfinished runs"), std::string::npos) << Refusal();
}

TEST_F(StoreFrom7, TheCopyCanBePutBack) {
  ASSERT_TRUE(Start(path_));
  auto restored = RestoreStore(path_ + ".v7", path_, WallFromMicros(1'790'000'000'000'000));
  ASSERT_TRUE(restored) << restored.error().message;
  auto state = Start(path_);  // and is changed again
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_TRUE(state->went_back);
}

// ---- 5 ----------------------------------------------------------------------------------------

// As version 5 was.
constexpr char kSchema5[] = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE files (file TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE revisions (revision INTEGER PRIMARY KEY, file TEXT NOT NULL, path TEXT NOT NULL, author TEXT NOT NULL,
  request TEXT NOT NULL, at_us INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX revisions_by_file ON revisions (file, revision);
CREATE TABLE changes (project TEXT NOT NULL, revision INTEGER NOT NULL, what TEXT NOT NULL,
  PRIMARY KEY (project, revision)) WITHOUT ROWID;
CREATE INDEX changes_by_revision ON changes (revision, what, project);
CREATE TABLE projects (name TEXT PRIMARY KEY, file TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, request TEXT NOT NULL UNIQUE, project TEXT NOT NULL,
  trigger TEXT NOT NULL, revision INTEGER NOT NULL, author TEXT NOT NULL, created_at_us INTEGER NOT NULL,
  state TEXT NOT NULL, outcome TEXT, reason TEXT NOT NULL DEFAULT '', cancel INTEGER NOT NULL DEFAULT 0,
  started_at_us INTEGER, finished_at_us INTEGER);
CREATE INDEX runs_by_project ON runs (project, n);
CREATE INDEX runs_unfinished ON runs (n) WHERE state <> 'finished';
CREATE TABLE plans (run INTEGER PRIMARY KEY, plan BLOB NOT NULL);
CREATE TABLE tasks (run INTEGER NOT NULL, task INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT, attempt INTEGER NOT NULL,
  agent TEXT NOT NULL, journal TEXT NOT NULL, exit_code INTEGER, signal INTEGER, reason TEXT NOT NULL,
  stop_wanted INTEGER NOT NULL, queued_at_us INTEGER, started_at_us INTEGER, finished_at_us INTEGER,
  log_bytes INTEGER NOT NULL, tries INTEGER NOT NULL, retry_at_us INTEGER,
  ignored INTEGER NOT NULL, PRIMARY KEY (run, task)) WITHOUT ROWID;
CREATE TABLE transitions (seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, task INTEGER NOT NULL, attempt INTEGER NOT NULL,
  state TEXT NOT NULL, outcome TEXT, reason TEXT NOT NULL, at_us INTEGER NOT NULL, agent TEXT NOT NULL DEFAULT '');
CREATE INDEX transitions_by_run ON transitions (run, seq);
CREATE TABLE artifacts (run INTEGER NOT NULL, task INTEGER NOT NULL, name TEXT NOT NULL, attempt INTEGER NOT NULL,
  agent TEXT NOT NULL, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL, archive INTEGER NOT NULL, ticket TEXT NOT NULL,
  PRIMARY KEY (run, task, name)) WITHOUT ROWID;
CREATE TABLE agents (agent TEXT PRIMARY KEY, journal TEXT NOT NULL, address TEXT NOT NULL,
  applied_sequence INTEGER NOT NULL, labels TEXT NOT NULL) WITHOUT ROWID;
)sql";

class StoreFrom5 : public StoreMigration {
 protected:
  void SetUp() override {
    StoreMigration::SetUp();
    // The plan as it is stored, from a store of today.
    auto store = Open();
    ASSERT_TRUE(store->Load());
    Fill(*store);
    store.reset();
    const std::string today = folder_ + "/today.db";
    std::filesystem::rename(path_, today);
    std::filesystem::remove(path_ + "-mark");
    Execute(kSchema5);
    Execute(
        "ATTACH '" + today +
        "' AS t; "
        "INSERT INTO meta VALUES ('schema', 5), ('mesh', 'old'), ('epoch', 4), ('commit', 17); "
        "INSERT INTO files SELECT * FROM t.files; INSERT INTO projects SELECT * FROM t.projects; "
        "INSERT INTO changes SELECT * FROM t.changes; INSERT INTO agents SELECT * FROM t.agents; "
        "INSERT INTO revisions SELECT revision, file, path, author, request, at_us, text FROM t.revisions; "
        "INSERT INTO runs SELECT n, id, request, project, trigger, revision, author, created_at_us, state, outcome, "
        "reason, cancel, started_at_us, finished_at_us FROM t.runs; "
        "INSERT INTO plans SELECT run, plan FROM t.plans; "
        "INSERT INTO tasks SELECT run, task, state, outcome, attempt, agent, journal, exit_code, signal, reason, "
        "stop_wanted, queued_at_us, started_at_us, finished_at_us, log_bytes, tries, retry_at_us, ignored FROM "
        "t.tasks; "
        "INSERT INTO transitions SELECT seq, run, task, attempt, state, outcome, reason, at_us, agent FROM "
        "t.transitions; "
        "INSERT INTO artifacts SELECT run, task, name, attempt, agent, sha256, size_bytes, archive, ticket FROM "
        "t.artifacts");
    std::filesystem::remove(today);
  }
};

TEST_F(StoreFrom5, IsCopiedAndTakenUp) {
  auto state = Start(path_);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(Files(), (std::vector<std::string>{"store.db", "store.db-mark", "store.db.v5"}));
  EXPECT_EQ(state->mesh, MeshId("old"));
  EXPECT_GT(state->epoch, 4u);
  EXPECT_EQ(state->commit, 18u);
  ASSERT_EQ(state->runs.size(), 1u);
  EXPECT_EQ(state->runs[0].tasks.size(), 40u);
  EXPECT_EQ(state->runs[0].tasks[3], Finished("r2", 3).status);
  EXPECT_EQ(state->runs[0].artifacts.size(), 20u);
  EXPECT_EQ(state->files.size(), 2u);
  EXPECT_EQ(state->agents.at(0).applied_sequence, 43u);
  EXPECT_FALSE(state->went_back);
  EXPECT_TRUE(CheckStore(path_)) << CheckStore(path_).error().message;
  auto ended = StoreReader::Open(path_)->Run(RunId("r1"));
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->status.outcome, RunOutcome::kFailed);
  EXPECT_EQ(CheckStore(path_ + ".v5")->schema, 5);
  EXPECT_TRUE(Start(path_));
}

TEST_F(StoreFrom5, ThatFailsChangesNothing) {
  Execute("DELETE FROM plans WHERE run = 2");
  auto state = Start(path_);
  ASSERT_FALSE(state);
  EXPECT_NE(state.error().message.find("can't be changed from schema version 5 to 10"), std::string::npos)
      << state.error().message;
  EXPECT_EQ(CheckStore(path_)->schema, 5);
}

TEST_F(StoreFrom5, TheCopyCanBePutBack) {
  ASSERT_TRUE(Start(path_));
  auto restored = RestoreStore(path_ + ".v5", path_, WallFromMicros(1'790'000'000'000'000));
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(CheckStore(path_)->schema, 5);
  auto state = Start(path_);  // and is changed again
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->runs.size(), 1u);
}

TEST_F(StoreFrom5, OfWhatWasBeforeTheFirstRelease) {
  Execute("UPDATE meta SET value = 4 WHERE key = 'schema'");
  auto opened = SqliteStore::Open(path_, random_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("before its first release"), std::string::npos);
}

}  // namespace
}  // namespace cromt
