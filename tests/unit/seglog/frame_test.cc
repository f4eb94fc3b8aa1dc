#include "io/seglog/frame.h"

#include <gtest/gtest.h>

namespace cromt::seglog {
namespace {

std::string Encoded(const Frame& frame) {
  std::string bytes;
  EncodeFrame(frame, bytes);
  return bytes;
}

const Frame kHello{.stream = Stream::kStderr, .log_id = 7, .offset = 99, .wall_us = -5, .data = "hello\n"};

TEST(FrameTest, ComesBackAsWritten) {
  std::string bytes = Encoded(kHello) + "rest";
  std::string_view in = bytes;
  auto frame = DecodeFrame(in);
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->stream, Stream::kStderr);
  EXPECT_EQ((*frame)->log_id, 7u);
  EXPECT_EQ((*frame)->offset, 99u);
  EXPECT_EQ((*frame)->wall_us, -5);
  EXPECT_EQ((*frame)->data, "hello\n");
  EXPECT_EQ(in, "rest");
}

TEST(FrameTest, HeaderHasThePromisedSizeAndEmptyDataIsFine) {
  std::string bytes = Encoded({.stream = Stream::kNote});
  EXPECT_EQ(bytes.size(), kHeaderBytes);
  std::string_view in = bytes;
  auto frame = DecodeFrame(in);
  ASSERT_TRUE(frame && *frame);
  EXPECT_TRUE((*frame)->data.empty());
}

TEST(FrameTest, EveryPartOfAFrameIsWaitedFor) {
  std::string bytes = Encoded(kHello);
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string_view in = std::string_view(bytes).substr(0, size);
    auto frame = DecodeFrame(in);
    ASSERT_TRUE(frame) << size << ": " << frame.error().message;
    EXPECT_FALSE(*frame) << size;
    EXPECT_EQ(in.size(), size);
  }
}

TEST(FrameTest, EveryFlippedBitIsSeen) {
  std::string good = Encoded(kHello);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    std::string_view in = bad;
    auto frame = DecodeFrame(in);
    // A length that grew makes it a frame whose end is missing; everything else is plainly corrupt.
    EXPECT_TRUE(!frame || !*frame) << "bit " << bit;
  }
}

TEST(FrameTest, AnImpossibleLengthIsNotWaitedFor) {
  std::string bytes = Encoded(kHello);
  bytes[35] = '\x7f';
  std::string_view in = bytes;
  auto frame = DecodeFrame(in);
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code, ErrorCode::kCorrupt);
}

TEST(RecordTest, ComesBackAsWrittenAndIsWaitedFor) {
  std::string bytes;
  EncodeRecord(Stream::kStep, "task run", bytes);
  EncodeRecord(Stream::kStdout, "", bytes);
  std::string_view part = std::string_view(bytes).substr(0, 12);
  auto waiting = DecodeRecord(part);
  ASSERT_TRUE(waiting);
  EXPECT_FALSE(*waiting);

  std::string_view in = bytes;
  auto first = DecodeRecord(in);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->stream, Stream::kStep);
  EXPECT_EQ((*first)->data, "task run");
  auto second = DecodeRecord(in);
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->stream, Stream::kStdout);
  EXPECT_TRUE(in.empty());
}

TEST(RecordTest, TextInsteadOfRecordsIsRefused) {
  std::string_view in = "hello world, this is no record";
  EXPECT_FALSE(DecodeRecord(in));
}

}  // namespace
}  // namespace cromt::seglog
