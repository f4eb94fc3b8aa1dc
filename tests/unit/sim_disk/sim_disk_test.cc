// Goal: the simulated disk keeps what it must and loses what it may. Method: the same story on the disks of many seeds;
// each outcome that a real disk could give comes up, and no other.
#include "tests/sim/disk/sim_disk.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "io/sqlite/database.h"

namespace cromt::sim {
namespace {

constexpr uint64_t kSeeds = 300;

std::string ReadAll(SimDisk& disk, const std::string& path) {
  auto file = disk.Open(path, O_RDONLY);
  if (!file) return "none";
  std::string bytes(static_cast<size_t>(file->Size()), '?');
  EXPECT_EQ(file->Read(bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return bytes;
}

void Write(SimDisk& disk, const std::string& path, const std::string& bytes, uint64_t offset = 0) {
  auto file = disk.Open(path, O_RDWR | O_CREAT);
  ASSERT_EQ(file->Write(bytes.data(), bytes.size(), offset), static_cast<ssize_t>(bytes.size()));
}

void Sync(SimDisk& disk, const std::string& path) {
  ASSERT_EQ(disk.Open(path, O_RDWR)->Sync(), 0);
  ASSERT_EQ(disk.SyncDirectory(DirectoryOf(path)), 0);
}

// What may be there after the story and a crash, each shortened to the first letters of its sectors.
std::set<std::string> Outcomes(const std::function<void(SimDisk&)>& story, const std::string& path = "d/f") {
  std::set<std::string> outcomes;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.MakeDirectory("d", 0700);
    story(disk);
    disk.Crash();
    const std::string bytes = ReadAll(disk, path);
    if (bytes == "none") {
      outcomes.insert(bytes);
      continue;
    }
    std::string letters;
    for (size_t sector = 0; sector < bytes.size(); sector += 512) letters += bytes[sector] ? bytes[sector] : '0';
    outcomes.insert(letters);
  }
  return outcomes;
}

TEST(SimDisk, WhatWasSyncedIsThereAfterACrash) {
  EXPECT_THAT(Outcomes([](SimDisk& disk) {
                Write(disk, "d/f", std::string(1024, 'a'));
                Sync(disk, "d/f");
              }),
              testing::ElementsAre("aa"));
}

TEST(SimDisk, WhatWasNotSyncedMayBeThereInPartsOrNot) {
  const auto outcomes = Outcomes([](SimDisk& disk) {
    Write(disk, "d/f", std::string(1024, 'a'));
    Sync(disk, "d/f");
    Write(disk, "d/f", std::string(1024, 'b'));
  });
  EXPECT_THAT(outcomes, testing::UnorderedElementsAre("aa", "bb", "ab", "ba"));
}

TEST(SimDisk, LaterPagesMayBeThereWithoutEarlierOnes) {
  const auto outcomes = Outcomes([](SimDisk& disk) {
    Write(disk, "d/f", "");
    Sync(disk, "d/f");
    Write(disk, "d/f", std::string(8192, 'a'));
  });
  EXPECT_THAT(outcomes, testing::Contains("00000000aaaaaaaa"));
  EXPECT_THAT(outcomes, testing::Contains("aaaaaaaa"));
  EXPECT_THAT(outcomes, testing::Contains(""));
  EXPECT_THAT(outcomes, testing::Contains("0000000000000000"));
}

TEST(SimDisk, BytesBesideWhatIsWrittenStay) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SimDisk disk(seed);
    Write(disk, "f", std::string(600, 'a'));
    Sync(disk, "f");
    Write(disk, "f", "bb", 100);
    disk.Crash();
    std::string bytes = ReadAll(disk, "f");
    EXPECT_TRUE(bytes.substr(100, 2) == "aa" || bytes.substr(100, 2) == "bb");
    EXPECT_EQ(bytes.erase(100, 2), std::string(598, 'a'));
  }
}

TEST(SimDisk, ANameThatWasNotSyncedMayBeMissing) {
  EXPECT_THAT(Outcomes([](SimDisk& disk) {
                Write(disk, "d/f", std::string(10, 'a'));
                ASSERT_EQ(disk.Open("d/f", O_RDWR)->Sync(), 0);
              }),
              testing::UnorderedElementsAre("none", "a"));
}

TEST(SimDisk, ARenameIsDoneOrNot) {
  EXPECT_THAT(Outcomes([](SimDisk& disk) {
                Write(disk, "d/f", std::string(10, 'a'));
                Sync(disk, "d/f");
                Write(disk, "d/new", std::string(10, 'b'));
                Sync(disk, "d/new");
                ASSERT_EQ(disk.Rename("d/new", "d/f"), 0);
              }),
              testing::UnorderedElementsAre("a", "b"));
}

TEST(SimDisk, AFileThatWasCutMayBeAsLongAsBefore) {
  EXPECT_THAT(Outcomes([](SimDisk& disk) {
                Write(disk, "d/f", std::string(8192, 'a'));
                Sync(disk, "d/f");
                ASSERT_EQ(disk.Open("d/f", O_RDWR)->Truncate(0), 0);
              }),
              testing::UnorderedElementsAre("", "aaaaaaaaaaaaaaaa"));
}

TEST(SimDisk, ASyncThatFailedIsNotMadeUpForByALaterOne) {
  const auto outcomes = Outcomes([](SimDisk& disk) {
    Write(disk, "d/f", std::string(512, 'a'));
    Sync(disk, "d/f");
    Write(disk, "d/f", std::string(512, 'b'));
    disk.FailSyncs(1);
    EXPECT_EQ(disk.Open("d/f", O_RDWR)->Sync(), -1);
    EXPECT_EQ(disk.Open("d/f", O_RDWR)->Sync(), 0);
  });
  EXPECT_THAT(outcomes, testing::ElementsAre("a"));
}

TEST(SimDisk, ALieIsToldOfWhenItCosts) {
  std::set<std::pair<std::string, bool>> outcomes;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SimDisk disk(seed);
    Write(disk, "f", "a");
    Sync(disk, "f");
    disk.Lie(true);
    Write(disk, "f", "b");
    Sync(disk, "f");
    const bool broken = disk.Crash();
    outcomes.insert({ReadAll(disk, "f"), broken});
  }
  EXPECT_THAT(outcomes, testing::UnorderedElementsAre(std::pair("a", true), std::pair("b", false)));
}

TEST(SimDisk, AFullOneTakesWhatHasRoom) {
  SimDisk disk(1);
  Write(disk, "f", "a");
  Write(disk, "kept", std::string(4096, 'k'));
  disk.Fill(4096);
  auto file = disk.Open("f", O_RDWR);
  const std::string large(20'000, 'b');
  EXPECT_EQ(file->Write(large.data(), large.size(), 0), 8192);
  EXPECT_EQ(file->Write(large.data(), 1, 8192), -1);
  EXPECT_EQ(errno, ENOSPC);
  ASSERT_EQ(disk.Unlink("kept"), 0);
  EXPECT_EQ(file->Write(large.data(), large.size(), 8192), 4096);
}

TEST(SimDisk, AFlippedBitFlippedAgainIsNone) {
  SimDisk disk(1);
  Write(disk, "f", "abc");
  Sync(disk, "f");
  disk.FlipBit("f", 8);
  EXPECT_EQ(ReadAll(disk, "f"), "acc");
  disk.FlipBit("f", 8);
  EXPECT_EQ(ReadAll(disk, "f"), "abc");
}

// ---- SQLite -----------------------------------------------------------------------------------

using sqlite::Database;

int64_t Sum(SimDisk& disk) {
  auto db = Database::Open("d/db", Database::Mode::kReadWrite, disk);
  if (!db) return -1;
  auto rows = db->Prepare("SELECT sum(n) FROM t");
  if (!rows) return -2;
  auto row = rows->Step();
  return row && *row ? rows->Int(0) : -3;
}

TEST(SimDisk, WhatSqliteHasCommittedIsThereAfterACrashAndNothingHalf) {
  std::set<int64_t> sums;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SimDisk disk(seed);
    disk.MakeDirectory("d", 0700);
    auto db = Database::Open("d/db", Database::Mode::kReadWrite, disk);
    ASSERT_TRUE(db) << db.error().message;
    ASSERT_TRUE(db->Execute("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL; CREATE TABLE t (n, filler)"));
    for (int i = 0; i < 20; ++i) {
      auto done = db->Execute("INSERT INTO t VALUES (1, randomblob(3000))");
      ASSERT_TRUE(done) << done.error().message;
    }
    ASSERT_TRUE(db->Execute("PRAGMA synchronous = OFF; BEGIN; INSERT INTO t VALUES (100, randomblob(9000)); COMMIT"));
    disk.Freeze();
    db = Database();
    disk.Crash();
    sums.insert(Sum(disk));
  }
  EXPECT_THAT(sums, testing::UnorderedElementsAre(20, 120));
}

TEST(SimDisk, ReadersAndAWriterShareADatabase) {
  SimDisk disk(1);
  disk.MakeDirectory("d", 0700);
  auto db = *Database::Open("d/db", Database::Mode::kReadWrite, disk);
  ASSERT_TRUE(db.Execute("PRAGMA journal_mode = WAL; CREATE TABLE t (n); BEGIN; INSERT INTO t VALUES (1)"));
  EXPECT_EQ(Sum(disk), -3 + 3);
  ASSERT_TRUE(db.Execute("COMMIT"));
  EXPECT_EQ(Sum(disk), 1);
}

}  // namespace
}  // namespace cromt::sim
