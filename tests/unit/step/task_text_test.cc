// The text people see, word for word.
#include "cli/task_text.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

namespace cromt::cli {
namespace {

using seglog::Stream;

class TaskTextTest : public ::testing::Test {
 protected:
  void SetUp() override { UseZone("UTC"); }
  static void UseZone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }

  void Begin(std::string title) { Mark(step::TaskBegan{std::move(title)}); }
  void Exit(std::string name, int code) { Mark(step::TaskEnded{.name = std::move(name), .exit_code = code}); }
  void Mark(const step::Mark& mark) { Add(Stream::kStep, Encode(mark)); }
  void Out(std::string_view data) { Add(Stream::kStdout, data); }
  void Err(std::string_view data) { Add(Stream::kStderr, data); }
  void Note(std::string_view data) { Add(Stream::kNote, data); }
  void Add(Stream stream, std::string_view data) { text_->Add(stream, at_, data, shown_); }
  void Mode(TaskText::Mode mode, bool terminal = false) { text_.emplace(TaskText::Options{mode, terminal}); }
  // What was shown since the last call.
  std::string Shown() { return std::exchange(shown_, {}); }
  std::string End() {
    text_->End(shown_);
    return Shown();
  }

  std::optional<TaskText> text_{TaskText::Options{}};
  std::string shown_;
  int64_t at_ = 1795372471'000'000;  // 2026-11-22 18:34:31 UTC
};

// Two tasks: the second writes to both streams and fails.
class TwoTasks : public TaskTextTest {
 protected:
  void Play() {
    Out("before\n");
    Begin("task.bash - tasks/hello");
    Out("Hello worker  A!\n");
    Exit("tasks/hello", 0);
    Begin("task.bash - tasks/bad");
    Out("one\n");
    Err("warning\n");
    at_ += 1'000'000;
    Out("two\nhalf");
    Err("error\n");
    Exit("tasks/bad", 7);
  }
};

TEST_F(TwoTasks, LiveShowsLinesAsTheyCome) {
  Play();
  EXPECT_EQ(End(),
            "before\n"
            "[task run: task.bash - tasks/hello]\n"
            "[task stdout]\n"
            "18:34:31 :: Hello worker  A!\n"
            "[task run: task.bash - tasks/bad]\n"
            "[task stdout]\n"
            "18:34:31 :: one\n"
            "[task stderr]\n"
            "18:34:31 :: warning\n"
            "[task stdout]\n"
            "18:34:32 :: two\n"
            "[task stderr]\n"
            "18:34:32 :: error\n"
            "[task stdout]\n"
            "18:34:32 :: half\n"
            "18:34:32 :: task exit status: 7\n"
            "18:34:32 :: task tasks/bad FAILED\n");
}

TEST_F(TwoTasks, FinishedShowsStdoutBeforeStderrAsTheOriginal) {
  Mode(TaskText::Mode::kFinished);
  Play();
  EXPECT_EQ(End(),
            "before\n"
            "[task run: task.bash - tasks/hello]\n"
            "[task stdout]\n"
            "18:34:31 :: Hello worker  A!\n"
            "[task run: task.bash - tasks/bad]\n"
            "[task stdout]\n"
            "18:34:31 :: one\n"
            "18:34:32 :: two\n"
            "18:34:32 :: half\n"
            "[task stderr]\n"
            "18:34:31 :: warning\n"
            "18:34:32 :: error\n"
            "18:34:32 :: task exit status: 7\n"
            "18:34:32 :: task tasks/bad FAILED\n");
}

TEST_F(TaskTextTest, WhatAHookLeavesAndWhatAChecksSayStandsBelowHeadings) {
  Mark(step::SectionBegan{"hook stdout"});
  Out("from the hook\n");
  Begin("task.bash - t");
  Out("from the task\n");
  Exit("t", 0);
  Mark(step::SectionBegan{"task check"});
  Mark(step::OwnLine{"stdout match <from> True"});
  EXPECT_EQ(End(),
            "[hook stdout]\n18:34:31 :: from the hook\n"
            "[task run: task.bash - t]\n[task stdout]\n18:34:31 :: from the task\n"
            "[task check]\nstdout match <from> True\n");
}

TEST_F(TaskTextTest, QuietOnesHaveNoHeadings) {
  for (auto mode : {TaskText::Mode::kLive, TaskText::Mode::kFinished}) {
    Mode(mode);
    Mark(step::SectionBegan{"hook stdout", true});
    Out("from the hook\n");
    Mark(step::TaskBegan{"task.bash - t", true});
    Out("out\n");
    Err("err\n");
    Exit("t", 7);
    EXPECT_EQ(End(),
              "18:34:31 :: from the hook\n18:34:31 :: out\n18:34:31 :: err\n"
              "18:34:31 :: task exit status: 7\n18:34:31 :: task t FAILED\n");
  }
}

TEST_F(TaskTextTest, TimesAreTheViewersOwn) {
  UseZone("IST-5:30");
  Begin("t");
  Out("x\n");
  EXPECT_EQ(End(), "[task run: t]\n[task stdout]\n00:04:31 :: x\n");
}

TEST_F(TaskTextTest, WithoutMarksLinesComeAsTheyAre) {
  for (auto mode : {TaskText::Mode::kLive, TaskText::Mode::kFinished}) {
    Mode(mode);
    Out("one\n");
    Err("two\n");
    Out("\n\x1B[2Jthree \xFF\r\n");
    EXPECT_EQ(End(), "one\ntwo\n\n\x1B[2Jthree \xFF\r\n");
  }
}

TEST_F(TaskTextTest, ALineIsHeldUntilItsEndOrAFlush) {
  Begin("t");
  Shown();
  Out("par");
  EXPECT_EQ(Shown(), "");
  at_ += 5'000'000;
  Out("tial\nnext?");
  EXPECT_EQ(Shown(), "18:34:31 :: partial\n");  // the time of its first byte
  text_->Flush(shown_);
  EXPECT_EQ(Shown(), "18:34:36 :: next?");
  Out(" yes\n");
  EXPECT_EQ(Shown(), " yes\n");
  Out("open");
  text_->Flush(shown_);
  Err("e\n");
  EXPECT_EQ(Shown(), "18:34:36 :: open\n[task stderr]\n18:34:36 :: e\n");
  EXPECT_EQ(End(), "");
}

TEST_F(TaskTextTest, NotesStandOnLinesOfTheirOwn) {
  Out("half");
  text_->Flush(shown_);
  Note("stopped 'sleep' that was left behind\n");
  EXPECT_EQ(End(), "half\ncromt: stopped 'sleep' that was left behind\n");
}

TEST_F(TaskTextTest, ASignalIsSaid) {
  Begin("t");
  Mark(step::TaskEnded{.name = "tasks/k", .signal = 9});
  EXPECT_EQ(End(),
            "[task run: t]\n[task stdout]\n18:34:31 :: task killed by signal 9 (SIGKILL)\n"
            "18:34:31 :: task exit status: 137\n18:34:31 :: task tasks/k FAILED\n");
}

TEST_F(TaskTextTest, AnAttemptThatWasKilledShowsWhatWasHeld) {
  Mode(TaskText::Mode::kFinished);
  Begin("t");
  Err("held");
  EXPECT_EQ(End(), "[task run: t]\n[task stdout]\n[task stderr]\n18:34:31 :: held\n");
}

TEST_F(TaskTextTest, MarksMayBeCutAnywhereAndUnknownOnesAreSkipped) {
  const std::string mark = step::Encode(step::TaskBegan{"t"}) + "future-mark x\n";
  for (char c : mark) Add(Stream::kStep, {&c, 1});
  EXPECT_EQ(End(), "[task run: t]\n[task stdout]\n");
}

TEST_F(TaskTextTest, ALineOfManyMegabytesComesInPieces) {
  Begin("t");
  Shown();
  const std::string chunk(100'000, 'x');
  size_t longest = 0, total = 0;
  for (int i = 0; i < 300; ++i) {
    Out(chunk);
    longest = std::max(longest, shown_.size());
    total += Shown().size();
  }
  EXPECT_LE(longest, 2 * TaskText::kMaxHeldLineBytes + 100);
  Out("\n");
  total += End().size();
  EXPECT_EQ(total, 300u * 100'000u + std::string_view("18:34:31 :: \n").size());
}

TEST_F(TaskTextTest, MuchStderrIsNotHeldForEver) {
  Mode(TaskText::Mode::kFinished);
  Begin("t");
  Shown();
  const std::string line = std::string(1000, 'e') + "\n";
  size_t lines = 0;
  for (; shown_.empty() && lines * line.size() <= TaskText::kMaxHeldStderrBytes; ++lines) Err(line);
  EXPECT_GT(lines, 10'000u);
  EXPECT_TRUE(Shown().starts_with("[task stderr]\n18:34:31 :: eee"));
  Out("o\n");
  EXPECT_EQ(Shown(), "[task stdout]\n18:34:31 :: o\n");
  Err("last\n");
  EXPECT_EQ(End(), "[task stderr]\n18:34:31 :: last\n");
}

TEST_F(TaskTextTest, OnATerminalOnlyColoursAreObeyed) {
  Mode(TaskText::Mode::kLive, true);
  Begin("t");
  Shown();
  Out("\x1B[31mred\nstill red\x1B[0m\r\n\x1B]0;title\x07\n\x1B[8mhidden\n");
  EXPECT_EQ(Shown(),
            "18:34:31 :: \x1B[31mred\x1B[0m\n18:34:31 :: \x1B[31mstill red\x1B[0m\n18:34:31 :: ^[]0;title^G\n"
            "18:34:31 :: \x1B[8mhidden\x1B[0m\n");
  Exit("t", 1);
  Note("bad \x1B[2J name\n");
  EXPECT_EQ(End(), "18:34:31 :: task exit status: 1\n18:34:31 :: task t FAILED\ncromt: bad ^[[2J name\n");
}

TEST_F(TaskTextTest, OnATerminalAFlushCutsNoCharacter) {
  Mode(TaskText::Mode::kLive, true);
  Out("a\xC3");
  text_->Flush(shown_);
  EXPECT_EQ(Shown(), "a");
  Out("\xBC\x1B[3");
  text_->Flush(shown_);
  EXPECT_EQ(Shown(), "ü");
  Out("1mred");
  EXPECT_EQ(End(), "\x1B[31mred\x1B[0m\n");
}

}  // namespace
}  // namespace cromt::cli
