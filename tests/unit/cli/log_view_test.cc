// Output of many tasks, on its way to one terminal.
#include "cli/log_view.h"

#include "cli_test.h"

namespace cromt::cli {
namespace {

class LogViewTest : public ::testing::Test {
 protected:
  TextLog Log(TextLog::Options options = {}) {
    return TextLog([this](std::string_view text) { shown_ += text; }, options, Palette(false));
  }
  static std::vector<TaskView> Two() { return {Task(1, "a", "h"), Task(2, "b", "h")}; }

  std::string shown_;
};

TEST_F(LogViewTest, LinesOfDifferentTasksStayWhole) {
  TextLog log = Log();
  log.SetTasks(Two());
  log.Add(Printed(1, 0, "on"));
  log.Add(Printed(2, 0, "two\n"));
  log.Add(Printed(1, 2, "e\n"));
  EXPECT_EQ(shown_, "==> b on h <==\ntwo\n==> a on h <==\none\n");
}

TEST_F(LogViewTest, ATaskThatEndedHoldsNothingOnceItsOutputIsThere) {
  TextLog log = Log();
  log.SetTasks(Two());
  log.Add(Printed(1, 0, "no "));
  bool told = false;
  log.TaskEnded(0, Succeeded(Task(1, "a", "h"), 6).status, [&] { told = true; });
  EXPECT_FALSE(told) << "three bytes are still to come";
  log.Add(Printed(1, 3, "end"));
  EXPECT_TRUE(told);
  EXPECT_EQ(shown_, "==> a on h <==\nno end\n");
  EXPECT_EQ(log.open(), 0u);
}

TEST_F(LogViewTest, OutputThatNeverComesHoldsNoMessageForever) {
  TextLog log = Log();
  bool told = false;
  log.TaskEnded(0, Succeeded(Task(1, "a", "h"), 6).status, [&] { told = true; });
  EXPECT_FALSE(told);
  log.End();
  EXPECT_TRUE(told);
}

TEST_F(LogViewTest, HowMuchALostTaskPrintedNobodyKnows) {
  TextLog log = Log();
  TaskStatus status = Failed(Task(1, "a", "h"), 1).status;
  status.exit.reset();
  status.log_bytes = 100;
  bool told = false;
  log.TaskEnded(0, status, [&] { told = true; });
  EXPECT_TRUE(told);
}

TEST_F(LogViewTest, WhatComesAgainIsNotShownAgain) {
  TextLog log = Log();
  log.Add(Printed(1, 0, "one\n"));
  log.Add(Printed(1, 0, "one\n"));
  log.Add(Printed(1, 0, "one\ntwo\n"));
  EXPECT_EQ(shown_, "one\ntwo\n");
}

TEST_F(LogViewTest, WhatIsMissingIsSaid) {
  TextLog log = Log();
  log.Add(Printed(1, 0, "one\n"));
  log.Add(Printed(1, 10, "three\n"));
  log.Add(Printed(1, 16, "four\n"));
  LogPiece note = Printed(1, kNoteOffset, "the host was restarted\n");
  note.stream = static_cast<uint8_t>(seglog::Stream::kNote);
  log.Add(note);
  EXPECT_EQ(shown_, "one\ncromt: 6 bytes of its output are missing here\nthree\nfour\ncromt: the host was restarted\n");
}

TEST_F(LogViewTest, EachAttemptStandsForItself) {
  TextLog log = Log();
  log.SetTasks(Two());
  LogPiece second = Printed(1, 0, "again\n");
  second.attempt = 2;
  log.Add(Printed(1, 0, "once\n"));
  log.Add(second);
  EXPECT_EQ(shown_, "==> a on h <==\nonce\n==> a on h (attempt 2) <==\nagain\n");
}

TEST_F(LogViewTest, APromptIsShownOnATerminalWhereOneTaskRuns) {
  TextLog log = Log({.terminal = true});
  log.SetTasks({Task(1, "a", "h")});
  log.Add(Printed(1, 0, "Password: "));
  EXPECT_EQ(shown_, "Password: ");
  log.End();
  EXPECT_EQ(shown_, "Password: \n");
}

TEST_F(LogViewTest, NoMoreThanSoManyTasksAreHeldOpen) {
  TextLog log = Log();
  std::vector<TaskView> tasks;
  for (uint32_t number = 1; number <= TextLog::kMaxOpen + 10; ++number)
    tasks.push_back(Task(number, "t" + std::to_string(number), "h"));
  log.SetTasks(tasks);
  for (const TaskView& task : tasks) log.Add(Printed(task.index + 1, 0, "open"));
  EXPECT_EQ(log.open(), TextLog::kMaxOpen);
  EXPECT_EQ(shown_.find("==> t1 on h <==\nopen\n"), 0u) << "the one that was silent for longest";
  EXPECT_EQ(shown_.find("t11 "), std::string::npos);
  log.End();
  EXPECT_EQ(log.open(), 0u);
  EXPECT_NE(shown_.find("==> t1010 on h <==\nopen\n"), std::string::npos);
}

TEST_F(LogViewTest, RawBytesAreNotShownTwiceEither) {
  RawLog log([this](std::string_view text) { shown_ += text; }, true);
  log.SetTasks(Two());
  log.Add(Printed(1, 0, "a"));
  log.Add(Printed(1, 0, "a"));
  log.Add(Printed(2, 0, "b"));
  EXPECT_EQ(shown_, "==> a on h <==\na\n==> b on h <==\nb");
}

}  // namespace
}  // namespace cromt::cli
