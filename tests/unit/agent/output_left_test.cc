// Output whose launcher died or whose host crashed: what is there is counted, and what may be missing is said.
#include "agent/output_left.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/queue.h"
#include "io/seglog/reader.h"
#include "io/seglog/writer.h"
#include "tests/unit/agent_journal/file_size_limit.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class OutputLeftTest : public testing::Test {
 protected:
  OutputLeftTest()
      : dir_(testing::TempDir() + "left-" + testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(dir_);
    records_ = {journal::Opened{JournalId("j"), "boot1"}};
  }
  ~OutputLeftTest() override { std::filesystem::remove_all(dir_); }

  // Where it begins.
  uint64_t Print(Ticket ticket, uint64_t offset, std::string_view text) {
    auto writer = seglog::Writer::Open(dir_);
    const uint64_t begin = writer->position();
    std::string bytes;
    seglog::EncodeFrame({seglog::Stream::kStdout, ticket, offset, 1, text}, bytes);
    EXPECT_TRUE(writer->Append(bytes));
    return begin;
  }
  uint64_t End() { return seglog::Writer::Open(dir_)->position(); }
  // The host's disk never got the last of it.
  void Cut(uint64_t bytes) {
    const std::string path = seglog::SegmentPath(dir_, 1);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - bytes);
  }

  void Accepted(Ticket ticket) {
    auto spec = std::make_shared<TaskSpec>();
    spec->work = Command{{"x"}};
    records_.push_back(journal::Accepted{ticket, MeshId("m"), {RunId("r"), static_cast<TaskIndex>(ticket), 1}, spec});
  }
  void Begun(Ticket ticket) {
    Accepted(ticket);
    records_.push_back(journal::Launching{ticket, static_cast<uint32_t>(ticket), "launcher1"});
  }
  void Ended(Ticket ticket, int64_t bytes, uint64_t begin, uint64_t end) {
    Begun(ticket);
    AttemptResult result{.kind = AttemptResult::Kind::kExited, .status = Exited{0}, .log_bytes = bytes};
    records_.push_back(journal::Ended{ticket, ticket, result, begin, end});
  }
  OutputsInLog AfterCrash() {
    auto outputs =
        OutputAfterCrash(dir_, records_, WallFromMicros(7), [this](const std::string& text) { warning_ = text; });
    EXPECT_TRUE(outputs) << outputs.error().message;
    return outputs ? *outputs : OutputsInLog();
  }
  // "TICKET: TEXT", "TICKET note: TEXT".
  std::vector<std::string> Frames() {
    std::vector<std::string> texts;
    auto reader = seglog::Reader::Open(dir_, 0);
    for (;;) {
      const auto frames = *reader->Read(1 << 20);
      for (const auto& [frame, position] : frames)
        texts.push_back(
            fmt::format("{}{}: {}", frame.log_id, frame.stream == seglog::Stream::kNote ? " note" : "", frame.data));
      if (frames.empty()) return texts;
    }
  }

  std::string dir_;
  std::vector<JournalRecord> records_;
  std::string warning_;
};

TEST_F(OutputLeftTest, WhatWasWrittenIsCounted) {
  Print(1, 0, "before");
  const uint64_t others = Print(2, 0, "another's");
  const uint64_t one = Print(1, 6, "one");
  const uint64_t three = Print(3, 0, "three");
  const uint64_t two = Print(1, 9, "two");
  const uint64_t end = End();
  EXPECT_THAT(OutputWritten(dir_, one, {1, 2, 3}),
              UnorderedElementsAre(std::pair<const Ticket, OutputInLog>(1, {12, one, end}),
                                   std::pair<const Ticket, OutputInLog>(3, {5, three, two})));
  EXPECT_THAT(OutputWritten(dir_, 0, {2}),
              UnorderedElementsAre(std::pair<const Ticket, OutputInLog>(2, {9, others, one})));
  EXPECT_TRUE(OutputWritten(dir_ + "-not-there", 0, {1}).empty());
}

// Its launcher began before what was stored meanwhile, and so was removed.
TEST_F(OutputLeftTest, WhatIsLeftIsCountedThoughItsBeginningWasRemoved) {
  const uint64_t begin = Print(1, 0, "stored");
  ASSERT_TRUE(seglog::Writer::Open(dir_)->GoBehind(begin));
  const uint64_t left = Print(1, 6, "left");
  ASSERT_TRUE(seglog::RemoveBefore(dir_, left));
  QueuedAttempt attempt{.ticket = 1};
  attempt.log_begin = begin;
  const QueuedAttempt* lost = &attempt;
  EXPECT_THAT(OutputOfLost(dir_, End(), {&lost, 1}),
              UnorderedElementsAre(std::pair<const Ticket, OutputInLog>(1, {10, left, End()})));
}

TEST_F(OutputLeftTest, ACrashIsToldWhereSomethingMayBeMissing) {
  const uint64_t begin = Print(1, 0, "begun ");
  Print(1, 6, "before");
  const uint64_t whole = Print(4, 0, "whole");
  Ended(4, 5, whole, End());
  Begun(1);
  Begun(2);     // and said nothing, as far as is known
  Accepted(3);  // in line: nothing of it is here
  const auto outputs = AfterCrash();
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_GT(outputs.at(1).bytes, 12);
  EXPECT_EQ(outputs.at(1).begin, begin);
  EXPECT_EQ(outputs.at(2).bytes, outputs.at(1).bytes - 12);
  EXPECT_EQ(outputs.at(2).end, End());
  EXPECT_EQ(outputs.at(4).bytes, 5);
  EXPECT_THAT(Frames(), ElementsAre("1: begun ", "1: before", "4: whole", HasSubstr("1 note: the host was restarted"),
                                    HasSubstr("2 note: the host was restarted")));
}

// By what is left of the journal it was in line.
TEST_F(OutputLeftTest, WhatHasPrintedHasBegun) {
  Print(1, 0, "x");
  Accepted(1);
  EXPECT_GT(AfterCrash().at(1).bytes, 1);
}

TEST_F(OutputLeftTest, AnEndWhoseOutputIsCutOffIsTold) {
  Print(1, 0, "first ");
  Print(1, 6, "last");
  const uint64_t end = End();
  Ended(1, 10, seglog::MakePosition(1, 0), end);
  Cut(3);
  EXPECT_GT(AfterCrash().at(1).end, end);
  EXPECT_THAT(Frames(), ElementsAre("1: first ", HasSubstr("1 note")));
}

// The coordinator has more than is left here: what comes now must not lie at positions that it has been told.
TEST_F(OutputLeftTest, TheLogGoesOnBehindAllThatWasGivenOut) {
  Print(1, 0, "stored elsewhere");
  const uint64_t stored = End();
  Begun(1);
  records_.push_back(journal::Stored{MeshId("m"), stored});
  Cut(5);
  EXPECT_GT(AfterCrash().at(1).end, stored);
  const uint64_t next = Print(2, 0, "new");
  EXPECT_GT(next, stored);
  auto reader = seglog::Reader::Open(dir_, stored);
  ASSERT_TRUE(reader) << reader.error().message;
  const auto frames = *reader->Read(1 << 20);
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].frame.stream, seglog::Stream::kNote);
  EXPECT_EQ(frames[1].frame.data, "new");
}

// The agent died after it had said so, and before its journal knew.
TEST_F(OutputLeftTest, SaidTwiceItIsTheSame) {
  Print(1, 0, "x");
  Begun(1);
  const int64_t once = AfterCrash().at(1).bytes;
  EXPECT_EQ(AfterCrash().at(1).bytes, once);
}

// The second note has no room, nor has any after it.
TEST_F(OutputLeftTest, OnAFullDiskWhatIsThereIsTakenUpWithoutNotes) {
  for (Ticket ticket : {1, 2, 3}) {
    Print(ticket, 0, "said");
    Begun(ticket);
  }
  const uint64_t end = End();
  OutputsInLog outputs;
  {
    FileSizeLimit full(200);
    outputs = AfterCrash();
  }
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_GT(outputs.at(1).bytes, 4);
  EXPECT_EQ(outputs.at(2).bytes, 4);
  EXPECT_EQ(outputs.at(3), (OutputInLog{4, outputs.at(2).end, end}));
  EXPECT_THAT(warning_, HasSubstr("no note can say"));
  EXPECT_THAT(warning_, HasSubstr("00000002.seg: File too large"));
  Print(4, 0, "next");
  EXPECT_THAT(Frames(), ElementsAre("1: said", "2: said", "3: said", HasSubstr("1 note"), "4: next"));
}

}  // namespace
}  // namespace cromt
