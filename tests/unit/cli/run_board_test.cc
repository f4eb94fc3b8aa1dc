// How a run looks on a terminal, at one moment.
#include "cli/run_board.h"

#include "cli/screen_text.h"
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr TerminalSize kUsual{80, 24};
const RunBoard::Look kPlain{};
const RunBoard::Look kAscii{Palette(false), false};

// hello on three hosts ──▶ web on one.
class RunBoardTest : public ::testing::Test {
 protected:
  RunBoardTest() {
    RunView run = RunOf("web", {});
    run.instances = {{.project = "hello", .needs = {}}, {.project = "web", .needs = {0}}};
    TaskView web = Task(4, "web", "hostA");
    web.instance = 1;
    run.tasks = {Task(1, "hello", "hostA"), Task(2, "hello", "hostB"), Task(3, "hello", "hostC"), web};
    board_.Learn(Whole(run));
  }

  std::vector<std::string> Lines(size_t most = 20, TerminalSize size = kUsual, const RunBoard::Look& look = kPlain) {
    auto lines = board_.Lines(At(14'500), size, most, look);
    for (std::string& line : lines) {
      EXPECT_LT(Columns(line), size.columns) << line;
      line.resize(line.find_last_not_of(' ') + 1);
    }
    EXPECT_LE(lines.size(), most);
    return lines;
  }

  RunBoard board_;
};

TEST_F(RunBoardTest, TheBarSaysWhatIsFetchedBeforeItBegins) {
  RunView run = RunOf("web", {});
  run.status.state = RunState::kQueued;
  run.status.reason = "fetching https://h/r.git: 3 of 10 objects, 1.2 MiB";
  board_.Learn({.run = run, .tasks = {}});
  EXPECT_THAT(Lines().back(), HasSubstr("0/4 tasks, 14s, fetching https://h/r.git: 3 of"));
  run.status = {.state = RunState::kRunning};
  board_.Learn({.run = run, .tasks = {}});
  EXPECT_THAT(Lines().back(), Not(HasSubstr("fetching")));
}

TEST_F(RunBoardTest, TasksStandInTheirGroupsWithHostStateTimeAndLastLine) {
  TaskView waits = Task(3, "hello", "hostC");
  waits.status.state = TaskState::kReady;
  waits.status.reason = "hostC can't be reached: Connection refused";
  board_.Learn(Changed({Running(Task(1, "hello", "hostA")), Failed(Task(2, "hello", "hostB"), 1), waits}));
  board_.Heard(Printed(1, 0, "compiling\nlinking "));
  EXPECT_THAT(
      Lines(),
      ElementsAre("hello         1/3      14s  1 running, 1 failed", "  hostA       running  14s  linking",
                  "  hostC       ready         hostC can't be reached: Connection refused",
                  "web on hostA  waiting       for hello", "██████░░░░░░░░░░░░░░░░░░░░  1/4 tasks, 1 failed, 14s"));
}

TEST_F(RunBoardTest, WhatHasEndedSaysSo) {
  board_.Learn(Changed({Succeeded(Task(1, "hello", "hostA")), Succeeded(Task(2, "hello", "hostB")),
                        Succeeded(Task(3, "hello", "hostC")), Running(Task(4, "web", "hostA"))}));
  EXPECT_THAT(Lines(), ElementsAre("hello         3/3       3s  done", "web on hostA  running  14s",
                                   "███████████████████░░░░░░░  3/4 tasks, 14s"));
}

TEST_F(RunBoardTest, ATerminalWithoutUtf8GetsAscii) {
  board_.Learn(Changed({Running(Task(1, "hello", "hostA"))}));
  board_.Heard(Printed(1, 0, "größe"));
  const auto lines = Lines(20, kUsual, kAscii);
  for (const std::string& line : lines)
    for (unsigned char c : line) EXPECT_LT(c, 0x80) << line;
  EXPECT_THAT(lines[1], HasSubstr("gr??e"));
  EXPECT_THAT(lines.back(), HasSubstr("-----  0/4 tasks"));
}

TEST_F(RunBoardTest, AJobsEscapeCodesAreNotShown) {
  board_.Learn(Changed({Running(Task(1, "hello", "hostA"))}));
  board_.Heard(Printed(1, 0, "\x1b[2J\x1b[31mred\x1b[0m \x1b]0;title\aand\x1b[999;999H\x07 bell\x1b"));
  EXPECT_THAT(Lines()[1], AllOf(HasSubstr("red and^G bell"), Not(HasSubstr("\x1b")), Not(HasSubstr("title"))));
}

TEST_F(RunBoardTest, ANarrowTerminalKeepsWhatMatters) {
  board_.Learn(Changed({Running(Task(1, "hello", "hostA"))}));
  board_.Heard(Printed(1, 0, std::string(300, 'x')));
  const auto lines = Lines(20, {40, 24});
  EXPECT_THAT(lines[1], AllOf(HasSubstr("hostA"), HasSubstr("running"), HasSubstr("14s")));
  EXPECT_THAT(Lines(20, {24, 24})[1], AllOf(HasSubstr("hostA"), HasSubstr("running")));
  EXPECT_THAT(Lines(20, {19, 24}), SizeIs(0)) << "too narrow for anything";
  EXPECT_THAT(Lines(1), SizeIs(0));
}

TEST(RunBoardManyTest, TwoHundredTasksFitIntoTenLines) {
  RunView run = RunOf("deploy", {});
  run.instances.clear();
  std::vector<TaskView> running;
  for (uint32_t group = 0; group < 20; ++group) {
    run.instances.push_back({.project = "p" + std::to_string(group), .needs = {}});
    for (uint32_t host = 0; host < 10; ++host) {
      TaskView task = Task(group * 10 + host + 1, "p" + std::to_string(group), "host" + std::to_string(host));
      task.instance = group;
      run.tasks.push_back(task);
      if (group == 7 || group == 9) running.push_back(Running(task));
    }
  }
  RunBoard board;
  board.Learn(Whole(run));
  board.Learn(Changed(running));
  auto lines = board.Lines(At(14'500), kUsual, 10, kPlain);
  ASSERT_EQ(lines.size(), 10u);
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  EXPECT_THAT(all, AllOf(HasSubstr("p7 "), HasSubstr("p9 "), HasSubstr("10 running"), HasSubstr("and 12 more"),
                         HasSubstr("0/200 tasks")));
  // With more room the tasks of those that run are shown.
  lines = board.Lines(At(14'500), kUsual, 40, kPlain);
  EXPECT_EQ(lines.size(), 40u);
  EXPECT_THAT(lines, Each(Not(HasSubstr("more"))));
}

TEST(LastLineTest, IsTheNewestThatIsNotBlankAlsoWhereItHasNoEnd) {
  LastLine line;
  EXPECT_EQ(line.text(), "");
  line.Add(1, 0, "one\ntw");
  EXPECT_EQ(line.text(), "tw");
  line.Add(1, 0, "one\ntw");  // again
  line.Add(1, 6, "o\n\n  \n");
  EXPECT_EQ(line.text(), "two");
  line.Add(1, 14, "10%\r20%\r");
  EXPECT_EQ(line.text(), "20%");
  line.Add(2, 0, "next attempt");
  EXPECT_EQ(line.text(), "next attempt");
  line.Add(1, 22, "late");
  EXPECT_EQ(line.text(), "next attempt");
  line.Add(2, 12, std::string(5'000'000, 'x') + "\nlast");
  EXPECT_EQ(line.text(), "last");
  line.Add(2, 5'000'017, std::string(5'000'000, 'y'));
  EXPECT_LE(line.text().size(), LastLine::kMaxBytes);
}

TEST(ScreenTextTest, WideCharactersTakeTwoColumnsAndNothingIsCutInHalf) {
  EXPECT_EQ(Columns("abc"), 3u);
  EXPECT_EQ(Columns("日本"), 4u);
  EXPECT_EQ(Columns("…█░"), 3u);
  EXPECT_EQ(Fit("日本語", 5, "…"), "日本…");
  EXPECT_EQ(Fit("日本語", 4, "…"), "日…");
  EXPECT_EQ(Fit("abcdef", 4, "..."), "a...");
  EXPECT_EQ(Fit("abcdef", 2, "..."), "");
  EXPECT_EQ(Pad("日", 4, "…"), "日  ");
  EXPECT_EQ(Plain("\x1b[1;31mred\x1b(B\x1b[m\x1b]8;;x\x1b\\link\x1bM \x1bP1$r\x1b\\."), "redlink .");
}

}  // namespace
}  // namespace cromt::cli
