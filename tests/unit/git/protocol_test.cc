#include "io/git/protocol.h"

#include <gtest/gtest.h>

namespace cromt::git {
namespace {

FetchRequest AFetch() {
  FetchRequest request;
  request.url = "https://host/r";
  request.rebuild = true;
  request.user = "u", request.password = "p";
  request.port = 22;
  request.ssh_keys = {"a", "b"};
  request.max_pack_bytes = 1;
  request.timeout_s = 4;
  return request;
}

TEST(GitProtocol, ARequestArrivesAsItWasSent) {
  std::string bytes = Encode(Request(AFetch()));
  auto request = TakeRequest(bytes);
  ASSERT_TRUE(request && *request);
  const auto& fetch = std::get<FetchRequest>(**request);
  EXPECT_EQ(fetch.url, "https://host/r");
  EXPECT_TRUE(fetch.rebuild);
  EXPECT_EQ(fetch.user + fetch.password, "up");
  EXPECT_EQ(fetch.port, 22u);
  EXPECT_EQ(fetch.ssh_keys, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(fetch.max_pack_bytes, 1);
  EXPECT_EQ(fetch.timeout_s, 4u);
  EXPECT_TRUE(bytes.empty());
}

TEST(GitProtocol, RepliesInOneStreamComeOutInOrder) {
  std::string bytes = Encode(Reply(Started{})) + Encode(Reply(Progress{1, 2, 3})) + Encode(Reply(Chunk{"data"})) +
                      Encode(Reply(Packed{{{"a/b", "c1", "../d.git"}, {"e", "c2", ""}}})) +
                      Encode(Reply(Failed{{ErrorCode::kCorrupt, "why"}}));
  EXPECT_TRUE(std::holds_alternative<Started>(**TakeReply(bytes)));
  EXPECT_EQ(std::get<Progress>(**TakeReply(bytes)).total_objects, 3u);
  EXPECT_EQ(std::get<Chunk>(**TakeReply(bytes)).bytes, "data");
  EXPECT_EQ(std::get<Packed>(**TakeReply(bytes)).submodules,
            (std::vector<Submodule>{{"a/b", "c1", "../d.git"}, {"e", "c2", ""}}));
  EXPECT_EQ(std::get<Failed>(**TakeReply(bytes)).error, (Error{ErrorCode::kCorrupt, "why"}));
  EXPECT_FALSE(*TakeReply(bytes));
}

TEST(GitProtocol, AFrameInPiecesIsWaitedFor) {
  const std::string whole = Encode(Request(AFetch()));
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    std::string part = whole.substr(0, cut);
    auto request = TakeRequest(part);
    ASSERT_TRUE(request) << cut;
    EXPECT_FALSE(*request) << cut;
  }
}

// A helper taken over by what it parsed may send anything.
TEST(GitProtocol, FramesThatAreNone) {
  for (std::string bytes : {std::string("\xff\xff\xff\xff", 4), std::string("\0\0\0\0", 4),
                            std::string("\1\0\0\0\x63", 5), std::string("\2\0\0\0\0x", 6),
                            std::string("\5\0\0\0\2\xff\0\0\0", 9), std::string("\5\0\0\0\4\xff\xff\xff\xff", 9)}) {
    auto reply = TakeReply(bytes);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::kInternal);
  }
}

}  // namespace
}  // namespace cromt::git
