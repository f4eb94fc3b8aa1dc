// Copies of a store: made while it is used, put back.
#include "coordinator/store/backup.h"

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
    EXPECT_GT(stamp->epoch, 0u);
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

TEST_F(StoreBackup, MayBePutBackSeveralTimesInASecond) {
  FillAndBackUp();
  store_.reset();
  const std::string name = path_ + ".replaced-20260921T141320Z";
  for (const char* end : {"", "-2", "-3"}) {
    auto restored = RestoreStore(Backup(), path_, Noon());
    ASSERT_TRUE(restored) << restored.error().message;
    EXPECT_EQ(restored->replaced, name + end);
    EXPECT_TRUE(std::filesystem::exists(name + end + "-mark"));
  }
  EXPECT_EQ(Start(path_)->runs.size(), 1u);
}

TEST_F(StoreBackup, WhatCanNotBePutBackLeavesNothing) {
  FillAndBackUp();
  store_.reset();
  std::filesystem::create_directory(path_ + ".replaced-20260921T141320Z-mark");
  EXPECT_FALSE(RestoreStore(Backup(), path_, Noon()));
  for (const std::string& name : Files()) EXPECT_EQ(name.find("restoring"), std::string::npos) << name;
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

}  // namespace
}  // namespace cromt
