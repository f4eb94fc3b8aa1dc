// Whatever happens to a store's files: it is either what it was, or refused with a message and left as it is.
#include "coordinator/store/schema.h"
#include "tests/unit/coordinator/store_env.h"

namespace cromt {
namespace {

class StoreDamage : public StoreEnv {
 protected:
  void SetUp() override {
    StoreEnv::SetUp();
    store_ = Open();
    ASSERT_TRUE(store_->Load());
    Fill(*store_);
    Photograph();
  }
  // The files as they are on disk, with a WAL, as after a crash of the process.
  void Photograph() {
    for (const char* end : {"", "-wal", "-mark"}) files_[end] = Bytes(path_ + end);
    ASSERT_GT(files_["-wal"].size(), 50'000u);
    Lay(files_);
    auto state = Start(Copy());
    ASSERT_TRUE(state) << state.error().message;
    whole_ = Text(*state);
  }
  // All of it in the database, as after a clean end.
  void PhotographAtRest() {
    store_.reset();
    files_.clear();
    for (const char* end : {"", "-mark"}) files_[end] = Bytes(path_ + end);
    Lay(files_);
    auto state = Start(Copy());
    ASSERT_TRUE(state) << state.error().message;
    whole_ = Text(*state);
  }

  using Files = std::map<std::string, std::string>;
  std::string Copy() const { return folder_ + "/copy/store.db"; }
  void Lay(const Files& files) {
    std::filesystem::remove_all(folder_ + "/copy");
    std::filesystem::create_directories(folder_ + "/copy");
    for (const auto& [end, bytes] : files) Write(Copy() + end, bytes);
  }
  // The message it is refused with, "" if it is what it was. Fails if it is something else, or was changed.
  std::string Refusal(const Files& files, const std::string& how) {
    Lay(files);
    auto state = Start(Copy());
    if (state) {
      EXPECT_EQ(Text(*state), whole_) << how;
      return "";
    }
    EXPECT_FALSE(state.error().message.empty()) << how;
    for (const auto& [end, bytes] : files)
      EXPECT_TRUE(Bytes(Copy() + end) == bytes) << how << ": " << end << " was changed";
    return state.error().message;
  }
  // How many of the damages are seen; the others change nothing that counts.
  size_t FlipBits(const std::string& end, size_t step) {
    size_t refused = 0;
    for (size_t at = 0; at < files_[end].size(); at += step) {
      Files files = files_;
      files[end][at] = static_cast<char>(files[end][at] ^ (1 << (at % 8)));
      if (!Refusal(files, fmt::format("byte {} of store.db{}", at, end)).empty()) ++refused;
      if (HasFailure()) break;
    }
    return refused;
  }

  std::unique_ptr<SqliteStore> store_;
  Files files_;
  std::string whole_;
};

TEST_F(StoreDamage, ABitFlipsInTheWal) {
  EXPECT_GT(FlipBits("-wal", 401), 100u);
}

TEST_F(StoreDamage, ABitFlipsInTheDatabase) {
  PhotographAtRest();
  EXPECT_GT(FlipBits("", 41), 60u);
}

// SQLite would open such a file, and refuse the first thing that is written.
TEST_F(StoreDamage, ABitFlipsInTheNumberOfTheFileFormat) {
  PhotographAtRest();
  for (size_t at : {18, 19}) {
    Files files = files_;
    files[""][at] = static_cast<char>(files[""][at] ^ 32);
    const std::string why = Refusal(files, fmt::format("byte {}", at));
    EXPECT_NE(why.find("store.db is damaged: its header names a file format"), std::string::npos) << why;
  }
}

TEST_F(StoreDamage, ABitFlipsInTheMark) {
  EXPECT_EQ(FlipBits("-mark", 8), files_["-mark"].size() / 8);
}

TEST_F(StoreDamage, TheWalIsCutShort) {
  const std::string wal = files_["-wal"];
  for (size_t size = 0; size < wal.size(); size += 2000) {
    Files files = files_;
    files["-wal"] = wal.substr(0, size);
    const std::string said = Refusal(files, fmt::format("WAL of {} bytes", size));
    if (size + 4096 < wal.size()) {
      EXPECT_NE(said.find("newest part is gone"), said.npos) << size << ": " << said;
    }
    if (HasFailure()) break;
  }
  Files without = files_;
  without.erase("-wal");
  EXPECT_NE(Refusal(without, "no WAL").find("newest part is gone"), std::string::npos);
}

TEST_F(StoreDamage, TheDatabaseIsCutShort) {
  PhotographAtRest();
  const std::string whole = files_[""];
  for (size_t size = 0; size < whole.size(); size += 1000) {
    Files files = files_;
    files[""] = whole.substr(0, size);
    EXPECT_NE(Refusal(files, fmt::format("{} bytes", size)), "") << size;
    if (HasFailure()) break;
  }
}

TEST_F(StoreDamage, AnOlderCopyIsPutInItsPlace) {
  PhotographAtRest();
  const Files older = files_;
  store_ = Open();
  ASSERT_TRUE(store_->Load());
  std::vector<Record> more = {NewRun("r3", "q3")};
  ASSERT_TRUE(store_->Commit(more));
  Files mixed = older;
  mixed["-mark"] = Bytes(path_ + "-mark");
  EXPECT_NE(Refusal(mixed, "older").find("newest part is gone"), std::string::npos);
}

TEST_F(StoreDamage, TheDatabaseAloneIsCopied) {
  PhotographAtRest();
  EXPECT_NE(Refusal({{"", files_[""]}}, "no mark").find("is missing"), std::string::npos);
  EXPECT_NE(Refusal({{"-mark", files_["-mark"]}}, "mark alone").find("store.db is missing"), std::string::npos);
}

TEST_F(StoreDamage, AMarkOfAnotherMesh) {
  PhotographAtRest();
  SeededRandom other(2);
  ASSERT_TRUE((*SqliteStore::Open(folder_ + "/other.db", other, Durability::kProcess))->Load());
  EXPECT_NE(Refusal({{"", files_[""]}, {"-mark", Bytes(folder_ + "/other.db-mark")}}, "other").find("of mesh"),
            std::string::npos);
}

// What a disk that lost a write leaves: rows that are whole in themselves.
TEST_F(StoreDamage, RowsAreMissingOrOlder) {
  const std::string old_task =
      "INSERT OR REPLACE INTO tasks SELECT 2, 5, state, outcome, attempt, agent, journal, exit_code, "
      "signal, reason, stop_wanted, queued_at_us, started_at_us, finished_at_us, log_bytes, tries, "
      "retry_at_us, ignored, losses, sum FROM tasks WHERE run = 2 AND task = 6";
  store_.reset();
  for (const auto& [sql, said] : std::vector<std::pair<std::string, std::string>>{
           {"DELETE FROM transitions WHERE seq = (SELECT max(seq) FROM transitions)", "unfinished runs"},
           {"DELETE FROM artifacts WHERE run = 2 AND task = 3", "unfinished runs"},
           {"DELETE FROM images WHERE run = 2 AND attempt = 1", "unfinished runs"},
           {"UPDATE images SET digest = 'other' WHERE attempt = 2", "image of task 4"},
           {"DELETE FROM tasks WHERE run = 2 AND task = 39", "39 rows"},
           {"DELETE FROM tasks WHERE run = 2 AND task = 7", "task 8 of run r2 is missing"},
           {"DELETE FROM runs WHERE n = 2", "unfinished runs"},
           {"UPDATE runs SET state = 'finished' WHERE n = 2", "unfinished runs"},
           {"UPDATE runs SET state = 'running' WHERE n = 1", "run r1"},
           {"UPDATE runs SET author = 'eve' WHERE n = 2", "run r2"},
           {"UPDATE tasks SET attempt = 9 WHERE run = 2 AND task = 5", "task 6 of run number 2"},
           {old_task, "task 6 of run number 2"},
           {"UPDATE plans SET plan = plan || x'00' WHERE run = 2", "plan of run number 2"},
           {"DELETE FROM agents", "agents"},
           {"UPDATE agents SET applied_sequence = 42", "agents"},
           {"DELETE FROM lanes_held", "agents"},
           {"DELETE FROM projects WHERE name = 'b'", "applied files"},
           {"UPDATE files SET revision = 1", "applied files"},
           {"DELETE FROM changes WHERE project = 'b'", "project 'b'"},
           {"DELETE FROM changes WHERE revision = 2", "applied files"},
           {"DELETE FROM revisions WHERE revision = 2", "in use and missing"},
           {"UPDATE revisions SET text = 'projects: {x: {}}' WHERE revision = 2", "text of revision 2"},
           {"UPDATE revisions SET request = 'q9' WHERE revision = 1", "revision 1"},
           {"DELETE FROM meta WHERE key = 'stamp'", "stamp"},
           {"DELETE FROM meta", "schema version"},
           {"DROP TABLE tasks", "tasks"},
       }) {
    PhotographAtRest();
    Lay(files_);
    ASSERT_TRUE(sqlite::Database::Open(Copy(), sqlite::Database::Mode::kReadWrite)->Execute(sql)) << sql;
    auto state = Start(Copy());
    ASSERT_FALSE(state) << sql;
    EXPECT_EQ(state.error().code, ErrorCode::kCorrupt) << sql;
    EXPECT_NE(state.error().message.find(said), std::string::npos) << sql << "\n" << state.error().message;
    EXPECT_NE(state.error().message.find("cromt-coordinator restore FILE"), std::string::npos) << state.error().message;
  }
}

// What has ended decides nothing any more, but whoever looks at it is not lied to.
TEST_F(StoreDamage, ARunThatHasEnded) {
  Execute("UPDATE tasks SET outcome = 'succeeded' WHERE run = 1");
  auto reader = *StoreReader::Open(path_);
  auto run = reader.Run(RunId("r1"));
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, ErrorCode::kCorrupt);
  EXPECT_TRUE(reader.Run(RunId("r2")));
}

TEST_F(StoreDamage, AfterAFailedCommitNothingIsCommitted) {
  std::vector<Record> twice = {NewRun("r3", "q1")};
  ASSERT_FALSE(store_->Commit(twice));
  std::vector<Record> good = {NewRun("r4", "q4")};
  EXPECT_FALSE(store_->Commit(good));
}

TEST_F(StoreDamage, FilesOfOthersAreLeftAlone) {
  auto refused = [&](const std::string& said) {
    const std::string before = Bytes(folder_ + "/theirs.db");
    auto opened = SqliteStore::Open(folder_ + "/theirs.db", random_);
    ASSERT_FALSE(opened) << said;
    EXPECT_NE(opened.error().message.find(said), std::string::npos) << opened.error().message;
    EXPECT_TRUE(Bytes(folder_ + "/theirs.db") == before) << said;
  };
  Write(folder_ + "/theirs.db",
        "this is a letter to my aunt, not a database, and it is long enough to have a header of a hundred bytes");
  refused("no SQLite database");
  Write(folder_ + "/theirs.db", "short");
  refused("no SQLite database");
  for (const char* sql : {"CREATE TABLE t (x)", "PRAGMA application_id = 7; CREATE TABLE t (x)"}) {
    std::filesystem::remove(folder_ + "/theirs.db");
    ASSERT_TRUE(sqlite::Database::Open(folder_ + "/theirs.db", sqlite::Database::Mode::kReadWrite)->Execute(sql));
    refused("something else than cromt");
  }
}

TEST_F(StoreDamage, NewerOnesAreRefusedAndTheCopyIsNamed) {
  store_.reset();
  const std::string before = Bytes(path_);
  Execute("PRAGMA user_version = 99");
  auto newer = SqliteStore::Open(path_, random_);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::kConflict);
  EXPECT_NE(newer.error().message.find("99"), std::string::npos);
  EXPECT_EQ(newer.error().message.find("restore"), std::string::npos);
  const std::string copy = fmt::format("{}.v{}", path_, kSchemaVersion);
  Write(copy, before);
  newer = SqliteStore::Open(path_, random_);
  EXPECT_NE(newer.error().message.find("cromt-coordinator restore " + copy), std::string::npos)
      << newer.error().message;
}

}  // namespace
}  // namespace cromt
