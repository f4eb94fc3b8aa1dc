#include "cli/signal_interrupts.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <optional>
#include <utility>

#include "cli/exit_code.h"

namespace cromt::cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

// One wish may arrive as two signals: from the terminal and from a wrapper (timeout, a shell) that passes it on. Nobody
// presses Ctrl-C twice so fast.
constexpr auto kOneWish = std::chrono::milliseconds(100);

// A signal handler has no other way to know where to write.
std::atomic<int> interrupt_fd{-1};

void OnSignal(int) {
  const int saved = errno;
  const char byte = 'i';
  if (::write(interrupt_fd.load(), &byte, 1) < 0) {
    // Full: it is told already.
  }
  errno = saved;
}

void OnBrokenPipe(int) {}

void SetHandler(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

}  // namespace

SignalInterrupts::~SignalInterrupts() {
  Stop();
}

void SignalInterrupts::Handle(std::function<void()> handler) {
  Stop();
  handler_ = std::move(handler);
  if (handler_) Start();
}

void SignalInterrupts::Start() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;  // then an interrupt goes on ending the program
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  interrupt_fd = ends[1];
  watcher_ = std::thread([this] { Watch(); });
  for (int signal : kSignals) SetHandler(signal, OnSignal);
}

void SignalInterrupts::Stop() {
  if (!watcher_.joinable()) return;
  for (int signal : kSignals) SetHandler(signal, SIG_DFL);
  const char byte = 'q';
  if (::write(write_end_.get(), &byte, 1) != 1) return;
  watcher_.join();
  interrupt_fd = -1;
}

void SignalInterrupts::Watch() {
  char byte = 0;
  std::optional<std::chrono::steady_clock::time_point> last;
  while (byte != 'q') {
    const ssize_t got = ::read(read_end_.get(), &byte, 1);
    const auto now = std::chrono::steady_clock::now();
    if (got == 1 && byte == 'i' && (!last || now - *last > kOneWish)) {
      last = now;
      handler_();
    }
    if (got == 0 || (got < 0 && errno != EINTR)) return;
  }
}

void SignalInterrupts::EndProgram() {
  ::_exit(static_cast<int>(ExitCode::kInterrupted));
}

void KeepBrokenPipesQuiet() {
  SetHandler(SIGPIPE, OnBrokenPipe);
}

}  // namespace cromt::cli
