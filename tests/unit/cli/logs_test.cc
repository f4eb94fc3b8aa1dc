// cromt logs
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint8_t kStderr = 2;
constexpr uint8_t kNote = 4;

class LogsTest : public CliTest {
 protected:
  // Two tasks whose output came interleaved.
  LogsTest() {
    control_.pieces = {Printed(1, 0, "a1\n"), Printed(2, 0, "b1\n"), Printed(1, 3, "a2"),
                       Printed(2, 3, "b2\n", kStderr)};
    tasks_ = {Succeeded(Task(1, "a", "hostA"), 5), Succeeded(Task(2, "b", "hostB"), 6)};
    control_.view = RunOf("p", tasks_, RunOutcome::kSucceeded);
  }
  std::vector<TaskView> tasks_;
};

TEST_F(LogsTest, AFinishedRunIsShownTaskByTask) {
  EXPECT_EQ(Cromt({"logs", "last"}), 0);
  EXPECT_EQ(out(), "==> a on hostA <==\na1\na2\n==> b on hostB <==\nb1\nb2\n");
  EXPECT_EQ(control_.logs_read, (std::vector<std::string>{"run1/1", "run1/2"}));
}

TEST_F(LogsTest, ARunningRunIsShownAsItCame) {
  control_.view = RunOf("p", tasks_);
  EXPECT_EQ(Cromt({"logs", "run1"}), 0);
  EXPECT_EQ(out(), "==> a on hostA <==\na1\n==> b on hostB <==\nb1\nb2\n==> a on hostA <==\na2\n");
}

TEST_F(LogsTest, OneTaskNeedsNoHeading) {
  EXPECT_EQ(Cromt({"logs", "run1", "b"}), 0);
  EXPECT_EQ(out(), "b1\nb2\n");
  EXPECT_EQ(Cromt({"logs", "run1", "1"}), 0);
  EXPECT_EQ(out(), "a1\na2\n");
  EXPECT_EQ(Cromt({"logs", "run1", "c"}), 2);
  EXPECT_THAT(err(), HasSubstr("run run1 has no task 'c'"));
}

TEST_F(LogsTest, RawIsWhatTheJobsWrote) {
  control_.pieces = {Printed(1, 0, std::string("\x1b[5m\0\xff", 6)), Printed(1, 6, "dropped 3 bytes\n", kNote),
                     Printed(1, 22, "no end", kStderr)};
  EXPECT_EQ(Cromt({"logs", "run1", "a", "--raw"}), 0);
  EXPECT_EQ(out(), std::string("\x1b[5m\0\xff", 6) + "no end");
  EXPECT_EQ(Cromt({"logs", "run1", "--raw"}), 0);
  EXPECT_THAT(out(), ::testing::StartsWith("==> a on hostA <==\n"));
}

TEST_F(LogsTest, JsonIsALineForEachPiece) {
  EXPECT_EQ(Cromt({"logs", "run1", "b", "-o", "json"}), 0);
  EXPECT_EQ(out(), R"({"task":"2","attempt":1,"stream":"stdout","at":"2026-11-22T18:34:31.100000Z","data":"b1\n"})"
                   "\n"
                   R"({"task":"2","attempt":1,"stream":"stderr","at":"2026-11-22T18:34:31.100000Z","data":"b2\n"})"
                   "\n");
}

TEST_F(LogsTest, TheLogOfAFailedRunIsNoFailure) {
  control_.view = RunOf("p", {Failed(tasks_[0], 1)}, RunOutcome::kFailed);
  control_.view.tasks[0].status.log_bytes = 5;
  EXPECT_EQ(Cromt({"logs", "run1"}), 0);
  EXPECT_EQ(out(), "a1\na2\n");
}

TEST_F(LogsTest, ATaskThatNeverRanIsNotAskedFor) {
  control_.view.tasks[1] = Skipped(Task(2, "b", "hostB"), "a failed");
  EXPECT_EQ(Cromt({"logs", "run1"}), 0);
  EXPECT_EQ(control_.logs_read, std::vector<std::string>{"run1/1"});
}

// Its place is damaged at the coordinator, and more came behind it.
TEST_F(LogsTest, WhatIsMissingForGoodIsNotWaitedFor) {
  control_.pieces = {Printed(1, 0, "a1\n"), Printed(1, 6, "a3\n")};
  control_.view = RunOf("p", {Succeeded(Task(1, "a", "hostA"), 9)}, RunOutcome::kSucceeded);
  EXPECT_EQ(Cromt({"logs", "run1"}), 0);
  EXPECT_EQ(out(), "a1\ncromt: 3 bytes of its output are missing here\na3\n");
  EXPECT_EQ(err(), "");
}

TEST_F(LogsTest, FollowEndsWithTheRun) {
  control_.view = RunOf("p", {Running(tasks_[0]), Running(tasks_[1])});
  control_.updates = {Whole(control_.view), Ended(control_.view, RunOutcome::kFailed, tasks_)};
  EXPECT_EQ(Cromt({"logs", "last", "--follow"}), 0);
  // The line without an end is shown once the task is known to have ended, which may be before or after b's.
  EXPECT_THAT(out(), ::testing::AnyOf("==> a on hostA <==\na1\n==> b on hostB <==\nb1\nb2\n==> a on hostA <==\na2\n",
                                      "==> a on hostA <==\na1\n==> b on hostB <==\nb1\n==> a on hostA <==\na2\n"
                                      "==> b on hostB <==\nb2\n"));
  EXPECT_EQ(err(), "");
}

TEST_F(LogsTest, CtrlCStopsFollowing) {
  control_.view = RunOf("p", {Running(tasks_[0]), Running(tasks_[1])});
  control_.updates = {Whole(control_.view)};
  control_.on_waiting = [this] { interrupts_.Raise(); };
  EXPECT_EQ(Cromt({"logs", "last", "--follow"}), 130);
  EXPECT_EQ(err(), "cromt: stopped following; run run1 goes on\n");
}

TEST_F(LogsTest, AReaderThatLeavesEndsTheReading) {
  out_.breaks_at = 1;
  EXPECT_EQ(Cromt({"logs", "run1"}), 0);
  EXPECT_EQ(control_.logs_read.size(), 1u);
  EXPECT_EQ(err(), "");
}

}  // namespace
}  // namespace cromt::cli
