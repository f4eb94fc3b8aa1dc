// What only the file can show: its directory, its name, damage found in it, and threads.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "agent/journal.h"
#include "tests/unit/agent_journal/file_size_limit.h"
#include "tests/unit/agent_journal/records.h"
#include "tests/unit/agent_journal/scratch_dir.h"

namespace cromt {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class JournalFileTest : public testing::Test {
 protected:
  Journal::Opened Open() { return Journal::Open(dir()).value(); }
  std::string dir() const { return scratch_.path() + "/agent"; }
  std::string Bytes() const { return scratch_.Read("agent/journal"); }
  void SetBytes(std::string_view bytes) const { scratch_.Write("agent/journal", bytes); }

  ScratchDir scratch_;
};

TEST_F(JournalFileTest, IsMadeForItsOwnerOnly) {
  Open();
  struct stat info;
  ASSERT_EQ(stat((dir() + "/journal").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(dir().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(JournalFileTest, ATornEndIsCutOffWithANote) {
  uint64_t size = 0;
  {
    auto [journal, records, note] = Open();
    ASSERT_TRUE(Append(*journal, {Forgotten(1)}));
    size = journal->size_bytes();
    ASSERT_TRUE(Append(*journal, {Forgotten(2)}));
  }
  SetBytes(Bytes().substr(0, size + 5));
  auto [journal, records, note] = Open();
  EXPECT_EQ(Text(records), Text({Forgotten(1)}));
  EXPECT_EQ(note, "the journal's last record was cut short by a crash: 5 bytes are dropped");
  EXPECT_EQ(Bytes().size(), size);
  ASSERT_TRUE(Append(*journal, {Forgotten(3)}));
  EXPECT_EQ(Text(Open().records), Text({Forgotten(1), Forgotten(3)}));
}

TEST_F(JournalFileTest, DamageInTheMiddleIsReportedAndLeftAlone) {
  ASSERT_TRUE(Append(*Open().journal, {Forgotten(1), Forgotten(2)}));
  std::string damaged = Bytes();
  damaged[kJournalHeaderBytes + 5] ^= 1;
  SetBytes(damaged);
  auto opened = Journal::Open(dir());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(opened.error().message, testing::StartsWith(dir() + "/journal: the record at byte 20 is damaged"));
  EXPECT_EQ(Bytes(), damaged);
}

TEST_F(JournalFileTest, AForeignFileIsReportedAndLeftAlone) {
  mkdir(dir().c_str(), 0700);
  SetBytes("precious");
  EXPECT_EQ(Journal::Open(dir()).error().message, dir() + "/journal: this is no journal of an agent");
  EXPECT_EQ(Bytes(), "precious");
}

TEST_F(JournalFileTest, ALinkIsNotFollowed) {
  mkdir(dir().c_str(), 0700);
  scratch_.Write("target", "");
  ASSERT_EQ(symlink("../target", (dir() + "/journal").c_str()), 0);
  EXPECT_FALSE(Journal::Open(dir()));
  EXPECT_EQ(scratch_.Read("target"), "");
}

TEST_F(JournalFileTest, ARewriteThatWasCutShortIsForgotten) {
  ASSERT_TRUE(Append(*Open().journal, {Forgotten(1)}));
  scratch_.Write("agent/journal.new", "half of a");
  EXPECT_EQ(Text(Open().records), Text({Forgotten(1)}));
  EXPECT_FALSE(std::filesystem::exists(dir() + "/journal.new"));
}

TEST_F(JournalFileTest, AFailedRewriteLeavesNoFileBehind) {
  auto [journal, records, note] = Open();
  ASSERT_TRUE(Append(*journal, {Forgotten(1)}));
  {
    FileSizeLimit limit(10);
    std::vector<JournalRecord> snapshot = {Forgotten(1)};
    EXPECT_FALSE(journal->Rewrite(snapshot));
  }
  EXPECT_FALSE(std::filesystem::exists(dir() + "/journal.new"));
  EXPECT_TRUE(journal->Sync());
  EXPECT_EQ(Text(Open().records), Text({Forgotten(1)}));
}

// Every size at which a write can break off, each followed by a shorter one that succeeds.
TEST_F(JournalFileTest, AShortWriteLeavesNothingBehindWhereverItStops) {
  auto [journal, records, note] = Open();
  std::vector<JournalRecord> expected;
  for (uint64_t more = 0; more < 40; ++more) {
    {
      FileSizeLimit limit(journal->size_bytes() + more);
      ASSERT_FALSE(Append(*journal, {Forgotten(100), Forgotten(101), Forgotten(102)}));
    }
    EXPECT_EQ(Bytes().size(), journal->size_bytes());
    expected.push_back(Forgotten(more + 1));
    ASSERT_TRUE(Append(*journal, {expected.back()}));
  }
  EXPECT_EQ(Text(Open().records), Text(expected));
}

TEST_F(JournalFileTest, TwoFilesHaveTwoMarks) {
  Open();
  std::string first = Bytes();
  std::vector<JournalRecord> nothing;
  ASSERT_TRUE(Open().journal->Rewrite(nothing));
  EXPECT_NE(Bytes(), first);
}

TEST_F(JournalFileTest, IsSyncedByAnotherThreadMeanwhile) {
  auto [journal, records, note] = Open();
  std::atomic<bool> done = false;
  std::atomic<int> failures = 0;
  std::thread syncer([&, store = journal.get()] {
    do {
      if (!store->Sync()) ++failures;
    } while (!done);
  });
  std::vector<JournalRecord> expected;
  for (Ticket ticket = 1; ticket <= 200; ++ticket) {
    expected.push_back(Forgotten(ticket));
    EXPECT_TRUE(Append(*journal, {expected.back()}));
    if (ticket % 50 != 0) continue;
    EXPECT_TRUE(journal->Rewrite(expected));
  }
  done = true;
  syncer.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(Text(Open().records), Text(expected));
}

}  // namespace
}  // namespace cromt
