// What the store remembers of a task, told in sentences.
#include "coordinator/why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Wall At(int64_t second) {
  return WallFromMicros(1'700'000'000'000'000 + second * 1'000'000);
}

TaskView View(TaskState state = TaskState::kFinished) {
  TaskView task;
  task.project = "deploy";
  task.host = "hostA";
  task.status.state = state;
  return task;
}

std::vector<std::string> Before(const TaskView& task, const std::vector<TaskTransition>& history) {
  std::vector<std::string> texts;
  for (const WhyLine& line : WhatCameBefore(task, history))
    texts.push_back(std::string(ToString(line.kind)) + ": " + line.text);
  return texts;
}

TEST(Why, NothingUnusualIsNotTold) {
  EXPECT_THAT(Before(View(), {{0, TaskState::kReady, "", At(0)},
                              {1, TaskState::kLeased, "", At(0)},
                              {1, TaskState::kRunning, "", At(0)},
                              {1, TaskState::kFinished, "", At(9)}}),
              IsEmpty());
}

TEST(Why, TellsWaitingRetriesSilencesAndWhatWasGivenBack) {
  EXPECT_THAT(
      Before(View(), {{0, TaskState::kReady, "", At(0)},
                      {1, TaskState::kLeased, "", At(90)},
                      {1, TaskState::kReady, "", At(91)},
                      {2, TaskState::kLeased, "", At(91)},
                      {2, TaskState::kRunning, "", At(92)},
                      {2, TaskState::kRetryWait, "exit code 5; try 2 of 3 follows", At(100)},
                      {2, TaskState::kReady, "exit code 5; try 2 of 3 follows", At(105)},
                      {3, TaskState::kLeased, "", At(105)},
                      {3, TaskState::kRunning, "", At(105)},
                      {3, TaskState::kUnreachable, "the agent at hostA is silent: reset", At(120)},
                      {3, TaskState::kRunning, "", At(150)},
                      {3, TaskState::kFinished, "", At(200)}}),
      ElementsAre("waited: it was ready for 1m30s before an agent got it, at 2023-11-14T22:14:50Z",
                  "earlier: attempt 1: given back, at 2023-11-14T22:14:51Z",
                  "waited: its agent had it for 1.0s before it began, at 2023-11-14T22:14:52Z: others were before "
                  "it there, or its files were prepared",
                  "earlier: attempt 2: exit code 5; try 2 of 3 follows, at 2023-11-14T22:15:00Z",
                  "earlier: attempt 3: the agent at hostA is silent: reset, at 2023-11-14T22:15:20Z"));
}

TEST(Why, ASilenceThatLastsIsToldByWhoKnowsMore) {
  EXPECT_THAT(Before(View(TaskState::kUnreachable), {{1, TaskState::kRunning, "", At(0)},
                                                     {1, TaskState::kUnreachable, "the agent is silent", At(20)}}),
              IsEmpty());
}

TEST(Why, OfManyAttemptsTheNewestAreTold) {
  std::vector<TaskTransition> history;
  for (uint32_t i = 1; i <= 80; ++i) {
    history.push_back({i, TaskState::kLeased, "", At(i)});
    history.push_back({i, TaskState::kReady, "exit code 1", At(i)});
  }
  const auto texts = Before(View(), history);
  EXPECT_EQ(texts.size(), kMostEarlier);
  EXPECT_EQ(texts.back(), "earlier: attempt 80: exit code 1, at 2023-11-14T22:14:40Z");
}

TEST(Why, HowATaskEnded) {
  TaskView task = View();
  task.status.outcome = TaskOutcome::kFailed;
  task.status.reason = "exit code 7";
  task.status.started_at = At(0);
  task.status.finished_at = At(75);
  EXPECT_EQ(HowItEnded(task).text, "failed: exit code 7 (it ran 1m15s)");
  task.status.ignored = true;
  EXPECT_EQ(HowItEnded(task).text, "failed, which counts as succeeded: exit code 7 (it ran 1m15s)");
  task.status = {.state = TaskState::kFinished, .outcome = TaskOutcome::kSucceeded};
  EXPECT_EQ(HowItEnded(task).text, "succeeded");
}

TEST(Why, ARunNamesItsCauses) {
  RunView run;
  run.status = {.state = RunState::kFinished, .outcome = RunOutcome::kFailed};
  run.tasks = {View(), View(), View()};
  run.tasks[0].status.outcome = TaskOutcome::kSucceeded;
  run.tasks[1].status.outcome = TaskOutcome::kLost;
  run.tasks[1].status.reason = "lost: the launcher died";
  run.tasks[2].status.outcome = TaskOutcome::kSkipped;
  std::vector<std::string> texts;
  for (const WhyLine& line : HowItEnded(run)) texts.push_back(line.text);
  EXPECT_THAT(texts, ElementsAre("failed", "'deploy' on hostA: lost: the launcher died"));
}

TEST(Why, OfThousandsThatEndedAlikeTheirNumber) {
  RunView run;
  run.status = {.state = RunState::kFinished, .outcome = RunOutcome::kFailed};
  run.tasks.resize(10'000, View());
  for (size_t i = 0; i < run.tasks.size(); ++i) {
    run.tasks[i].status.outcome = TaskOutcome::kFailed;
    run.tasks[i].status.reason = i < 30 ? "exit code " + std::to_string(i + 1) : "exit code 99";
  }
  std::vector<std::string> texts;
  for (const WhyLine& line : HowItEnded(run)) texts.push_back(line.text);
  ASSERT_EQ(texts.size(), 22u);
  EXPECT_EQ(
      texts[1],
      "'deploy' on hostA, 'deploy' on hostA, 'deploy' on hostA, 'deploy' on hostA, 'deploy' on hostA and 9965 more: "
      "failed: exit code 99");
  EXPECT_EQ(texts[2], "'deploy' on hostA: failed: exit code 1");
  EXPECT_EQ(texts.back(), "and 11 more, for other reasons");
}

TEST(Why, OfARunWhatDiffersOnlyInTheHostIsToldOnce) {
  RunView run;
  run.status = {.state = RunState::kFinished, .outcome = RunOutcome::kFailed};
  for (int i = 0; i < 130; ++i) {
    TaskView task = View();
    task.host = "web" + std::to_string(i);
    task.address = i < 120 ? "h:4000" : "g:4000";
    task.status.outcome = TaskOutcome::kFailed;
    task.status.reason = "no agent could be reached at " + task.host + " (" + task.address + ") for 1m00s: gone";
    run.tasks.push_back(task);
  }
  std::vector<std::string> texts;
  for (const WhyLine& line : HowItEnded(run)) texts.push_back(line.text);
  EXPECT_THAT(texts, ElementsAre("failed",
                                 "'deploy' on web0, 'deploy' on web1, 'deploy' on web2, 'deploy' on web3, 'deploy' on "
                                 "web4 and 125 more: failed: no agent could be reached at h:4000, g:4000 for 1m00s: "
                                 "gone"));
}

TEST(Why, HowARunningTaskGoes) {
  EXPECT_EQ(HowItGoes(std::nullopt, "", {}, At(0)).text, "nothing that it said has come here");
  EXPECT_EQ(
      HowItGoes(LastOutput{At(0), 2048}, "", {seconds(90), seconds(60), seconds(75)}, At(600)).text,
      "it said something 10m00s ago, 2.0 KiB in all; when it succeeded before, with the same job file, it ran 1m00s "
      "to 1m30s (3 times)");
  EXPECT_EQ(HowItGoes(LastOutput{At(0), 2048}, "the disk is full", {}, At(5)).text,
            "it said something 5.0s ago, 2.0 KiB in all; what it says waits: the disk is full");
}

}  // namespace
}  // namespace cromt
