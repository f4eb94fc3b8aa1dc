// A job file in Git is applied once a commit, refused once, and tried again where that may help.
#include "coordinator/projects_follower.h"

#include <gtest/gtest.h>

#include <deque>
#include <future>

namespace cromt {
namespace {

class ProjectsFollowerTest : public testing::Test {
 protected:
  // Looks give these, one after the other, and the last one from then on.
  void Follow(std::deque<Result<std::string>> commits) {
    commits_ = std::move(commits);
    follower_ = std::make_unique<ProjectsFollower>(
        "the job file f", milliseconds(1),
        ProjectsFollower::Edges{
            .look = [this](std::stop_token) { return Look(); },
            .read = [](const std::string& commit, std::stop_token) -> Result<std::string> {
              if (commit == "gone") return Fail(ErrorCode::kNotFound, "there is no file");
              return "text of " + commit;
            },
            .apply = [this](const std::string& commit, const std::string& text) { return Apply(commit, text); },
            .note = [this](const std::string& note) { notes_.push_back(note); }});
    done_.get_future().wait();
    follower_.reset();  // all is the test's from here on
  }

  std::vector<std::string> applied_, notes_;
  std::deque<Status> answers_;  // to applying; then good

 private:
  Result<std::string> Look() {
    // What the third has found is done before the fourth.
    if (commits_.size() == 1 && ++last_looks_ == 4) done_.set_value();
    auto commit = commits_.front();
    if (commits_.size() > 1) commits_.pop_front();
    return commit;
  }
  Status Apply(const std::string& commit, const std::string& text) {
    EXPECT_EQ(text, "text of " + commit);
    applied_.push_back(commit);
    if (answers_.empty()) return {};
    Status answer = answers_.front();
    answers_.pop_front();
    return answer;
  }

  std::deque<Result<std::string>> commits_;
  int last_looks_ = 0;
  std::promise<void> done_;
  std::unique_ptr<ProjectsFollower> follower_;
};

using Words = std::vector<std::string>;

TEST_F(ProjectsFollowerTest, EachCommitIsAppliedOnce) {
  Follow({"a", "a", "b", "b", "a"});
  EXPECT_EQ(applied_, (Words{"a", "b", "a"}));
  EXPECT_EQ(notes_, Words{});
}

TEST_F(ProjectsFollowerTest, WhatIsRefusedIsSaidOnceUntilABetterOneComes) {
  answers_ = {{}, Fail(ErrorCode::kInvalid, "f:1:1: error: bad")};
  Follow({"a", "b", "b", "b", "c"});
  EXPECT_EQ(applied_, (Words{"a", "b", "c"}));
  EXPECT_EQ(notes_,
            (Words{"the job file f at commit b is refused, and what was applied before stays: f:1:1: error: bad",
                   "the job file f is followed again"}));
}

TEST_F(ProjectsFollowerTest, WhatMayPassIsTriedAgain) {
  answers_ = {Fail(ErrorCode::kExhausted, "the disk is full"), Fail(ErrorCode::kExhausted, "the disk is full")};
  Follow({"a"});
  EXPECT_EQ(applied_, (Words{"a", "a", "a"}));
  EXPECT_EQ(notes_, (Words{"the job file f at commit a is not applied yet: the disk is full",
                           "the job file f is followed again"}));
}

TEST_F(ProjectsFollowerTest, WhatIsNotThereIsSaid) {
  Follow({Fail(ErrorCode::kUnavailable, "no route"), "gone", "a"});
  EXPECT_EQ(applied_, Words{"a"});
  EXPECT_EQ(notes_,
            (Words{"the job file f can't be looked at: no route; what was applied last stays",
                   "the job file f at commit gone is refused, and what was applied before stays: there is no file",
                   "the job file f is followed again"}));
}

TEST_F(ProjectsFollowerTest, ARefusalIsStillSaidAfterTheServerWasAway) {
  answers_ = {Fail(ErrorCode::kConflict, "another file has it")};
  Follow({"a", Fail(ErrorCode::kTimeout, "silence"), "a"});
  EXPECT_EQ(applied_, Words{"a"});
  ASSERT_EQ(notes_.size(), 3u);
  EXPECT_EQ(notes_[0], notes_[2]);
}

}  // namespace
}  // namespace cromt
