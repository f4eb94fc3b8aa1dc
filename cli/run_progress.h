// What happens in a run, told on standard error as it happens, and summed up at its end. Memory: a few bytes a task.
// Not thread-safe, but what it hands to the log view may be called by whoever calls that.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/log_view.h"
#include "cli/messages.h"
#include "core/control.h"

namespace cromt::cli {

class RunProgress {
 public:
  // Called with each update before it is told.
  using Also = std::function<void(const RunUpdate&)>;
  struct Options {
    bool each_task = true;  // tell of starts and ends, not only the end of all
    bool starts = true;     // with each_task: also of starts; false where they are seen anyway
    bool is_local = false;  // of `cromt run`: what shows its logs needs --local
    Also also = nullptr;
  };

  // `messages` and `log` outlive this.
  RunProgress(Messages& messages, LogView& log, Options options) : messages_(messages), log_(log), options_(options) {}

  // The first update holds everything; so does the first one after a connection broke.
  void Update(const RunUpdate& update);
  // Says how the run ended. REQUIRES: finished().
  void Summarize();

  bool begun() const { return status_.has_value(); }
  bool finished() const { return status_ && status_->state == RunState::kFinished; }
  // REQUIRES: begun().
  const RunStatus& status() const { return *status_; }

 private:
  // What was told of a task.
  struct Told {
    bool finished = false;
    bool ignored = false;
    bool unreachable = false;
    bool waits = false;
    uint32_t started_attempt = 0;
  };
  struct Failure {
    TaskIndex task = 0;
    std::string text;  // "hello on hostA failed: exit code 7"
  };

  void Introduce(const RunView& run, const std::vector<TaskView>& tasks);
  void TellTask(const TaskView& task);
  void TellStart(const TaskView& task, Told& told);
  void TellFetching();
  void TellWait(const TaskView& task, Told& told);
  void TellEnd(const TaskView& task);
  void TellNoLongerIgnored(const TaskView& task, Told& told);
  std::string EndLine(const TaskView& task) const;
  std::string CountsText() const;

  Messages& messages_;
  LogView& log_;
  const Options options_;
  std::string run_;
  std::optional<RunStatus> status_;
  std::vector<Told> told_;
  std::array<size_t, 7> ended_{};  // by outcome, but for ignored failures
  size_t ignored_ = 0;
  std::vector<Failure> failures_;  // the first few
  uint64_t fetching_updates_ = 0;
};

}  // namespace cromt::cli
