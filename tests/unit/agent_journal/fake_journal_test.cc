// What only the fake can be told: crashes of the host and disks that fail to sync.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/fake_journal.h"
#include "tests/unit/agent_journal/records.h"

namespace cromt {
namespace {

TEST(FakeJournal, ACrashOfTheHostDropsWhatWasNotSynced) {
  FakeJournal journal;
  ASSERT_TRUE(Append(journal, {Forgotten(1)}));
  ASSERT_TRUE(journal.Sync());
  ASSERT_TRUE(Append(journal, {Forgotten(2)}));
  EXPECT_GT(journal.unsynced_bytes(), 0u);
  journal.CrashHost();
  JournalContent content = journal.Reopen().value();
  EXPECT_EQ(Text(content.records), Text({Forgotten(1)}));
  EXPECT_EQ(content.note, "");
}

TEST(FakeJournal, ACrashMayKeepAPartAndCutARecord) {
  FakeJournal journal;
  ASSERT_TRUE(Append(journal, {Forgotten(1)}));
  uint64_t one = journal.unsynced_bytes();
  ASSERT_TRUE(Append(journal, {Forgotten(2)}));
  journal.CrashHost(one + 3);
  JournalContent content = journal.Reopen().value();
  EXPECT_EQ(Text(content.records), Text({Forgotten(1)}));
  EXPECT_EQ(content.note, "the journal's last record was cut short by a crash: 3 bytes are dropped");
  ASSERT_TRUE(Append(journal, {Forgotten(3)}));
  EXPECT_EQ(Text(journal.Reopen().value().records), Text({Forgotten(1), Forgotten(3)}));
}

TEST(FakeJournal, ARewriteIsOnDiskAtOnce) {
  FakeJournal journal;
  std::vector<JournalRecord> snapshot = {Forgotten(1)};
  ASSERT_TRUE(journal.Rewrite(snapshot));
  journal.CrashHost();
  EXPECT_EQ(Text(journal.Reopen().value().records), Text(snapshot));
}

TEST(FakeJournal, AfterAFailedSyncOnlyARewriteHelps) {
  FakeJournal journal;
  ASSERT_TRUE(Append(journal, {Forgotten(1)}));
  journal.FailSyncs(true);
  EXPECT_FALSE(journal.Sync());
  journal.FailSyncs(false);
  EXPECT_FALSE(journal.Sync());
  std::vector<JournalRecord> snapshot = {Forgotten(1)};
  ASSERT_TRUE(journal.Rewrite(snapshot));
  EXPECT_TRUE(journal.Sync());
}

}  // namespace
}  // namespace cromt
