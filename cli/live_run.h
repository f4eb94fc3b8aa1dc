// A followed run on a person's terminal: what happens and what jobs print goes by above, how its tasks stand is drawn
// below (run_board.h) a few times a second. Owns a thread that draws. Thread-safe.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "cli/interrupts.h"
#include "cli/live_region.h"
#include "cli/log_view.h"
#include "cli/run_board.h"
#include "cli/session.h"

namespace cromt::cli {

// True if standard error is a terminal on which lines can be drawn again.
bool CanShowLive(const World& world);

class LiveRun {
 public:
  // `world` outlives this. Nothing else writes to its standard error, or to its standard output where that is a
  // terminal, until End.
  LiveRun(const World& world, const Palette& palette);
  ~LiveRun();
  LiveRun(const LiveRun&) = delete;
  LiveRun& operator=(const LiveRun&) = delete;

  // Ways to the terminal, past the lines that are drawn.
  Writer& out() { return out_; }
  Writer& err() { return err_; }

  void Learn(const RunUpdate& update);
  void Heard(const LogPiece& piece);
  // Draws no more and leaves the terminal as if it never had.
  void End();
  // The same for a program that ends now, from any thread: waits for nothing.
  void Abandon();

 private:
  class Passage final : public Writer {
   public:
    Passage(LiveRun& live, Writer& to, bool to_terminal) : live_(live), to_(to), to_terminal_(to_terminal) {}
    void Write(std::string_view text) override { live_.Print(to_, text, to_terminal_); }
    std::optional<Error> failure() const override { return to_.failure(); }

   private:
    LiveRun& live_;
    Writer& to_;
    const bool to_terminal_;
  };

  void Print(Writer& to, std::string_view text, bool to_terminal);
  void Tick();
  void Draw();  // with mutex_ held

  const World& world_;
  const RunBoard::Look look_;
  Passage out_, err_;

  std::mutex mutex_;
  std::condition_variable ended_changed_;
  // Below: guarded by mutex_.
  bool ended_ = false;
  LiveRegion region_;
  RunBoard board_;
  std::vector<std::string> lines_;  // as they were drawn last
  TerminalSize size_;               // for which
  std::chrono::steady_clock::time_point drawn_at_;

  std::thread ticker_;
};

// Passes everything on, and tells the live run of it.
class LiveLog final : public LogView {
 public:
  LiveLog(LogView& to, LiveRun& live) : to_(to), live_(live) {}
  void SetTasks(const std::vector<TaskView>& tasks) override { to_.SetTasks(tasks); }
  void Add(const LogPiece& piece) override {
    live_.Heard(piece);
    to_.Add(piece);
  }
  void TaskEnded(TaskIndex task, const TaskStatus& status, std::function<void()> then) override {
    to_.TaskEnded(task, status, std::move(then));
  }
  void End() override { to_.End(); }

 private:
  LogView& to_;
  LiveRun& live_;
};

// Ends the program with a clean terminal.
class LiveInterrupts final : public Interrupts {
 public:
  LiveInterrupts(Interrupts& to, LiveRun* live) : to_(to), live_(live) {}
  void Handle(std::function<void()> handler) override { to_.Handle(std::move(handler)); }
  void EndProgram() override {
    if (live_) live_->Abandon();
    to_.EndProgram();
  }

 private:
  Interrupts& to_;
  LiveRun* const live_;  // may be null
};

}  // namespace cromt::cli
