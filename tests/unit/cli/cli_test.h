// The stage for tests of the command line: a world of strings, a fake coordinator, a directory for files, and
// builders for what a coordinator would say.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/app.h"
#include "fake_access.h"
#include "fake_control.h"
#include "fake_terminal.h"

namespace cromt::cli {

class StringWriter final : public Writer {
 public:
  void Write(std::string_view written) override {
    if (broken) return;
    text += written;
    if (text.size() >= breaks_at) broken = Error{ErrorCode::kCanceled, "closed"};
  }
  std::optional<Error> failure() const override { return broken; }

  std::string text;
  size_t breaks_at = SIZE_MAX;
  std::optional<Error> broken;
};

class FakeInterrupts final : public Interrupts {
 public:
  void Handle(std::function<void()> handler) override { handler_ = std::move(handler); }
  void EndProgram() override { ended = true; }
  // A Ctrl-C. REQUIRES: a command handles them.
  void Raise() { handler_(); }
  bool handled() const { return handler_ != nullptr; }

  std::atomic<bool> ended = false;

 private:
  std::function<void()> handler_;
};

class FixedClock final : public Clock {
 public:
  Now Read() const override { return {MonoFromMicros(0), now}; }
  Wall now;
};

// 2026-11-22 18:34:31 UTC, and some milliseconds after it.
Wall At(int64_t milliseconds_later);

// ---- Builders ---------------------------------------------------------------------------------

// A task that is waiting; number from 1.
TaskView Task(uint32_t number, const std::string& name, const std::string& host);
TaskView Running(TaskView task);
// Ended after as many seconds as its number says.
TaskView Succeeded(TaskView task, int64_t log_bytes = 0);
TaskView Failed(TaskView task, int exit_code, const std::string& reason = "");
TaskView Skipped(TaskView task, const std::string& reason);

// The run "run1" of `project`: without an outcome it is running.
RunView RunOf(const std::string& project, std::vector<TaskView> tasks,
              std::optional<RunOutcome> outcome = std::nullopt);
// What a watcher is told of it first, and at its end.
RunUpdate Whole(const RunView& run);
RunUpdate Ended(RunView run, RunOutcome outcome, std::vector<TaskView> tasks = {});
RunUpdate Changed(std::vector<TaskView> tasks);

LogPiece Printed(uint32_t task_number, int64_t offset, const std::string& text, uint8_t stream = 1);

// ---- The stage --------------------------------------------------------------------------------

class CliTest : public ::testing::Test {
 protected:
  CliTest();
  ~CliTest() override;

  // Runs `cromt WORDS…` and returns its exit code; `out` and `err` hold what it wrote.
  int Cromt(std::vector<std::string> words);

  // Writes a file into the current directory and returns its name.
  std::string File(const std::string& name, const std::string& text);
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  StringWriter out_, err_;
  const std::string& out() const { return out_.text; }
  const std::string& err() const { return err_.text; }

  FakeControl control_;
  FakeInterrupts interrupts_;
  FixedClock clock_;
  SeededRandom random_{7};
  std::map<std::string, std::string> environment_;
  bool terminal_ = false;
  int input_ = -1;                      // standard input
  FakeTerminal* screen_ = nullptr;      // takes both streams instead of out_ and err_
  std::vector<std::string> connected_;  // addresses
  std::optional<Error> connect_error_;
  FakeAccess access_;
  std::vector<CoordinatorTarget> access_targets_;
  std::string shown_authorities_;  // other ones than those that a login has
  std::string fetched_;            // address and fingerprint
  std::vector<EmbeddedOptions> embedded_;
  std::function<void()> on_embed_;

 private:
  std::string directory_;
};

// What tests/golden/cli/NAME holds.
std::string Golden(const std::string& name);

}  // namespace cromt::cli
