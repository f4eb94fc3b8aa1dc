// The log feed: who follows gets everything, and is never left waiting for what has already happened.
#include "agent/log_feed.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <vector>

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

// A crash of the host has cut off the end that was known: who waits for it is not left waiting.
TEST_F(LogFeedTest, AnEndThatWasCutOffIsAnEnd) {
  const uint64_t end = Print(1, 0, "all") + 100;
  ASSERT_TRUE(writer_->GoBehind(end));
  Received received;
  LogFeed feed(dir_);
  feed.Register(1, kMesh, {RunId("r"), 0, 1});
  LogSubscription wanted{.mesh = kMesh, .until = end};
  wanted.deliver = [&](LogBatch batch) { received.Take(batch); };
  feed.Subscribe(feed.NewId(), std::move(wanted));
  ASSERT_EQ(received.is_done.wait_for(kCap), std::future_status::ready);
  EXPECT_EQ(received.text, "all");
}

// Others have printed much since, and what was before is removed.
TEST_F(LogFeedTest, WhoWasAtARemovedSegmentGoesOnBehindIt) {
  const uint64_t from = Print(1, 0, "stored");
  ASSERT_TRUE(writer_->GoBehind(from));
  const uint64_t end = Print(2, 0, "new");
  ASSERT_TRUE(seglog::RemoveBefore(dir_, end));
  Received received;
  LogFeed feed(dir_);
  feed.Register(2, kMesh, {RunId("r"), 1, 1});
  LogSubscription wanted{.mesh = kMesh, .from = from, .until = end};
  wanted.deliver = [&](LogBatch batch) { received.Take(batch); };
  feed.Subscribe(feed.NewId(), std::move(wanted));
  ASSERT_EQ(received.is_done.wait_for(kCap), std::future_status::ready);
  EXPECT_EQ(received.text, "new");
}

// The second reader's end is given out in a round in which nobody has more to read; what arrives in that very round
// (here: the first one's end) must not be slept on.
// A bit has flipped on the disk: that costs what it stood in, and nobody waits for it.
TEST_F(LogFeedTest, WhatIsDamagedIsLeftOut) {
  Print(1, 0, "one ");
  const uint64_t damaged = Print(1, 4, "two ");
  Print(1, 8, "three ");
  const uint64_t end = Print(1, 14, "four");
  for (const uint64_t behind : {damaged, end})
    std::fstream(seglog::SegmentPath(dir_, 1), std::ios::in | std::ios::out)
            .seekp(static_cast<int64_t>(seglog::OffsetOf(behind)) - 1)
        << '?';
  std::vector<LogBatch> batches;
  auto open = [this](seglog::Position at) -> Result<std::unique_ptr<seglog::FrameSource>> {
    return std::make_unique<seglog::Reader>(*seglog::Reader::Open(dir_, at));
  };
  auto attempt_of = [](Ticket, const MeshId&) { return std::optional(AttemptId{RunId("r"), 0, 1}); };
  LogFollower follower({.mesh = kMesh, .deliver = [&](LogBatch batch) { batches.push_back(std::move(batch)); }}, open,
                       attempt_of);
  while (follower.Serve()) {
  }
  std::string text;
  for (const LogBatch& batch : batches)
    for (const LogChunk& chunk : batch.chunks) text += fmt::format("{}: {}", chunk.offset, chunk.data);
  EXPECT_EQ(text, "0: one 8: three ");
  EXPECT_EQ(batches.back().position, end);
  EXPECT_FALSE(follower.done());
  const size_t before = batches.size();
  EXPECT_FALSE(follower.Serve());
  EXPECT_EQ(batches.size(), before);
}

// Nobody can say how long the frame was: who follows waits for the next segment, and is not told the same again and
// again.
TEST_F(LogFeedTest, WhatCantBeToldFromWhatFollowsIsLeftOutWithItsSegment) {
  const uint64_t one = Print(1, 0, "one ");
  Print(1, 4, "two ");
  std::fstream(seglog::SegmentPath(dir_, 1), std::ios::in | std::ios::out)
          .seekp(static_cast<int64_t>(seglog::OffsetOf(one)))
      << "????";
  std::string text;
  auto open = [this](seglog::Position at) -> Result<std::unique_ptr<seglog::FrameSource>> {
    return std::make_unique<seglog::Reader>(*seglog::Reader::Open(dir_, at));
  };
  auto attempt_of = [](Ticket, const MeshId&) { return std::optional(AttemptId{RunId("r"), 0, 1}); };
  LogFollower follower({.mesh = kMesh,
                        .deliver =
                            [&](LogBatch batch) {
                              for (const LogChunk& chunk : batch.chunks) text += chunk.data;
                            }},
                       open, attempt_of);
  while (follower.Serve()) {
  }
  EXPECT_FALSE(follower.done());
  EXPECT_EQ(text, "one ");
  ASSERT_TRUE(writer_->GoBehind(one));
  Print(1, 8, "three");
  while (follower.Serve()) {
  }
  EXPECT_EQ(text, "one three");
}

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
