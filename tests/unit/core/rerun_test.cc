// What a rerun of the failed takes over from the run before it.
#include "core/rerun.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/plan_builder.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RerunTest : public ::testing::Test {
 protected:
  // A letter a task: s(ucceeded), f(ailed), k (skipped), i (failed and ignored), e (ended early).
  TakenOver Take(const std::string& outcomes) {
    earlier_.header.id = RunId("r1");
    earlier_.plan = plan_.Build();
    for (char c : outcomes) {
      TaskStatus task{.state = TaskState::kFinished, .attempt = 3, .agent = AgentId("x"), .tries = 2};
      task.outcome = c == 's'   ? TaskOutcome::kSucceeded
                     : c == 'k' ? TaskOutcome::kSkipped
                     : c == 'e' ? TaskOutcome::kStoppedEarly
                                : TaskOutcome::kFailed;
      task.ignored = c == 'i';
      earlier_.tasks.push_back(task);
    }
    return TakeOver(earlier_, RunId("r2"));
  }
  static std::string Text(const TakenOver& taken) {
    std::string text;
    for (const TaskStatus& task : taken.tasks) text += task.state == TaskState::kFinished ? '-' : 'R';
    return text;
  }
  PlanBuilder plan_;
  StoredRun earlier_;
};

TEST_F(RerunTest, WhatFailedRunsAgainWithAllThatDependsOnIt) {
  auto a = plan_.Add("a");
  auto b = plan_.Add("b", {.needs = {a}, .hosts = {"a", "b"}});
  plan_.Add("c", {.needs = {b}});
  plan_.Add("d", {.needs = {a}});
  const TakenOver taken = Take("ssfks");
  EXPECT_EQ(Text(taken), "--RR-");
  EXPECT_EQ(taken.again, 2u);
  EXPECT_EQ(taken.tasks[0].reason, "taken over from run r1");
  EXPECT_EQ(taken.tasks[0].attempt, 0u);
  EXPECT_EQ(taken.tasks[0].tries, 0u);
  EXPECT_EQ(taken.tasks[2], TaskStatus{});
}

TEST_F(RerunTest, WhoRanThoughABeforeWasIgnoredRunsAgainAfterIt) {
  auto a = plan_.Add("a", {.ignore_failure = true});
  plan_.Add("b", {.needs = {a}});
  EXPECT_EQ(Text(Take("is")), "RR");
}

TEST_F(RerunTest, WhatComesAfterWhoRunsAgainDoesToo) {
  auto a = plan_.Add("a", {.hosts = {"a", "b"}});
  plan_.Add("after", {.after_of = a});
  EXPECT_EQ(Text(Take("sfs")), "-RR");
}

TEST_F(RerunTest, CleanUpsAreOfTheRunThatTheyCleanUp) {
  auto a = plan_.Add("a");
  plan_.Add("always", {.after_of = a, .when = When::kAlways});
  auto b = plan_.Add("b");
  plan_.Add("failure", {.after_of = b, .when = When::kFailure});
  EXPECT_EQ(Text(Take("ssfs")), "-RRR");
}

TEST_F(RerunTest, AnEarlyEndIsASuccess) {
  plan_.Add("a");
  plan_.Add("b");
  EXPECT_EQ(Text(Take("ef")), "-R");
}

TEST_F(RerunTest, OfASuccessNothingRunsAgain) {
  plan_.Add("a");
  EXPECT_EQ(Take("s").again, 0u);
}

TEST_F(RerunTest, OfASuccessWhatWasLeftOutIsNoReason) {
  earlier_.status.outcome = RunOutcome::kSucceeded;
  auto a = plan_.Add("a");
  plan_.Add("failure", {.after_of = a, .when = When::kFailure});
  plan_.Add("always", {.after_of = a, .when = When::kAlways});
  auto early = plan_.Add("early");
  plan_.Add("pruned", {.needs = {early}});
  EXPECT_EQ(Take("sksek").again, 0u);
}

TEST_F(RerunTest, OfASuccessWhatFailedAndWasIgnoredIsAReason) {
  earlier_.status.outcome = RunOutcome::kSucceeded;
  auto a = plan_.Add("a", {.ignore_failure = true});
  plan_.Add("always", {.after_of = a, .when = When::kAlways});
  plan_.Add("b");
  const TakenOver taken = Take("iss");
  EXPECT_EQ(Text(taken), "RR-");
  EXPECT_EQ(taken.again, 2u);
}

TEST_F(RerunTest, ArtifactsOfWhatIsTakenOverAreThere) {
  auto a = plan_.Add("a", {.hosts = {"a", "b"}});
  plan_.Add("b", {.needs = {a}});
  earlier_.artifacts = {{RunId("r1"), 0, 1, AgentId("x"), {{"out", {}, false, "t"}}},
                        {RunId("r1"), 1, 1, AgentId("y"), {{"out", {}, false, "t"}}}};
  const TakenOver taken = Take("sfk");
  ASSERT_EQ(taken.artifacts.size(), 1u);
  EXPECT_EQ(taken.artifacts[0].run, RunId("r2"));
  EXPECT_EQ(taken.artifacts[0].task, 0u);
  EXPECT_EQ(taken.artifacts[0].agent, AgentId("x"));
}

TEST_F(RerunTest, WhatImageRanIsToldOfWhatIsTakenOver) {
  auto a = plan_.Add("a", {.hosts = {"a", "b"}});
  plan_.Add("b", {.needs = {a}});
  earlier_.images = {{RunId("r1"), 0, 2, "x@1"}, {RunId("r1"), 0, 3, "x@2"}, {RunId("r1"), 1, 3, "x@3"}};
  EXPECT_THAT(Take("sfk").images, ElementsAre(ImageRan{RunId("r2"), 0, 0, "x@2"}));
}

}  // namespace
}  // namespace cromt
