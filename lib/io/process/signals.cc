#include "io/process/signals.h"

#include <unistd.h>

#include <csignal>

namespace cromt {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void BlockStopSignals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int WaitForStop() {
  sigset_t set = StopSignals();
  int signal = 0;
  sigwait(&set, &signal);
  return signal;
}

bool StopComesWithin(Duration patience) {
  sigset_t set = StopSignals();
  const auto whole = std::chrono::floor<seconds>(patience);
  timespec limit{whole.count(), std::chrono::nanoseconds(patience - whole).count()};
  return sigtimedwait(&set, nullptr, &limit) > 0;
}

void WakeStop() {
  ::kill(::getpid(), SIGTERM);
}

}  // namespace cromt
