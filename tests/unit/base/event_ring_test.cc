// The last events of a program.
#include "base/event_ring.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

Wall At(int64_t us) {
  return WallFromMicros(us);
}

TEST(EventRingTest, HoldsTheLastOnesInOrder) {
  EventRing ring;
  EXPECT_TRUE(ring.Last().empty());
  const size_t all = EventRing::kMost + 3;
  for (size_t i = 0; i < all; ++i) ring.Add(At(static_cast<int64_t>(i)), {.kind = "k", .of = std::to_string(i)});
  const auto events = ring.Last();
  EXPECT_EQ(ring.count(), all);
  ASSERT_EQ(events.size(), EventRing::kMost);
  for (size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i].of, std::to_string(i + 3));
}

TEST(EventRingTest, NothingOfAnEarlierLineStaysInItsPlace) {
  EventRing ring;
  for (size_t i = 0; i < EventRing::kMost; ++i)
    ring.Add(At(1), {.kind = "a", .state = "s", .of = "o", .task = 1, .attempt = 2, .agent = "g", .reason = "r"});
  ring.Add(At(2), {.kind = "b"});
  const auto event = ring.Last().back();
  EXPECT_EQ(event.kind, "b");
  EXPECT_EQ(event.state, "");
  EXPECT_EQ(event.of + event.agent + event.reason, "");
  EXPECT_EQ(event.task + event.attempt, 0u);
}

TEST(EventRingTest, ALongReasonIsLeftOutAndNotCut) {
  EventRing ring;
  ring.Add(At(1), {.kind = "k", .reason = std::string(EventRing::kMostReasonBytes, 'x')});
  ring.Add(At(1), {.kind = "k", .reason = std::string(EventRing::kMostReasonBytes + 1, 'x')});
  EXPECT_EQ(ring.Last()[0].reason.size(), EventRing::kMostReasonBytes);
  EXPECT_EQ(ring.Last()[1].reason, "(longer than is kept)");
}

}  // namespace
}  // namespace cromt
