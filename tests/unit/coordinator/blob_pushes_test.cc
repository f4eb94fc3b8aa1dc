// Goal: what an agent wants is brought to it once, tried again for as long as that may help, or refused; and nothing
// stays that was only to be passed on.
// Method: the orders alone; the test is the store, the network and the clock.
#include "coordinator/blob_pushes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace cromt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class BlobPushesTest : public testing::Test, private BlobPushes::Edges {
 protected:
  BlobPushesTest() : pushes_(static_cast<BlobPushes::Edges&>(*this)) {}

  static BlobPushes::Order File(LinkId link, const std::string& sha256) {
    return {.link = link, .address = "host", .digest = {sha256, 1}};
  }
  static BlobPushes::Order Artifact(LinkId link, const std::string& sha256) {
    return {.link = link, .address = "host", .digest = {sha256, 1}, .holder = LeaseInput{}};
  }
  void Ask(BlobPushes::Order order) {
    pushes_.Ask(std::move(order));
    pushes_.Serve(now_);
  }
  // The oldest push that is under way ends so.
  void Pushed(Status status = {}) {
    ASSERT_FALSE(under_way_.empty());
    const auto order = under_way_.front();
    under_way_.erase(under_way_.begin());
    pushes_.Pushed(order, status, now_);
    pushes_.Serve(now_);
  }
  void Fetched(Status status = {}) {
    ASSERT_FALSE(fetching_.empty());
    const auto order = fetching_.front();
    fetching_.erase(fetching_.begin());
    if (status) here_.insert(order.digest.sha256);
    pushes_.Fetched(order, status, now_);
    pushes_.Serve(now_);
  }
  static Status Broken(ErrorCode code = ErrorCode::kUnavailable) { return Fail(code, "it broke"); }
  std::vector<std::string> Did() { return std::exchange(did_, {}); }

  BlobPushes pushes_;
  std::set<std::string> here_;
  std::set<LinkId> closed_;
  Mono now_ = MonoFromMicros(1'000'000);
  bool has_channel_ = true;

 private:
  bool Has(const Digest& digest) override { return here_.contains(digest.sha256); }
  Status Push(const BlobPushes::Order& order) override {
    if (!has_channel_) return Fail(ErrorCode::kInvalid, "no channel");
    did_.push_back(fmt::format("push {} to {}", order.digest.sha256, order.link));
    under_way_.push_back(order);
    return {};
  }
  void CancelPush(const BlobPushes::Order& order) override { did_.push_back("cancel " + order.digest.sha256); }
  void Fetch(const BlobPushes::Order& order) override {
    did_.push_back("fetch " + order.digest.sha256);
    fetching_.push_back(order);
  }
  bool IsOpen(LinkId link) override { return !closed_.contains(link); }
  void Undeliverable(const BlobPushes::Order& order, const Error& why) override {
    did_.push_back(fmt::format("{} can't have {}: {}", order.link, order.digest.sha256, why.message));
  }
  void Remove(const Digest& digest) override {
    here_.erase(digest.sha256);
    did_.push_back("remove " + digest.sha256);
  }

  std::vector<BlobPushes::Order> under_way_, fetching_;
  std::vector<std::string> did_;
};

TEST_F(BlobPushesTest, WhatIsAskedForAgainIsBroughtOnceAndOnceMoreWhenThatIsOver) {
  Ask(File(1, "a"));
  Ask(File(1, "a"));
  Ask(File(2, "a"));
  EXPECT_THAT(Did(), ElementsAre("push a to 1", "push a to 2"));
  Pushed();
  Pushed();
  EXPECT_TRUE(pushes_.idle());
  Ask(File(1, "a"));
  EXPECT_THAT(Did(), ElementsAre("push a to 1"));
}

TEST_F(BlobPushesTest, APushThatBreaksIsTriedAgainAfterPausesForMinutes) {
  Ask(File(1, "a"));
  Did();
  const Mono begin = now_;
  int tries = 0;
  for (; now_ < begin + BlobPushes::kPatience; ++tries) {
    Pushed(Broken());
    EXPECT_THAT(Did(), IsEmpty());
    const auto next = pushes_.NextDeadline();
    ASSERT_TRUE(next);
    EXPECT_GE(*next, now_ + BlobPushes::kFirstPause);
    EXPECT_LE(*next, now_ + BlobPushes::kLongestPause);
    now_ = *next;
    pushes_.Serve(now_);
    EXPECT_THAT(Did(), ElementsAre("push a to 1"));
  }
  EXPECT_GT(tries, 10);
  EXPECT_LT(tries, 50);
  Pushed(Broken());
  EXPECT_THAT(Did(), ElementsAre("1 can't have a: it broke"));
  EXPECT_TRUE(pushes_.idle());
}

TEST_F(BlobPushesTest, AnAgentWithoutRoomIsNotWaitedForAsLong) {
  Ask(File(1, "a"));
  Pushed(Broken(ErrorCode::kExhausted));
  Did();
  now_ += BlobPushes::kFullPatience;
  pushes_.Serve(now_);
  EXPECT_THAT(Did(), ElementsAre("push a to 1"));
  Pushed(Broken(ErrorCode::kExhausted));
  EXPECT_THAT(Did(), ElementsAre("1 can't have a: it broke"));
}

TEST_F(BlobPushesTest, WhatDoesNotPassIsSaidAtOnce) {
  Ask(File(1, "a"));
  Did();
  Pushed(Broken(ErrorCode::kDenied));
  EXPECT_THAT(Did(), ElementsAre("1 can't have a: it broke"));
  has_channel_ = false;
  Ask(File(1, "b"));
  EXPECT_THAT(Did(), ElementsAre("1 can't have b: no channel"));
  EXPECT_TRUE(pushes_.idle());
}

TEST_F(BlobPushesTest, NobodyIsToldOnALinkThatIsClosedAndNothingIsTriedAgain) {
  Ask(File(1, "a"));
  Ask(File(2, "b"));
  Did();
  closed_ = {1};
  pushes_.LinkClosed(1);
  EXPECT_THAT(Did(), ElementsAre("cancel a"));
  Pushed(Broken(ErrorCode::kCanceled));
  EXPECT_THAT(Did(), IsEmpty());
  Pushed();
  EXPECT_TRUE(pushes_.idle());
}

TEST_F(BlobPushesTest, WhatWaitsForItsNextTryEndsWithItsLink) {
  Ask(Artifact(1, "a"));
  Fetched();
  Pushed(Broken());
  Did();
  closed_ = {1};
  pushes_.LinkClosed(1);
  EXPECT_THAT(Did(), ElementsAre("remove a"));
  EXPECT_TRUE(pushes_.idle());
  EXPECT_FALSE(pushes_.NextDeadline());
}

TEST_F(BlobPushesTest, WhatWasFetchedForASessionThatIsOverIsNotBrought) {
  Ask(Artifact(1, "a"));
  closed_ = {1};
  pushes_.LinkClosed(1);
  Did();
  Fetched();
  EXPECT_THAT(Did(), ElementsAre("remove a"));
  Ask(Artifact(1, "a"));
  EXPECT_THAT(Did(), IsEmpty());
  EXPECT_TRUE(pushes_.idle());
}

TEST_F(BlobPushesTest, AnArtifactComesHereFirstAndDoesNotStay) {
  Ask(Artifact(1, "a"));
  Ask(Artifact(2, "a"));
  EXPECT_THAT(Did(), ElementsAre("fetch a", "fetch a"));
  Fetched();
  Fetched();
  EXPECT_THAT(Did(), ElementsAre("push a to 1", "push a to 2"));
  Pushed();
  EXPECT_THAT(Did(), IsEmpty());
  Ask(Artifact(3, "a"));  // it is here already, and not for this one
  EXPECT_THAT(Did(), ElementsAre("push a to 3"));
  Pushed();
  EXPECT_THAT(Did(), ElementsAre("remove a"));
  Pushed(Broken(ErrorCode::kNotFound));
  EXPECT_THAT(Did(), ElementsAre("3 can't have a: it broke"));
  EXPECT_TRUE(pushes_.idle());
}

TEST_F(BlobPushesTest, WhatCantBeFetchedIsSaidAtOnce) {
  Ask(Artifact(1, "a"));
  Did();
  Fetched(Broken());
  EXPECT_THAT(Did(), ElementsAre("1 can't have a: it broke", "remove a"));
  EXPECT_TRUE(pushes_.idle());
}

TEST_F(BlobPushesTest, SoManyAreUnderWayAtOnceAndTheRestWaitsInLine) {
  for (size_t i = 0; i < BlobPushes::kAtOnce + 2; ++i) pushes_.Ask(File(1, fmt::format("blob{}", i)));
  pushes_.Serve(now_);
  EXPECT_THAT(Did(), SizeIs(BlobPushes::kAtOnce));
  EXPECT_FALSE(pushes_.NextDeadline());
  Pushed();
  EXPECT_THAT(Did(), ElementsAre(fmt::format("push blob{} to 1", BlobPushes::kAtOnce)));
}

}  // namespace
}  // namespace cromt
