// Interrupts as signals: SIGINT, SIGTERM and SIGHUP. One object a process.
#pragma once

#include <thread>

#include "base/unique_fd.h"
#include "cli/interrupts.h"

namespace cromt::cli {

class SignalInterrupts final : public Interrupts {
 public:
  SignalInterrupts() = default;
  ~SignalInterrupts() override;

  void Handle(std::function<void()> handler) override;
  void EndProgram() override;

 private:
  void Start();
  void Stop();
  void Watch();

  UniqueFd read_end_;
  UniqueFd write_end_;
  std::thread watcher_;  // calls the handler
  std::function<void()> handler_;
};

// A write to a closed pipe is an error of that write from now on, and does not end the process. Programs started from
// here are not concerned: unlike "ignored", a handler does not outlive exec.
void KeepBrokenPipesQuiet();

}  // namespace cromt::cli
