#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "io/seglog/reader.h"
#include "io/seglog/writer.h"
#include "tests/unit/seglog/scratch_dir.h"

namespace cromt::seglog {
namespace {

std::string OneFrame(std::string_view data, uint64_t offset = 0) {
  std::string bytes;
  EncodeFrame({.stream = Stream::kStdout, .log_id = 1, .offset = offset, .data = data}, bytes);
  return bytes;
}

class SegmentedLogTest : public testing::Test {
 protected:
  Writer OpenWriter(uint64_t segment_bytes = kSegmentBytes) { return Writer::Open(dir(), segment_bytes).value(); }
  Reader OpenReader(Position position = 0) { return Reader::Open(dir(), position).value(); }
  const std::string& dir() const { return scratch_.path(); }

  // The data of all frames that one Read gives.
  static std::vector<std::string> Take(Reader& reader, size_t budget = 1 << 20) {
    std::vector<std::string> texts;
    std::vector<PlacedFrame> frames = reader.Read(budget).value();
    for (const PlacedFrame& placed : frames) texts.emplace_back(placed.frame.data);
    return texts;
  }
  void AppendRaw(uint32_t segment, std::string_view bytes) {
    std::ofstream(SegmentPath(dir(), segment), std::ios::app) << bytes;
  }

 private:
  ScratchDir scratch_;
};

using Texts = std::vector<std::string>;

TEST_F(SegmentedLogTest, ReaderFollowsTheWriter) {
  Writer writer = OpenWriter();
  Reader reader = OpenReader();
  EXPECT_EQ(Take(reader), Texts{});
  ASSERT_TRUE(writer.Append(OneFrame("a") + OneFrame("b")));
  EXPECT_EQ(Take(reader), (Texts{"a", "b"}));
  ASSERT_TRUE(writer.Append(OneFrame("c")));
  EXPECT_EQ(Take(reader), Texts{"c"});
  EXPECT_EQ(reader.position(), writer.position());
}

TEST_F(SegmentedLogTest, BudgetBoundsAReadButNeverBelowOneFrame) {
  Writer writer = OpenWriter();
  std::string big(kMaxDataBytes, 'x');
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(writer.Append(OneFrame(big)));
  Reader reader = OpenReader();
  EXPECT_EQ(Take(reader, 1).size(), 1u);
  EXPECT_EQ(Take(reader, 2 * (kMaxDataBytes + kHeaderBytes)).size(), 2u);
}

TEST_F(SegmentedLogTest, APositionLeadsBackToItsFrame) {
  Writer writer = OpenWriter();
  ASSERT_TRUE(writer.Append(OneFrame("a")));
  Position before_b = writer.position();
  ASSERT_TRUE(writer.Append(OneFrame("b") + OneFrame("c")));
  Reader all = OpenReader();
  auto frames = all.Read(1 << 20).value();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[1].position, before_b);
  Reader from_c = OpenReader(frames[2].position);
  EXPECT_EQ(Take(from_c), Texts{"c"});
}

TEST_F(SegmentedLogTest, SegmentsRollAndAReaderGoesThroughThem) {
  Writer writer = OpenWriter(/*segment_bytes=*/100);
  Reader reader = OpenReader();
  Texts written, read;
  for (int i = 0; i < 10; ++i) {
    written.push_back(std::string(30, static_cast<char>('a' + i)));
    ASSERT_TRUE(writer.Append(OneFrame(written.back())));
  }
  EXPECT_EQ(SegmentOf(writer.position()), 5u);
  for (Texts some = Take(reader); !some.empty(); some = Take(reader)) read.insert(read.end(), some.begin(), some.end());
  EXPECT_EQ(read, written);
}

TEST_F(SegmentedLogTest, AWriterContinuesWhereTheLastOneStopped) {
  Position end = 0;
  {
    Writer writer = OpenWriter();
    ASSERT_TRUE(writer.Append(OneFrame("a")));
    end = writer.position();
  }
  Writer writer = OpenWriter();
  EXPECT_EQ(writer.position(), end);
  ASSERT_TRUE(writer.Append(OneFrame("b")));
  Reader reader = OpenReader();
  EXPECT_EQ(Take(reader), (Texts{"a", "b"}));
}

TEST_F(SegmentedLogTest, AnUnfinishedFrameIsWaitedForAndTruncatedByTheNextWriter) {
  ASSERT_TRUE(OpenWriter().Append(OneFrame("whole")));
  std::string cut = OneFrame("cut short");
  for (size_t size : {size_t{1}, size_t{kHeaderBytes}, cut.size() - 1}) {
    AppendRaw(1, std::string_view(cut).substr(0, size));
    Reader waiting = OpenReader();
    EXPECT_EQ(Take(waiting), Texts{"whole"});
    EXPECT_EQ(Take(waiting), Texts{});

    Writer writer = OpenWriter();
    EXPECT_EQ(writer.position(), waiting.position()) << size;
  }
  Writer writer = OpenWriter();
  ASSERT_TRUE(writer.Append(OneFrame("next")));
  Reader reader = OpenReader();
  EXPECT_EQ(Take(reader), (Texts{"whole", "next"}));
}

TEST_F(SegmentedLogTest, BytesThatAreNoFramesAreKeptToldAndSkipped) {
  ASSERT_TRUE(OpenWriter().Append(OneFrame("whole")));
  AppendRaw(1, std::string(200, '\0'));
  Writer writer = OpenWriter();
  EXPECT_EQ(writer.position(), MakePosition(2, 0));
  ASSERT_TRUE(writer.Append(OneFrame("next")));

  Reader reader = OpenReader();
  EXPECT_EQ(Take(reader), Texts{"whole"});
  auto corrupt = reader.Read(1 << 20);
  ASSERT_FALSE(corrupt);
  EXPECT_EQ(corrupt.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(corrupt.error().message.find("00000001.seg at byte 45"), std::string::npos) << corrupt.error().message;
  EXPECT_EQ(reader.SkipDamage().value(), 200u);
  EXPECT_EQ(Take(reader), Texts{"next"});
  EXPECT_EQ(reader.SkipDamage().error().code, ErrorCode::kNotFound);
}

TEST_F(SegmentedLogTest, AFrameThatIsDamagedCostsItselfWhileItsLengthCanBeBelieved) {
  // Of the second one: in its data, in its length, in what it begins with, and in that by two bits. The third is
  // damaged as well, or not.
  struct Damage {
    size_t byte;
    char bits;
    bool third;
    uint64_t costs;
  };
  const uint64_t frame = OneFrame("b").size(), rest = 3 * frame;
  for (const auto& [byte, bits, third, costs] :
       {Damage{frame - 1, 2, false, frame}, Damage{frame - 1, 2, true, 2 * frame}, Damage{32, 2, false, frame},
        Damage{34, 1, false, frame}, Damage{35, 64, false, frame}, Damage{0, 2, false, frame},
        Damage{0, 3, false, rest}}) {
    std::string bytes = OneFrame("a") + OneFrame("b") + OneFrame("c") + OneFrame("d");
    bytes[frame + byte] = static_cast<char>(bytes[frame + byte] ^ bits);
    if (third) bytes[3 * frame - 1] ^= 2;
    std::ofstream(SegmentPath(dir(), 1)) << bytes;
    std::ofstream(SegmentPath(dir(), 2)) << OneFrame("next");
    Reader reader = OpenReader();
    EXPECT_EQ(Take(reader), Texts{"a"});
    EXPECT_EQ(reader.Read(1 << 20).error().code, ErrorCode::kCorrupt);
    EXPECT_EQ(reader.SkipDamage().value(), costs) << byte;
    EXPECT_EQ(Take(reader), costs == frame ? (Texts{"c", "d"}) : costs == rest ? Texts{"next"} : Texts{"d"}) << byte;
  }
}

// It looks like a frame, and a bit of the length has flipped so that it leads there.
TEST_F(SegmentedLogTest, WhatAJobHasPrintedIsNeverTakenForAFrame) {
  std::string data = std::string(128, 'x') + OneFrame("forged");
  data.resize(192, 'x');
  std::string bytes = OneFrame(data);
  bytes[32] = static_cast<char>(bytes[32] ^ 64);  // 128 bytes, it says then
  std::ofstream(SegmentPath(dir(), 1)) << bytes << OneFrame("next");
  Reader reader = OpenReader();
  EXPECT_EQ(reader.Read(1 << 20).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(reader.SkipDamage().value(), bytes.size());
  EXPECT_EQ(Take(reader), Texts{"next"});
}

// It says that it is longer than all that is there: neither is the rest waited for, nor is what stands behind it cut
// off.
TEST_F(SegmentedLogTest, AFrameThatSaysThatItIsLongerIsNoUnfinishedOne) {
  std::string bytes = OneFrame("a") + OneFrame("b");
  bytes[33] = 16;
  AppendRaw(1, bytes);
  Reader reader = OpenReader();
  EXPECT_EQ(reader.Read(1 << 20).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(reader.SkipDamage().value(), OneFrame("a").size());
  EXPECT_EQ(Take(reader), Texts{"b"});
  Writer writer = OpenWriter();
  EXPECT_EQ(writer.position(), MakePosition(2, 0));
  ASSERT_TRUE(writer.Append(OneFrame("c")));
  EXPECT_EQ(Take(reader), Texts{"c"});
}

TEST_F(SegmentedLogTest, ALastFrameThatIsDamagedIsLeftOutAndTheLogGoesOn) {
  Writer writer = OpenWriter();
  ASSERT_TRUE(writer.Append(OneFrame("a")));
  std::fstream(SegmentPath(dir(), 1), std::ios::in | std::ios::out).seekp(-1, std::ios::end) << '?';
  Reader reader = OpenReader();
  EXPECT_EQ(reader.Read(1 << 20).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(reader.SkipDamage().value(), OneFrame("a").size());
  EXPECT_EQ(Take(reader), Texts{});
  EXPECT_EQ(reader.position(), writer.position());
  ASSERT_TRUE(writer.Append(OneFrame("b")));
  EXPECT_EQ(Take(reader), Texts{"b"});
}

TEST_F(SegmentedLogTest, ASegmentThatEndsWithinAFrameAndHasASuccessorIsCorrupt) {
  AppendRaw(1, OneFrame("cut short").substr(0, 42));
  AppendRaw(2, OneFrame("next"));
  Reader reader = OpenReader();
  EXPECT_EQ(reader.Read(1 << 20).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(reader.SkipDamage().value(), 42u);
  EXPECT_EQ(Take(reader), Texts{"next"});
}

TEST_F(SegmentedLogTest, RemovedSegmentsAreSaidToBeGone) {
  Writer writer = OpenWriter(/*segment_bytes=*/1);
  Reader early = OpenReader();
  for (const char* text : {"one", "two", "three", "four"}) ASSERT_TRUE(writer.Append(OneFrame(text)));
  ASSERT_TRUE(RemoveBefore(dir(), MakePosition(3, 5)));
  auto gone = Reader::Open(dir(), MakePosition(2, 0));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
  EXPECT_NE(gone.error().message.find("segment 2 is gone"), std::string::npos) << gone.error().message;
  EXPECT_EQ(SegmentOf(OpenReader().position()), 3u);

  // A reader that held the deleted segment open reads it to its end, and is told then.
  EXPECT_EQ(Take(early), Texts{"one"});
  EXPECT_EQ(early.Read(1 << 20).error().code, ErrorCode::kNotFound);
}

TEST_F(SegmentedLogTest, RemovalNeverTakesTheSegmentTheWriterIsAt) {
  Writer writer = OpenWriter();
  ASSERT_TRUE(writer.Append(OneFrame("kept")));
  ASSERT_TRUE(RemoveBefore(dir(), MakePosition(9, 0)));
  Reader reader = OpenReader();
  EXPECT_EQ(Take(reader), Texts{"kept"});
}

TEST_F(SegmentedLogTest, APositionBeyondTheEndIsRefused) {
  ASSERT_TRUE(OpenWriter().Append(OneFrame("a")));
  EXPECT_EQ(Reader::Open(dir(), MakePosition(1, 4000)).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Reader::Open(dir(), MakePosition(2, 0)).error().code, ErrorCode::kNotFound);
}

// A file size limit stands in for a full disk: the write is short, and then fails.
// The log ended later once: a reader that had got there finds what comes after, and no position is given out twice.
TEST_F(SegmentedLogTest, AfterACrashOfTheHostItGoesOnBehindWhatWasGivenOut) {
  const std::string a = OneFrame("a"), b = OneFrame("b");
  {
    Writer writer = OpenWriter();
    ASSERT_TRUE(writer.Append(a));
  }
  for (const Position given : {MakePosition(1, a.size() + b.size()), MakePosition(3, a.size()), Position{0}}) {
    Writer writer = OpenWriter();
    const uint32_t before = SegmentOf(writer.position());
    ASSERT_TRUE(writer.GoBehind(given));
    EXPECT_GT(SegmentOf(writer.position()), before);
    EXPECT_GT(writer.position(), given);
    ASSERT_TRUE(writer.Append(b));
    if (given == 0) continue;
    Reader reader = OpenReader(given);
    EXPECT_EQ(Take(reader), Texts{"b"});
    EXPECT_EQ(reader.position(), writer.position());
  }
  Reader all = OpenReader();
  for (const Texts& expected : {Texts{"a"}, Texts{"b"}, Texts{"b"}, Texts{"b"}}) EXPECT_EQ(Take(all), expected);
}

TEST_F(SegmentedLogTest, AFailedWriteIsReturnedAndRepeatsCleanly) {
  Writer writer = OpenWriter();
  ASSERT_TRUE(writer.Append(OneFrame("before")));
  Position end = writer.position();
  std::string batch = OneFrame("first") + OneFrame(std::string(1000, 'x'));

  signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  rlimit full{OffsetOf(end) + 300, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  Status failed = writer.Append(batch);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);

  ASSERT_FALSE(failed);
  EXPECT_EQ(writer.position(), end);
  Reader reader = OpenReader();
  EXPECT_EQ(Take(reader), (Texts{"before", "first"}));  // seen early, and not once more below
  ASSERT_TRUE(writer.Append(batch));
  EXPECT_EQ(Take(reader), Texts{std::string(1000, 'x')});
}

}  // namespace
}  // namespace cromt::seglog
