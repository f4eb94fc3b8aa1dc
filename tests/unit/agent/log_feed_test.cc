// The log feed: who follows gets everything, and is never left waiting for what has already happened.
#include "agent/log_feed.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "io/seglog/writer.h"

namespace cromt {
namespace {

constexpr auto kCap = std::chrono::seconds(20);
const MeshId kMesh{"m"};

class LogFeedTest : public testing::Test {
 protected:
  LogFeedTest() : dir_(testing::TempDir() + "feed-" + testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(dir_);
    writer_.emplace(*seglog::Writer::Open(dir_));
  }
  ~LogFeedTest() override { std::filesystem::remove_all(dir_); }

  uint64_t Print(Ticket ticket, uint64_t offset, std::string_view text) {
    std::string bytes;
    seglog::EncodeFrame({seglog::Stream::kStdout, ticket, offset, 1, text}, bytes);
    EXPECT_TRUE(writer_->Append(bytes));
    return writer_->position();
  }

  std::string dir_;
  std::optional<seglog::Writer> writer_;
};

// What a feed has delivered to one subscription.
struct Received {
  std::promise<void> first, done;
  std::future<void> got_first = first.get_future(), is_done = done.get_future();
  std::string text;
  bool any = false;

  void Take(const LogBatch& batch) {
    for (const LogChunk& chunk : batch.chunks) text += chunk.data;
    if (!text.empty() && !std::exchange(any, true)) first.set_value();
    if (batch.done) done.set_value();
  }
};

TEST_F(LogFeedTest, WhatWasWrittenIsCounted) {
  Print(1, 0, "before");
  uint64_t from = Print(2, 0, "another's");
  Print(1, 6, "one");
  Print(3, 0, "three");
  Print(1, 9, "two");
  EXPECT_EQ(OutputWritten(dir_, from, {1, 2, 3}), (std::unordered_map<Ticket, int64_t>{{1, 12}, {3, 5}}));
  EXPECT_EQ(OutputWritten(dir_, 0, {2}), (std::unordered_map<Ticket, int64_t>{{2, 9}}));
  EXPECT_TRUE(OutputWritten(dir_ + "-not-there", 0, {1}).empty());
}

TEST_F(LogFeedTest, OutputOfOtherMeshesIsNotGivenOut) {
  Print(1, 0, "mine ");
  Print(2, 0, "theirs");
  uint64_t end = Print(1, 5, "too");
  Received received;
  LogFeed feed(dir_);
  feed.Register(1, kMesh, {RunId("r"), 0, 1});
  feed.Register(2, MeshId("other"), {RunId("r"), 0, 1});
  LogSubscription wanted{.mesh = kMesh, .until = end};
  wanted.deliver = [&](LogBatch batch) { received.Take(batch); };
  feed.Subscribe(feed.NewId(), std::move(wanted));
  ASSERT_EQ(received.is_done.wait_for(kCap), std::future_status::ready);
  EXPECT_EQ(received.text, "mine too");
}

// The second reader's end is given out in a round in which nobody has more to read; what arrives in that very round
// (here: the first one's end) must not be slept on.
TEST_F(LogFeedTest, AnEndThatComesWhileTheLastIsServedIsNotSleptOn) {
  uint64_t end = Print(1, 0, "all of it");
  Received first;
  LogFeed feed(dir_);
  feed.Register(1, kMesh, {RunId("r"), 0, 1});
  uint64_t follower = feed.NewId();
  LogSubscription follow{.mesh = kMesh};
  follow.deliver = [&](LogBatch batch) { first.Take(batch); };
  feed.Subscribe(follower, std::move(follow));
  ASSERT_EQ(first.got_first.wait_for(kCap), std::future_status::ready);

  LogSubscription once{.mesh = kMesh, .until = end};
  once.deliver = [&](LogBatch) { feed.EndAt(follower, end); };
  feed.Subscribe(feed.NewId(), std::move(once));
  EXPECT_EQ(first.is_done.wait_for(kCap), std::future_status::ready);
  EXPECT_EQ(first.text, "all of it");
}

}  // namespace
}  // namespace cromt
