// Runs the programs of a job one after another and forwards what they print.
//
// A child stays in cromt-step's process group and session, so that who stops the job stops all of it; its stdin is
// /dev/null, its signal mask and dispositions are the default ones, it has no descriptor but 0, 1 and 2. It has ended
// when its own process has: what it left in the background goes on, and what that prints is still forwarded while later
// children run. A writer that is about to end (a `tee` emptying its pipe) is waited for, kLinger at most.
//
// TERM, INT and HUP do not end cromt-step: they reach the child too, which may need its grace to clean up; the current
// child is waited for, then stop_signal() tells the caller to start nothing more.
//
// One per process, on its only thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/step/output.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace cromt::step {

inline constexpr Duration kLinger = milliseconds(100);
// Pipes of background processes that are still read; beyond this the oldest is closed.
inline constexpr size_t kMaxLeftPipes = 64;

struct ChildStatus {
  int exit_code = 0;
  int signal = 0;  // not 0: killed by it
};

class ChildRunner {
 public:
  // Blocks the signals that it reads; ignores SIGPIPE.
  static Result<std::unique_ptr<ChildRunner>> Create();

  // `argv[0]` is searched in our own PATH; `environment` is all that the child gets. kNotFound when there is no such
  // program, kDenied when it can't be executed, kExhausted when it printed more than `max_bytes` and was killed.
  Result<ChildStatus> Run(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
                          Output& output, size_t max_bytes = SIZE_MAX);

  // Takes what children that have ended left behind still prints; it outlives this. Until it is set, whoever runs the
  // next child gets that, too.
  void SetBackgroundOutput(Output& output) { background_ = &output; }

  // The signal that asked us to stop; 0 if none did.
  int stop_signal();

 private:
  struct Pipe {
    UniqueFd read_end;
    seglog::Stream stream;
  };

  explicit ChildRunner(UniqueFd signals) : signals_(std::move(signals)) {}
  Result<int> Spawn(const std::vector<std::string>& argv, const std::vector<std::string>& environment);
  Result<ChildStatus> Wait(int pid, Output& output);
  void ReadSignals();
  void Poll(int timeout_ms, Output& output);
  // One read of at most `limit` bytes; false at the end of the pipe.
  bool Forward(Pipe& pipe, size_t limit, Output& output);
  void DrainWhatIsThere(Output& output);
  void Linger(Output& output);

  UniqueFd signals_;
  std::vector<Pipe> pipes_;  // the current child's two are the last, with numbers from current_ on
  size_t current_ = 0;
  Output* background_ = nullptr;
  size_t printed_ = 0;    // bytes, by the current child
  size_t max_bytes_ = 0;  // that it may print
  int stop_signal_ = 0;
};

}  // namespace cromt::step
