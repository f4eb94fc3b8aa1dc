// Goal: an attempt is staged when all that it needs is here and not before, each thing is asked of who can give it, and
// whoever will not have something is told why.
// Method: the waits alone; the test is the store, the holders and the coordinator.
#include "agent/blob_waits.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace cromt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BlobWaitsTest : public testing::Test, private BlobWaits::Edges {
 protected:
  BlobWaitsTest() : waits_(static_cast<BlobWaits::Edges&>(*this)) {}

  void Take(Ticket ticket, const std::string& tree, const std::vector<std::string>& artifacts = {}) {
    auto spec = std::make_shared<TaskSpec>();
    spec->source.repository = "git://forge/r";
    if (!tree.empty()) spec->source.tree = {tree, 1};
    QueuedAttempt attempt;
    attempt.ticket = ticket;
    attempt.mesh = MeshId("mesh");
    attempt.spec = std::move(spec);
    if (!artifacts.empty()) {
      auto inputs = std::make_shared<std::vector<LeaseInput>>();
      for (const std::string& name : artifacts) {
        LeaseInput input;
        input.artifact.digest = {name, 1};
        inputs->push_back(std::move(input));
      }
      attempt.inputs = std::move(inputs);
    }
    waits_.Take(attempt, now_);
  }
  void Comes(const std::string& sha256) {
    here_.insert(sha256);
    waits_.Serve(now_);
  }
  // What it did since the last time.
  std::vector<std::string> Did() { return std::exchange(did_, {}); }

  BlobWaits waits_;
  std::set<std::string> here_;
  bool fetches_ = true;
  Mono now_ = MonoFromMicros(1'000'000);

 private:
  bool Has(const Digest& digest) override { return here_.contains(digest.sha256); }
  void Want(const MeshId&, const Digest& digest) override { did_.push_back("want " + digest.sha256); }
  bool Fetch(const MeshId&, const LeaseInput& input) override {
    if (fetches_) did_.push_back("fetch " + input.artifact.digest.sha256);
    return fetches_;
  }
  void IsHere(Ticket ticket) override { did_.push_back(fmt::format("stage {}", ticket)); }
  void GaveUp(Ticket ticket, const std::string& reason) override {
    did_.push_back(fmt::format("fail {}: {}", ticket, reason));
  }

  std::vector<std::string> did_;
};

TEST_F(BlobWaitsTest, WhoNeedsNothingOrHasAllIsStagedAtOnce) {
  here_ = {"tree", "a"};
  Take(1, "");
  Take(2, "tree", {"a"});
  waits_.Serve(now_);
  EXPECT_THAT(Did(), ElementsAre("stage 1", "stage 2"));
  EXPECT_FALSE(waits_.NextDeadline());
}

TEST_F(BlobWaitsTest, FilesAreAskedOfTheCoordinatorAndArtifactsOfTheirHolders) {
  Take(1, "tree", {"a", "b"});
  EXPECT_THAT(Did(), ElementsAre("want tree", "fetch a", "fetch b"));
  Comes("b");
  Comes("tree");
  EXPECT_THAT(Did(), IsEmpty());
  Comes("a");
  EXPECT_THAT(Did(), ElementsAre("stage 1"));
}

TEST_F(BlobWaitsTest, WhereNothingIsFetchedAllIsAskedOfTheCoordinator) {
  fetches_ = false;
  Take(1, "", {"a"});
  EXPECT_THAT(Did(), ElementsAre("want a"));
}

TEST_F(BlobWaitsTest, WhatNeitherHolderNorCoordinatorGivesIsToldWithBothReasons) {
  Take(1, "", {"a"});
  Take(2, "", {"b"});
  Did();
  waits_.NotFetched(MeshId("mesh"), {"a", 1}, "refused");
  EXPECT_THAT(Did(), ElementsAre("want a"));
  waits_.Refused({"a", 1}, "no way");
  EXPECT_THAT(Did(), ElementsAre("fail 1: refused; nor through the coordinator: no way"));
  Take(3, "", {"a"});  // who comes later knows nothing of that
  Did();
  waits_.Refused({"a", 1}, "gone");
  EXPECT_THAT(Did(), ElementsAre("fail 3: gone"));
}

TEST_F(BlobWaitsTest, WhatNobodyWaitsForIsNotAskedFor) {
  Take(1, "", {"a"});
  Did();
  waits_.Stop(1);
  EXPECT_THAT(Did(), ElementsAre("fail 1: stopped before it began"));
  waits_.Stop(1);
  waits_.NotFetched(MeshId("mesh"), {"a", 1}, "refused");
  waits_.Refused({"a", 1}, "gone");
  EXPECT_THAT(Did(), IsEmpty());
}

TEST_F(BlobWaitsTest, WhatIsWaitedWithIsKnownAndAskedForAgainWhereItIsRemovedAllTheSame) {
  Take(1, "tree", {"a", "b"});
  Did();
  EXPECT_THAT(waits_.Waited(), ElementsAre("a", "b", "tree"));
  Comes("tree");
  Comes("a");
  here_ = {"tree"};
  Comes("b");
  EXPECT_THAT(Did(), ElementsAre("fetch a"));
  Comes("a");
  EXPECT_THAT(Did(), ElementsAre("stage 1"));
  EXPECT_THAT(waits_.Waited(), IsEmpty());
}

TEST_F(BlobWaitsTest, WhoHasWaitedForTooLongIsGivenUp) {
  Take(1, "tree");
  Take(2, "", {"a"});
  Did();
  const Mono begin = now_;
  EXPECT_EQ(waits_.NextDeadline(), begin + BlobWaits::kPatience);
  now_ = begin + BlobWaits::kPatience;
  waits_.Serve(now_);
  EXPECT_THAT(Did(), ElementsAre(HasSubstr("fail 1: the files of git://forge/r did not come")));
  EXPECT_EQ(waits_.NextDeadline(), begin + BlobWaits::kArtifactPatience);
  now_ = begin + BlobWaits::kArtifactPatience;
  waits_.Serve(now_);
  EXPECT_THAT(Did(), ElementsAre(HasSubstr("fail 2: its artifacts did not come")));
}

}  // namespace
}  // namespace cromt
