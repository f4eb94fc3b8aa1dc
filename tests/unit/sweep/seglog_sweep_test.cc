// Goal: whichever call of the disk fails, a log has all frames that it acknowledged, in their order and once, and
// nothing of others but whole ones. It is never synced: a crash of the machine may take its end, but nothing else is
// ever read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "io/seglog/reader.h"
#include "io/seglog/writer.h"
#include "tests/unit/sweep/sweep.h"

namespace cromt::seglog {
namespace {

using sim::Case;
using sim::SimDisk;
using sim::Sweep;
using Numbers = std::vector<uint64_t>;

constexpr const char* kLog = "d/log";
constexpr uint64_t kSegment = 150;  // bytes: some two frames
constexpr uint64_t kFrames = 7, kNext = 100;

std::string DataOf(uint64_t number) {
  return "line " + std::to_string(number);
}

std::string FrameOf(uint64_t number) {
  std::string bytes;
  const std::string data = DataOf(number);
  EncodeFrame({.stream = Stream::kStdout, .log_id = 1, .offset = number, .data = data}, bytes);
  return bytes;
}

struct Told {
  std::map<uint64_t, uint32_t> acknowledged;  // in which segment
  bool removed = false;                       // the first segment
  Position end = 0;                           // the last that was given out
};

// As a launcher: what is refused comes again; after that the process ends, and another one goes on.
Told Work(SimDisk& disk) {
  Told told;
  uint64_t number = 1;
  for (int process = 0; process < 2; ++process) {
    auto writer = Writer::Open(kLog, kSegment, disk);
    if (!writer) continue;
    int refused = 0;
    while (number <= kFrames && refused < 2) {
      if (!writer->Append(FrameOf(number))) {
        ++refused;
        continue;
      }
      told.end = writer->position();
      told.acknowledged.emplace(number++, SegmentOf(told.end));
      if (number != 6) continue;
      told.removed = true;
      (void)RemoveBefore(kLog, MakePosition(2, 0), disk);
    }
    if (refused == 2) ++number;  // it may be there, and another process writes other frames
  }
  return told;
}

// All that is read from the beginning.
Numbers Read(SimDisk& disk, const std::string& at) {
  Numbers numbers;
  auto reader = Reader::Open(kLog, 0, disk);
  while (reader) {
    auto frames = reader->Read(1 << 20);
    if (!frames && frames.error().code == ErrorCode::kCorrupt && reader->SkipDamage()) continue;
    if (!frames || frames->empty()) break;
    for (const PlacedFrame& placed : *frames) {
      EXPECT_EQ(placed.frame.data, DataOf(placed.frame.offset)) << at;
      numbers.push_back(placed.frame.offset);
    }
  }
  return numbers;
}

// What the next process finds.
void Check(SimDisk& disk, const Told& told, const Case& at) {
  Numbers is = Read(disk, at.text());
  EXPECT_EQ(std::ranges::adjacent_find(is, std::greater_equal<>()), is.end()) << at.text();
  for (const auto& [number, segment] : told.acknowledged) {
    const bool may_be_gone = at.crashes || (told.removed && segment == 1);
    EXPECT_TRUE(may_be_gone || std::ranges::count(is, number) == 1) << at.text() << ": " << number;
  }
  auto writer = Writer::Open(kLog, kSegment, disk);
  ASSERT_TRUE(writer) << at.text() << ": " << writer.error().message;
  EXPECT_TRUE(!at.crashes || writer->GoBehind(told.end)) << at.text();
  ASSERT_TRUE(writer->Append(FrameOf(kNext))) << at.text();
  is.push_back(kNext);
  EXPECT_EQ(Read(disk, at.text()), is) << at.text();
}

TEST(SeglogSweep, NothingAcknowledgedIsLostAndNothingHalfWrittenIsBelieved) {
  Told told;
  const uint64_t calls = Sweep(
      [&](SimDisk& disk) {
        told = Work(disk);
        disk.Freeze();  // the process dies
      },
      [&](SimDisk& disk, const Case& at) {
        EXPECT_TRUE(at.call != 0 || told.acknowledged.size() == kFrames) << "nothing fails";
        Check(disk, told, at);
      });
  EXPECT_GT(calls, 15u);
}

}  // namespace
}  // namespace cromt::seglog
