// Goal: whichever call of the disk fails, the coordinator keeps all output that it acknowledged, and none that nobody
// wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "coordinator/log_store.h"
#include "tests/unit/sweep/sweep.h"

namespace cromt {
namespace {

using sim::Case;
using sim::SimDisk;
using sim::Sweep;

constexpr int kPieces = 4;

// Pieces of output: of two runs by turns, each behind the one before.
RunLogChunk Piece(int number) {
  static const std::map<int, std::string> kTexts = {
      {0, std::string(300, 'a')}, {1, std::string(300, 'b')}, {2, std::string(300, 'c')}, {3, std::string(300, 'd')}};
  return {{RunId(number % 2 == 0 ? "even" : "odd"), 0, 1},
          seglog::Stream::kStdout,
          int64_t{number / 2} * 300,
          WallFromMicros(5),
          kTexts.at(number)};
}

Result<std::unique_ptr<LogStore>> OpenOn(SimDisk& disk) {
  SeededRandom random(1);
  return LogStore::Open(
      "d/logs", Durability::kHost, [](const RunId&) {}, disk, &random);
}

// As a collector: who is refused tries once more, and the next process gets all from an agent that was not
// acknowledged. The first process ends before it has synced the last piece. What was acknowledged.
std::vector<int> Work(SimDisk& disk) {
  std::vector<int> acknowledged;
  for (int process = 0; process < 2; ++process) {
    auto store = OpenOn(disk);
    if (!store) store = OpenOn(disk);
    for (int number = static_cast<int>(acknowledged.size()); store && number < kPieces; ++number) {
      const bool ends = process == 0 && number == kPieces - 1;
      auto keep = [&] {
        const Status appended = (*store)->Append({Piece(number)});
        return appended && (ends || (*store)->Sync());
      };
      if (!keep() && !keep()) break;
      if (!ends) acknowledged.push_back(number);
    }
  }
  return acknowledged;
}

// What the next process finds.
void Check(SimDisk& disk, const std::vector<int>& acknowledged, const std::string& at) {
  auto store = OpenOn(disk);
  ASSERT_TRUE(store) << at << ": " << store.error().message;
  // It appends, so that what a crash has torn is cut off, and goes on behind what is there.
  for (int number = 0; number < kPieces; ++number)
    if (std::ranges::count(acknowledged, number) == 0) {
      const Status appended = (*store)->Append({Piece(number)});
      ASSERT_TRUE(appended) << at << ": " << appended.error().message;
    }
  std::map<std::string, std::string> is;
  for (const char* run : {"even", "odd"})
    for (uint64_t cursor = 0;;) {
      auto slice = (*store)->Read(RunId(run), cursor, 1 << 20);
      ASSERT_TRUE(slice) << at << ": " << slice.error().message;
      for (const LogPiece& piece : slice->pieces) {
        EXPECT_EQ(piece.offset, static_cast<int64_t>(is[run].size())) << at;
        is[run] += piece.data;
      }
      if (slice->next_cursor == cursor) break;
      cursor = slice->next_cursor;
    }
  const std::map<std::string, std::string> all = {{"even", std::string(300, 'a') + std::string(300, 'c')},
                                                  {"odd", std::string(300, 'b') + std::string(300, 'd')}};
  EXPECT_EQ(is, all) << at;
}

TEST(LogStoreSweep, NothingAcknowledgedIsLostAndNothingHalfWrittenIsBelieved) {
  std::vector<int> acknowledged;
  const uint64_t calls = Sweep(
      [&](SimDisk& disk) {
        acknowledged = Work(disk);
        disk.Freeze();  // the process dies
      },
      [&](SimDisk& disk, const Case& at) {
        EXPECT_TRUE(at.call != 0 || acknowledged.size() == kPieces) << "nothing fails";
        Check(disk, acknowledged, at.text());
      });
  EXPECT_GT(calls, 20u);
}

// Else no mark of before were believed any more, though the disk has failed for a moment only.
TEST(LogMarks, AKeyThatCantBeReadIsNotWrittenOver) {
  SimDisk disk(1);
  (void)disk.MakeDirectory("d", 0700);
  SeededRandom random(1);
  auto open = [&] { return LogMarks::Open("d", Durability::kHost, disk, random); };
  std::string bytes;
  open().Encode(7, bytes);
  std::string_view rest = bytes;
  const auto mark = seglog::DecodeFrame(rest);
  ASSERT_TRUE(mark && *mark);
  disk.FailReads(true);
  EXPECT_FALSE(open().can_mark());
  disk.FailReads(false);
  EXPECT_EQ(open().SyncedBy(**mark), 7u);
}

}  // namespace
}  // namespace cromt
