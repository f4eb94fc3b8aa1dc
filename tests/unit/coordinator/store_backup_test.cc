// Copies of a store: made while it is used, put back, and made before an older one is changed.
#include "coordinator/store/backup.h"

#include "coordinator/store/migration.h"
#include "tests/unit/coordinator/store_env.h"

namespace cromt {
namespace {

class StoreBackup : public StoreEnv {
 protected:
  std::string Backup() const { return folder_ + "/backup.db"; }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  // A filled store in use, a backup of it, and then one more run.
  void FillAndBackUp() {
    store_ = Open();
    ASSERT_TRUE(store_->Load());
    Fill(*store_);
    auto stamp = BackUpStore(path_, Backup());
    ASSERT_TRUE(stamp) << stamp.error().message;
    EXPECT_EQ(stamp->epoch, 1u);
    EXPECT_FALSE(stamp->went_back);
    CommitOne(*store_, "r3");
  }
  static void CommitOne(SqliteStore& store, const std::string& run) {
    std::vector<Record> more = {NewRun(run, "request-of-" + run)};
    ASSERT_TRUE(store.Commit(more));
  }
  static Wall Noon() { return WallFromMicros(1'790'000'000'000'000); }

  std::unique_ptr<SqliteStore> store_;
};

TEST_F(StoreBackup, IsMadeOfAStoreInUseAndPutBack) {
  FillAndBackUp();
  EXPECT_TRUE(CheckStore(Backup()));
  store_.reset();
  auto restored = RestoreStore(Backup(), path_, Noon());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(restored->went_back);
  EXPECT_EQ(restored->replaced, path_ + ".replaced-20260921T141320Z");
  auto state = Start(path_);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->runs.size(), 1u);
  EXPECT_TRUE(state->went_back);
  // What was there before is whole, and can be put back in turn.
  auto before = RestoreStore(restored->replaced, path_, Noon() + seconds(1));
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(Start(path_)->runs.size(), 2u);
}

TEST_F(StoreBackup, OfTheLastCommitLosesNothing) {
  store_ = Open();
  ASSERT_TRUE(store_->Load());
  CommitOne(*store_, "r1");
  ASSERT_TRUE(BackUpStore(path_, Backup()));
  store_.reset();
  EXPECT_FALSE(RestoreStore(Backup(), path_, Noon())->went_back);
  EXPECT_FALSE(Start(path_)->went_back);
}

TEST_F(StoreBackup, GoesBackOnToAnEmptyPlace) {
  FillAndBackUp();
  store_.reset();
  const std::string other = folder_ + "/other.db";
  auto restored = RestoreStore(Backup(), other, Noon());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(restored->replaced, "");
  EXPECT_TRUE(restored->went_back);  // nobody knows what was made since
  EXPECT_TRUE(Start(other));
}

TEST_F(StoreBackup, ReplacesADamagedStoreWithItsWal) {
  FillAndBackUp();
  std::string wal = Bytes(path_ + "-wal");
  const std::string database = Bytes(path_), mark = Bytes(path_ + "-mark");
  store_.reset();
  wal[wal.size() / 2] ^= 1;
  Write(path_, database);
  Write(path_ + "-wal", wal);
  Write(path_ + "-mark", mark);
  ASSERT_FALSE(Start(path_));
  auto restored = RestoreStore(Backup(), path_, Noon());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_TRUE(restored->went_back);
  EXPECT_TRUE(Bytes(restored->replaced + "-wal") == wal);
  EXPECT_EQ(Start(path_)->runs.size(), 1u);
}

TEST_F(StoreBackup, ADamagedOneIsNotPutBack) {
  FillAndBackUp();
  store_.reset();
  const std::string good = Bytes(Backup()), before = Bytes(path_);
  size_t refused = 0;
  for (size_t at = 0; at < good.size(); at += 499) {
    std::string bad = good;
    bad[at] ^= 4;
    Write(Backup(), bad);
    if (CheckStore(Backup())) continue;  // an unused byte
    ++refused;
    auto restored = RestoreStore(Backup(), path_, Noon());
    ASSERT_FALSE(restored) << at;
    EXPECT_NE(restored.error().message.find("backup.db"), std::string::npos) << restored.error().message;
    EXPECT_TRUE(Bytes(path_) == before) << at;
  }
  EXPECT_GT(refused, 10u);
  Write(Backup(), good.substr(0, good.size() / 2));
  EXPECT_FALSE(RestoreStore(Backup(), path_, Noon()));
  Write(Backup(), "a letter");
  EXPECT_EQ(RestoreStore(Backup(), path_, Noon()).error().code, ErrorCode::kConflict);
  EXPECT_EQ(RestoreStore(folder_ + "/nothing.db", path_, Noon()).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(Bytes(path_) == before);
}

TEST_F(StoreBackup, ADamagedStoreMakesNone) {
  FillAndBackUp();
  Execute("UPDATE tasks SET outcome = 'succeeded' WHERE run = 1");  // of a run that has ended
  auto stamp = BackUpStore(path_, folder_ + "/second.db");
  ASSERT_FALSE(stamp);
  EXPECT_EQ(stamp.error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(Files(),
            (std::vector<std::string>{"backup.db", "store.db", "store.db-mark", "store.db-shm", "store.db-wal"}));
}

TEST_F(StoreBackup, NeverTakesTheNameOfAnother) {
  FillAndBackUp();
  auto again = BackUpStore(path_, Backup());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kConflict);
  EXPECT_FALSE(BackUpStore(path_, folder_ + "/no/such/folder.db"));
  EXPECT_EQ(BackUpStore(folder_ + "/none.db", folder_ + "/b.db").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Files(),
            (std::vector<std::string>{"backup.db", "store.db", "store.db-mark", "store.db-shm", "store.db-wal"}));
}

// ---- Older versions ---------------------------------------------------------------------------

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

class StoreMigration : public StoreBackup {
 protected:
  void SetUp() override {
    StoreBackup::SetUp();
    // The plan as it is stored, from a store of today.
    store_ = Open();
    ASSERT_TRUE(store_->Load());
    Fill(*store_);
    store_.reset();
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

TEST_F(StoreMigration, IsCopiedAndTakenUp) {
  const std::string before = Bytes(path_);
  auto state = Start(path_);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(Files(), (std::vector<std::string>{"store.db", "store.db-mark", "store.db.v5"}));
  EXPECT_EQ(state->mesh, MeshId("old"));
  EXPECT_EQ(state->epoch, 5u);
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

TEST_F(StoreMigration, ThatFailsChangesNothing) {
  Execute("DELETE FROM plans WHERE run = 2");
  const std::string before = Bytes(path_);
  auto state = Start(path_);
  ASSERT_FALSE(state);
  EXPECT_NE(state.error().message.find("can't be changed from schema version 5 to 6"), std::string::npos)
      << state.error().message;
  EXPECT_EQ(CheckStore(path_)->schema, 5);
}

TEST_F(StoreMigration, TheCopyCanBePutBack) {
  ASSERT_TRUE(Start(path_));
  auto restored = RestoreStore(path_ + ".v5", path_, Noon());
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(CheckStore(path_)->schema, 5);
  auto state = Start(path_);  // and is changed again
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->runs.size(), 1u);
}

TEST_F(StoreMigration, OfWhatWasBeforeTheFirstRelease) {
  Execute("UPDATE meta SET value = 4 WHERE key = 'schema'");
  auto opened = SqliteStore::Open(path_, random_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("before its first release"), std::string::npos);
}

}  // namespace
}  // namespace cromt
