// Which damage a crash explains, and which is reported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/journal_format.h"
#include "base/bytes.h"
#include "tests/unit/agent_journal/records.h"

namespace cromt {
namespace {

using testing::HasSubstr;

constexpr uint32_t kMark = 0x12345678;

// A journal of three records, and where each begins.
class JournalFormatTest : public testing::Test {
 protected:
  JournalFormatTest() {
    JournalEncoder encoder(kMark);
    file_ = encoder.Header();
    for (const JournalRecord& record : records_) {
      begins_.push_back(file_.size());
      EXPECT_TRUE(encoder.Encode(std::span(&record, 1), file_));
    }
  }
  static std::string ErrorOf(std::string_view file) {
    auto content = DecodeJournal(file);
    if (content) return "";
    EXPECT_EQ(content.error().code, ErrorCode::kCorrupt);
    return content.error().message;
  }
  // How many records are read, the rest being a cut end.
  static size_t ReadBeforeCut(std::string_view file) {
    auto content = DecodeJournal(file);
    if (!content) ADD_FAILURE() << content.error().message;
    if (!content) return 0;
    EXPECT_EQ(content->note.empty(), content->good_bytes == file.size());
    return content->records.size();
  }

  std::vector<JournalRecord> records_ = {Accepted(1, SpecOf("a")), Forgotten(1), Forgotten(2)};
  std::string file_;
  std::vector<size_t> begins_;
};

TEST_F(JournalFormatTest, WhatWasWrittenIsRead) {
  JournalContent content = DecodeJournal(file_).value();
  EXPECT_EQ(Text(content.records), Text(records_));
  EXPECT_EQ(content.good_bytes, file_.size());
  EXPECT_EQ(content.note, "");
}

TEST_F(JournalFormatTest, AnEndCutAnywhereIsDroppedAndNothingElse) {
  for (size_t size = kJournalHeaderBytes; size <= file_.size(); ++size) {
    size_t whole = static_cast<size_t>(std::upper_bound(begins_.begin(), begins_.end(), size) - begins_.begin());
    size_t expected = size == file_.size() ? 3 : whole - 1;
    EXPECT_EQ(ReadBeforeCut(std::string_view(file_).substr(0, size)), expected) << size;
  }
}

TEST_F(JournalFormatTest, ADamagedLastRecordIsDropped) {
  for (size_t at = begins_[2]; at < file_.size(); ++at) {
    std::string damaged = file_;
    damaged[at] ^= 0x10;
    EXPECT_EQ(ReadBeforeCut(damaged), 2u) << at;
  }
}

TEST_F(JournalFormatTest, AnEndOfZerosIsDropped) {
  EXPECT_EQ(ReadBeforeCut(file_ + std::string(100'000, '\0')), 3u);
}

TEST_F(JournalFormatTest, EveryFlippedBitBeforeTheLastRecordIsReported) {
  for (size_t at = kJournalHeaderBytes; at < begins_[2]; ++at) {
    std::string damaged = file_;
    damaged[at] ^= 0x01;
    EXPECT_THAT(ErrorOf(damaged), HasSubstr("is damaged, and whole ones follow from byte ")) << at;
  }
}

// Of a file whose boots began with these records: the first `whole` bytes, zeros where a crash has lost the next ten,
// and the rest. How many records are read, -1 if it is damaged.
int ReadAfterCrash(const std::vector<JournalRecord>& records, size_t lost, std::string_view boot) {
  JournalEncoder encoder(kMark);
  std::string file = encoder.Header();
  size_t at = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    if (i == lost) at = file.size();
    EXPECT_TRUE(encoder.Encode(std::span(&records[i], 1), file));
  }
  file.replace(at, 10, 10, '\0');
  auto content = DecodeJournal(file, boot);
  if (!content) return -1;
  EXPECT_THAT(content->note, HasSubstr("the host has crashed"));
  return static_cast<int>(content->records.size());
}

JournalRecord OpenedIn(const std::string& boot) {
  return journal::Opened{JournalId("j"), boot, 1};
}

// Found by the simulator: a power cut while pages were on their way to the disk left an agent that never started again.
TEST(JournalAfterACrashOfTheHost, LaterPagesMayBeThereWithoutEarlierOnes) {
  const std::vector<JournalRecord> records = {OpenedIn("b1"), Accepted(1, SpecOf("a")), Forgotten(1), Forgotten(2)};
  EXPECT_EQ(ReadAfterCrash(records, 1, "b2"), 1);
  EXPECT_EQ(ReadAfterCrash(records, 2, "b2"), 2);
}

TEST(JournalAfterACrashOfTheHost, DamageIsDamageWhereNoHostHasCrashed) {
  const std::vector<JournalRecord> records = {OpenedIn("b1"), Forgotten(1), Forgotten(2)};
  EXPECT_EQ(ReadAfterCrash(records, 1, "b1"), -1);
  EXPECT_EQ(ReadAfterCrash(records, 1, ""), -1);
}

TEST(JournalAfterACrashOfTheHost, WhatCameBeforeABootWasOnDiskWhenThatBegan) {
  const std::vector<JournalRecord> records = {OpenedIn("b1"), Forgotten(1), OpenedIn("b2"), Forgotten(2), Forgotten(3)};
  EXPECT_EQ(ReadAfterCrash(records, 1, "b3"), -1);
  EXPECT_EQ(ReadAfterCrash(records, 0, "b3"), -1);
  EXPECT_EQ(ReadAfterCrash(records, 3, "b3"), 3);
}

TEST_F(JournalFormatTest, TheComplaintSaysWhere) {
  std::string damaged = file_;
  damaged[begins_[1] + kJournalFrameHeaderBytes] ^= 0x01;
  EXPECT_EQ(ErrorOf(damaged), "the record at byte " + std::to_string(begins_[1]) +
                                  " is damaged, and whole ones follow from byte " + std::to_string(begins_[2]) +
                                  " on: this is no end that a crash cut short");
}

TEST_F(JournalFormatTest, AMissingByteIsReported) {
  std::string without = file_.substr(0, begins_[1]) + file_.substr(begins_[1] + 1);
  EXPECT_THAT(ErrorOf(without), HasSubstr("is damaged"));
}

TEST_F(JournalFormatTest, FramesThatAJobWroteIntoItsScriptAreNotTakenForFrames) {
  // The job knows the format, but not this file's mark.
  JournalEncoder guessed(kMark + 1);
  std::string frame;
  ASSERT_TRUE(guessed.Encode(std::span(&records_[1], 1), frame));
  JournalEncoder encoder(kMark);
  std::string file = encoder.Header();
  std::vector<JournalRecord> records = {Accepted(1, SpecOf(frame + frame))};
  ASSERT_TRUE(encoder.Encode(records, file));
  EXPECT_EQ(ReadBeforeCut(std::string_view(file).substr(0, file.size() - 1)), 0u);
}

TEST_F(JournalFormatTest, WhatIsNoJournalIsRefused) {
  EXPECT_EQ(ErrorOf(""), "this is no journal of an agent");
  EXPECT_EQ(ErrorOf("#!/bin/sh\n"), "this is no journal of an agent");
  EXPECT_EQ(ErrorOf(file_.substr(0, kJournalHeaderBytes - 1)), "its header is cut short");
  std::string damaged = file_;
  damaged[13] ^= 1;
  EXPECT_EQ(ErrorOf(damaged), "its header is damaged");
}

TEST_F(JournalFormatTest, ANewerVersionIsRefused) {
  // Version 2, with the sum that belongs to it.
  std::string newer = "CROMTJNL";
  ByteWriter writer(newer);
  writer.U32(2);
  writer.U32(kMark);
  writer.U32(0x5FDD5687);
  EXPECT_EQ(ErrorOf(newer),
            "it has format version 2 and this program knows version 1: it was written by a newer one, use that");
}

TEST_F(JournalFormatTest, ARecordThatIsWholeButUnknownIsRefused) {
  // An Accepted that leans on the task of one before it, which was taken out.
  JournalEncoder encoder(kMark);
  std::string file = encoder.Header();
  std::string first_and_second;
  auto spec = SpecOf("a");
  std::vector<JournalRecord> first = {Accepted(1, spec)}, second = {Accepted(2, spec)};
  ASSERT_TRUE(encoder.Encode(first, first_and_second));
  std::string only_second;
  ASSERT_TRUE(encoder.Encode(second, only_second));
  EXPECT_EQ(ErrorOf(file + only_second),
            "the record at byte 20: accepted.spec: is missing, and no record before it has one");
}

}  // namespace
}  // namespace cromt
