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

#include <functional>
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

// Where a child may ask for something while it runs. It is called when `fd` can be read, after all that the child
// printed before was forwarded, and may run other children.
struct RequestPort {
  int fd = -1;
  std::function<void()> on_readable;
};

class ChildRunner {
 public:
  // Blocks the signals that it reads; ignores SIGPIPE.
  static Result<std::unique_ptr<ChildRunner>> Create();

  // `argv[0]` is searched in our own PATH; `environment` is all that the child gets. kNotFound when there is no such
  // program, kDenied when it can't be executed, kExhausted when it printed more than `max_bytes` and was killed.
  Result<ChildStatus> Run(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
                          Output& output, size_t max_bytes = SIZE_MAX, const RequestPort* port = nullptr);

  // Takes what children that have ended left behind still prints; it outlives this. Until it is set, nobody does.
  void SetBackgroundOutput(Output& output) { background_ = &output; }

  // The signal that asked us to stop; 0 if none did.
  int stop_signal();

 private:
  // A child that runs. Who asks for another by its port waits for that one, so they form a chain.
  struct Current {
    uint64_t number = 0;
    Output& output;
    size_t max_bytes = 0;
    const RequestPort* port = nullptr;
    Current* asker = nullptr;
    size_t printed = 0;  // bytes
  };
  struct Pipe {
    UniqueFd read_end;
    seglog::Stream stream;
    uint64_t child = 0;  // its number
  };

  // Whose pipe it is, if that child has not ended.
  Current* RunningChild(const Pipe& pipe) const;
  // Makes room for two more of those that ended children left.
  void CloseOldPipes();
  explicit ChildRunner(UniqueFd signals) : signals_(std::move(signals)) {}
  Result<int> Spawn(const std::vector<std::string>& argv, const std::vector<std::string>& environment);
  Result<ChildStatus> Wait(int pid);
  void ReadSignals();
  void Poll(int timeout_ms);
  // One read of at most `limit` bytes; false at the end of the pipe.
  bool Forward(Pipe& pipe, size_t limit);
  void DrainWhatIsThere();
  void Linger();
  bool HasOpenPipes() const;

  UniqueFd signals_;
  std::vector<Pipe> pipes_;     // in the order in which they were made
  Current* current_ = nullptr;  // whom we wait for
  uint64_t children_ = 0;       // so far
  Output* background_ = nullptr;
  int stop_signal_ = 0;
};

}  // namespace cromt::step
