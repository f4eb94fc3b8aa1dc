// Two outputs of a process over one connection, cut anywhere.
#include "io/container/stream_frames.h"

#include <gtest/gtest.h>

#include <array>

namespace cromt {
namespace {

using namespace std::string_literals;

std::string Frame(int stream, const std::string& bytes) {
  std::string header(8, '\0');
  header[0] = static_cast<char>(stream);
  header[6] = static_cast<char>(bytes.size() >> 8);
  header[7] = static_cast<char>(bytes.size() & 0xff);
  return header + bytes;
}

TEST(StreamFrames, ComeOutTheSameHoweverTheyAreCut) {
  const std::string big(1000, 'x');
  const std::string all = Frame(1, "out") + Frame(2, "err\0err"s) + Frame(1, "") + Frame(1, big);
  for (size_t step = 1; step <= all.size(); ++step) {
    StreamFrames frames;
    std::array<std::string, 3> got;
    for (size_t at = 0; at < all.size(); at += step)
      ASSERT_TRUE(frames.Take(std::string_view(all).substr(at, step), [&](int stream, std::string_view bytes) {
        got.at(static_cast<size_t>(stream)) += bytes;
      }));
    EXPECT_EQ(got[1], "out" + big);
    EXPECT_EQ(got[2], "err\0err"s);
    EXPECT_TRUE(frames.complete());
  }
}

TEST(StreamFrames, WhatIsNoneIsRefused) {
  for (const std::string& bad : {"HTTP/1.1"s, "\3\0\0\0\0\0\0\1x"s, "\1\1\0\0\0\0\0\1x"s}) {
    StreamFrames frames;
    EXPECT_FALSE(frames.Take(bad, [](int, std::string_view) { FAIL(); }));
  }
  StreamFrames cut;
  EXPECT_TRUE(cut.Take("\1\0\0\0\0\0\0\2x"s, [](int, std::string_view) {}));
  EXPECT_FALSE(cut.complete());
}

}  // namespace
}  // namespace cromt
