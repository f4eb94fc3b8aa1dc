// A followed run on a terminal: nothing is lost above, nothing is left below.
#include "cli/live_region.h"
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

using Strings = std::vector<std::string>;

class LiveRegionTest : public ::testing::Test {
 protected:
  void Print(const std::string& text) {
    region_.Print(terminal_, text);
    printed_ += text;
  }
  Strings Printed() const {
    Strings lines;
    std::istringstream text(printed_);
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  // All that was printed is there, and below it the lines that were drawn.
  void ExpectAll(Strings below) {
    Strings expected = Printed();
    if (!below.empty()) expected.emplace_back();
    expected.insert(expected.end(), below.begin(), below.end());
    EXPECT_EQ(terminal_.Lines(), expected);
  }

  FakeTerminal terminal_{{20, 8}};
  LiveRegion region_{terminal_};
  std::string printed_;
};

TEST_F(LiveRegionTest, TextGoesByAboveTheLines) {
  region_.Draw({"a 1", "b 1"});
  ExpectAll({"a 1", "b 1"});
  for (int i = 0; i < 30; ++i) {
    Print("line " + std::to_string(i) + "\n");
    region_.Draw({"a " + std::to_string(i), "b"});
    ExpectAll({"a " + std::to_string(i), "b"});
  }
  region_.Clear();
  ExpectAll({});
  EXPECT_EQ(terminal_.cursor_column(), 0u);
}

TEST_F(LiveRegionTest, FewerLinesLeaveNoRestOfMore) {
  Print("text\n");
  region_.Draw({"one", "two", "three"});
  region_.Draw({"o"});
  ExpectAll({"o"});
  region_.Draw({});
  ExpectAll({});
}

TEST_F(LiveRegionTest, AnUnfinishedLineIsNotCutInTwo) {
  region_.Draw({"below"});
  Print("half");
  region_.Draw({"below"});
  EXPECT_EQ(terminal_.Lines(), Strings{"half"});
  Print(" and half\n");
  region_.Draw({"below"});
  ExpectAll({"below"});
}

TEST_F(LiveRegionTest, LongTextWrapsAndIsWhole) {
  for (int i = 0; i < 5; ++i) {
    Print(std::string(47, static_cast<char>('a' + i)) + "\n");
    region_.Draw({"below"});
  }
  ExpectAll({"below"});
}

TEST_F(LiveRegionTest, AResizeLosesNothingAndLeavesNothing) {
  const Strings wide = {"0123456789012345678", "abcdefghijklmnopqrs", "third"};
  for (const TerminalSize size : {TerminalSize{10, 8}, {7, 5}, {40, 5}, {12, 4}, {30, 20}, {9, 9}}) {
    Print("line at " + std::to_string(size.columns) + "\n");
    Print("one more\n");
    region_.Draw(wide);
    terminal_.Resize(size);
    Strings narrow;
    for (const std::string& line : wide) narrow.push_back(line.substr(0, size.columns - 1));
    if (narrow.size() > size.rows - 2) narrow.resize(size.rows - 2);
    region_.Draw(narrow);
    ExpectAll(narrow);
    terminal_.Resize({20, 8});
    Print("between\n");
    ExpectAll({});
  }
}

TEST_F(LiveRegionTest, WhatSomebodyElseWritesStandsOnALineOfItsOwn) {
  Print("text\n");
  region_.Draw({"below"});
  terminal_.Write("^C");  // the terminal shows what is typed
  region_.Draw({"below"});
  ExpectAll({"below"});
  terminal_.Write("a library's warning\n");
  printed_ += "a library's warning\n";
  region_.Draw({"below"});
  ExpectAll({"below"});
}

TEST_F(LiveRegionTest, TheSecondStreamDoesNotContinueTheFirstOnesLine) {
  FakeTerminal other{{20, 8}};
  region_.Print(other, "prompt> ");
  region_.Print(terminal_, "message\n");
  EXPECT_EQ(terminal_.Lines(), (Strings{"", "message"}));
}

// ---- The command ------------------------------------------------------------------------------

class LiveRunTest : public CliTest {
 protected:
  LiveRunTest() {
    terminal_ = true;
    screen_ = &terminal_screen_;
    environment_["TERM"] = "xterm";
    environment_["LANG"] = "C.UTF-8";
    environment_["XDG_STATE_HOME"] = Path("state");
    File("hello.yaml", "projects: {hello: {run: echo}}\n");
  }

  // A run of so many tasks; each prints some lines, and the tenth fails.
  void ManyTasks(uint32_t count) {
    RunView run = RunOf("hello", {});
    std::vector<TaskView> running, ended;
    for (uint32_t i = 1; i <= count; ++i) {
      run.tasks.push_back(Task(i, "hello", "host" + std::to_string(i)));
      running.push_back(Running(run.tasks.back()));
      for (int line = 0; line < 3; ++line) {
        const std::string text = "output " + std::to_string(line) + " of " + std::to_string(i) + "\n";
        control_.pieces.push_back(Printed(i, line * 100, text));
      }
      ended.push_back(i == 10 ? Failed(run.tasks.back(), 7) : Succeeded(run.tasks.back()));
    }
    control_.updates = {Whole(run), Changed(running)};
    control_.after_cancel = Ended(run, RunOutcome::kFailed, ended);
    control_.view = run;
  }

  // Ends the run once the board was seen.
  void EndWhenSeen(const std::string& text) {
    control_.on_waiting = [this, text] {
      const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (std::chrono::steady_clock::now() < limit) {
        seen_ = terminal_screen_.Rows();
        for (const std::string& row : seen_) found_ |= row.find(text) != std::string::npos;
        if (found_) break;
        std::this_thread::yield();
      }
      control_.Cancel("run1", "", "");
    };
  }

  FakeTerminal terminal_screen_{{80, 24}};
  Strings seen_;  // the screen, at the moment
  bool found_ = false;
};

TEST_F(LiveRunTest, TwoHundredTasksLoseNoLineAndLeaveNothingBehind) {
  ManyTasks(200);
  EndWhenSeen("0/200 tasks");
  EXPECT_EQ(Cromt({"run", "hello.yaml"}), 1);
  EXPECT_TRUE(found_);
  EXPECT_LE(seen_.size(), 24u);
  const Strings lines = terminal_screen_.Lines();
  for (uint32_t i = 1; i <= 200; ++i)
    for (int line = 0; line < 3; ++line)
      EXPECT_THAT(lines, Contains("output " + std::to_string(line) + " of " + std::to_string(i)));
  EXPECT_THAT(lines, Contains("cromt: hello on host10 failed in 10.0s: exit code 7"));
  EXPECT_THAT(lines,
              IsSupersetOf({"cromt: run run1 of hello: 200 tasks on 200 hosts",
                            "cromt: run run1 failed: 1 failed, 199 succeeded of 200 tasks in 3.0s",
                            "cromt:   hello on host10 failed in 10.0s: exit code 7; its output: cromt logs run1 10 "
                            "--local"}));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("0/200 tasks"))));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("started")))) << "that is seen below";
  EXPECT_THAT(lines.back(), HasSubstr("cromt logs run1 10 --local")) << "nothing stands below the summary";
}

TEST_F(LiveRunTest, NoColourMeansNoColourButTheLinesStay) {
  environment_["NO_COLOR"] = "1";
  ManyTasks(2);
  control_.updates.push_back(Ended(control_.view, RunOutcome::kSucceeded));
  screen_ = nullptr;  // as bytes
  EXPECT_EQ(Cromt({"run", "hello.yaml"}), 0);
  EXPECT_THAT(err(), AllOf(HasSubstr("run run1 succeeded"), Not(HasSubstr("m\x1b")), Not(HasSubstr("\x1b[3"))));
}

TEST_F(LiveRunTest, ADumbTerminalGetsPlainLines) {
  environment_["TERM"] = "dumb";
  ManyTasks(2);
  control_.updates.push_back(Ended(control_.view, RunOutcome::kSucceeded));
  screen_ = nullptr;
  EXPECT_EQ(Cromt({"run", "hello.yaml"}), 0);
  EXPECT_THAT(err(), AllOf(HasSubstr("cromt: hello on host1 started\n"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(out(), Not(HasSubstr("\x1b[J")));
}

TEST_F(LiveRunTest, CtrlCIsSaidAboveAndTheTerminalIsLeftClean) {
  ManyTasks(3);
  control_.on_waiting = [this] { interrupts_.Raise(); };
  EXPECT_EQ(Cromt({"run", "hello.yaml"}), 130);
  const Strings lines = terminal_screen_.Lines();
  EXPECT_THAT(lines, Contains(HasSubstr("interrupted: canceling run run1")));
  EXPECT_THAT(lines.back(), HasSubstr("cromt:"));
}

TEST_F(LiveRunTest, AJobsEscapeCodesDoNothing) {
  ManyTasks(1);
  control_.pieces = {Printed(1, 0, "\x1b[2J\x1b[H\x1b]0;title\a plain \x1b[1A\r over\nnext\n")};
  EndWhenSeen("0/1 task");
  Cromt({"run", "hello.yaml"});
  EXPECT_THAT(terminal_screen_.Lines(), Contains("^[[2J^[[H^[]0;title^G plain ^[[1A^M over"));
  EXPECT_THAT(terminal_screen_.Lines(), Contains("next"));
}

}  // namespace
}  // namespace cromt::cli
