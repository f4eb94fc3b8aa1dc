// What every journal promises, the file as well as the simulator's fake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "agent/fake_journal.h"
#include "agent/journal.h"
#include "tests/unit/agent_journal/file_size_limit.h"
#include "tests/unit/agent_journal/records.h"
#include "tests/unit/agent_journal/scratch_dir.h"

namespace cromt {
namespace {

using testing::IsEmpty;

// A journal and the world around it.
class Place {
 public:
  virtual ~Place() = default;
  virtual JournalStore& store() = 0;
  // The process dies and a new one opens the journal: what it reads.
  virtual std::vector<JournalRecord> Restart() = 0;
  // Runs `write` while the disk is full.
  virtual void WhileFull(const std::function<void()>& write) = 0;
};

class RealPlace final : public Place {
 public:
  RealPlace() { Restart(); }
  JournalStore& store() override { return *journal_; }
  std::vector<JournalRecord> Restart() override {
    journal_.reset();
    Journal::Opened opened = Journal::Open(dir_.path()).value();
    EXPECT_EQ(opened.note, "");
    journal_ = std::move(opened.journal);
    return std::move(opened.records);
  }
  void WhileFull(const std::function<void()>& write) override {
    FileSizeLimit limit(journal_->size_bytes() + 20);  // some of it may still be written
    write();
  }

 private:
  ScratchDir dir_;
  std::unique_ptr<Journal> journal_;
};

class FakePlace final : public Place {
 public:
  JournalStore& store() override { return journal_; }
  std::vector<JournalRecord> Restart() override {
    JournalContent content = journal_.Reopen().value();
    EXPECT_EQ(content.note, "");
    return std::move(content.records);
  }
  void WhileFull(const std::function<void()>& write) override {
    journal_.FailWrites(true);
    write();
    journal_.FailWrites(false);
  }

 private:
  FakeJournal journal_;
};

template <class PlaceType>
class JournalContract : public testing::Test {
 protected:
  JournalStore& store() { return place_.store(); }
  PlaceType place_;
};

using Places = testing::Types<RealPlace, FakePlace>;
TYPED_TEST_SUITE(JournalContract, Places);

TYPED_TEST(JournalContract, ANewOneIsEmpty) {
  EXPECT_THAT(this->place_.Restart(), IsEmpty());
}

TYPED_TEST(JournalContract, WhatWasAppendedIsReadInOrderByTheNextProcess) {
  std::vector<JournalRecord> records = {Accepted(1, SpecOf("a")), Forgotten(1), Accepted(2, SpecOf("b"))};
  ASSERT_TRUE(Append(this->store(), {records[0], records[1]}));
  ASSERT_TRUE(Append(this->store(), {records[2]}));
  EXPECT_EQ(Text(this->place_.Restart()), Text(records));
}

TYPED_TEST(JournalContract, TheNextProcessGoesOnWhereTheLastOneStopped) {
  auto spec = SpecOf("a");
  ASSERT_TRUE(Append(this->store(), {Accepted(1, spec)}));
  this->place_.Restart();
  ASSERT_TRUE(Append(this->store(), {Accepted(2, spec)}));
  EXPECT_EQ(Text(this->place_.Restart()), Text({Accepted(1, spec), Accepted(2, spec)}));
}

TYPED_TEST(JournalContract, TasksAlikeAreWrittenOnceAndShared) {
  auto large = SpecOf(std::string(100'000, 'x'));
  std::vector<JournalRecord> records;
  for (Ticket ticket = 1; ticket <= 50; ++ticket) records.push_back(Accepted(ticket, large));
  ASSERT_TRUE(Append(this->store(), records));
  EXPECT_LT(this->store().size_bytes(), 110'000u);
  std::vector<JournalRecord> read = this->place_.Restart();
  ASSERT_EQ(Text(read), Text(records));
  EXPECT_EQ(std::get<journal::Accepted>(read[0]).spec, std::get<journal::Accepted>(read[49]).spec);
}

TYPED_TEST(JournalContract, AppendingNothingIsNothing) {
  uint64_t before = this->store().size_bytes();
  ASSERT_TRUE(Append(this->store(), {}));
  EXPECT_EQ(this->store().size_bytes(), before);
}

TYPED_TEST(JournalContract, ASyncSucceedsAndChangesNothing) {
  ASSERT_TRUE(Append(this->store(), {Forgotten(1)}));
  uint64_t before = this->store().size_bytes();
  ASSERT_TRUE(this->store().Sync());
  EXPECT_EQ(this->store().size_bytes(), before);
  EXPECT_EQ(Text(this->place_.Restart()), Text({Forgotten(1)}));
}

TYPED_TEST(JournalContract, ARewriteReplacesEverythingAndIsAppendedTo) {
  auto spec = SpecOf("kept");
  for (Ticket ticket = 1; ticket <= 100; ++ticket) ASSERT_TRUE(Append(this->store(), {Forgotten(ticket)}));
  uint64_t before = this->store().size_bytes();
  std::vector<JournalRecord> snapshot = {Accepted(7, spec)};
  ASSERT_TRUE(this->store().Rewrite(snapshot));
  EXPECT_LT(this->store().size_bytes(), before);
  ASSERT_TRUE(Append(this->store(), {Accepted(8, spec), Forgotten(7)}));
  EXPECT_EQ(Text(this->place_.Restart()), Text({Accepted(7, spec), Accepted(8, spec), Forgotten(7)}));
}

TYPED_TEST(JournalContract, ARewriteToNothingIsAnEmptyJournal) {
  uint64_t empty = this->store().size_bytes();
  ASSERT_TRUE(Append(this->store(), {Forgotten(1)}));
  ASSERT_TRUE(this->store().Rewrite({}));
  EXPECT_EQ(this->store().size_bytes(), empty);
  EXPECT_THAT(this->place_.Restart(), IsEmpty());
}

TYPED_TEST(JournalContract, AFullDiskLeavesTheJournalAsItWas) {
  auto spec = SpecOf("a");
  ASSERT_TRUE(Append(this->store(), {Accepted(1, spec)}));
  uint64_t before = this->store().size_bytes();
  this->place_.WhileFull([&] {
    EXPECT_FALSE(Append(this->store(), {Forgotten(1), Accepted(2, SpecOf("lost")), Forgotten(2)}));
    EXPECT_EQ(this->store().size_bytes(), before);
    std::vector<JournalRecord> large = {Accepted(3, SpecOf(std::string(10'000, 'x')))};
    EXPECT_FALSE(this->store().Rewrite(large));
    EXPECT_EQ(this->store().size_bytes(), before);
  });
  // Also what counts as "the task before" is what it was.
  ASSERT_TRUE(Append(this->store(), {Accepted(4, SpecOf("lost"))}));
  EXPECT_EQ(Text(this->place_.Restart()), Text({Accepted(1, spec), Accepted(4, SpecOf("lost"))}));
}

TYPED_TEST(JournalContract, ATooLargeRecordIsRefusedWithAllThatComeWithIt) {
  auto spec = SpecOf(std::string(kMaxRecordBytes, 'x'));
  uint64_t before = this->store().size_bytes();
  Status appended = Append(this->store(), {Forgotten(1), Accepted(2, spec)});
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(appended.error().message, testing::EndsWith(" bytes; at most 4194304 are allowed"));
  EXPECT_EQ(this->store().size_bytes(), before);
  ASSERT_TRUE(Append(this->store(), {Forgotten(3)}));
  EXPECT_EQ(Text(this->place_.Restart()), Text({Forgotten(3)}));
}

}  // namespace
}  // namespace cromt
