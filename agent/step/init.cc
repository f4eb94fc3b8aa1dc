#include "agent/step/init.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "base/time.h"

namespace cromt::step {
namespace {

constexpr int kNoContainer = 125, kCantRun = 126, kNotFound = 127;
constexpr int kRecordsFd = 3;
constexpr Duration kLeftGrace = seconds(2);  // of what the job's own process left

void Say(const std::string& text) {
  const std::string line = "cromt: " + text + "\n";
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) return;  // nobody is left to tell
}

// `path` as this descriptor; it blocks until cromt-container has it open, which it has.
bool OpenAs(const std::string& path, int flags, int wanted) {
  const int fd = ::open(path.c_str(), flags | O_NOCTTY);
  if (fd < 0) return false;
  if (fd == wanted) return true;
  const bool done = ::dup2(fd, wanted) == wanted;
  ::close(fd);
  return done;
}

[[noreturn]] void Execute(const std::vector<std::string>& argv, const sigset_t& signals) {
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  const int error = errno;
  Say(argv[0] + ": " + std::strerror(error));
  ::_exit(error == ENOENT || error == ENOTDIR ? kNotFound : kCantRun);
}

// Takes in all that has ended; true if the job's own process has. False in `any` once there is no process but us.
bool Reap(pid_t job, int& status, bool& any) {
  bool ended = false;
  for (;;) {
    int one = 0;
    const pid_t pid = ::waitpid(-1, &one, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    any = pid >= 0;
    if (pid <= 0) return ended;
    if (pid != job) continue;
    status = one;
    ended = true;
  }
}

// What is left is told to end, and waited for a little; then it is killed.
void StopRest(pid_t job, const SignalAll& signal_all, const sigset_t& signals) {
  for (const int stop : {SIGTERM, SIGKILL}) {
    if (!signal_all(job, stop)) return;
    const Mono until = SystemClock().Read().mono + kLeftGrace;
    for (bool any = true; any;) {
      int status = 0;
      Reap(-1, status, any);
      const Duration left = until - SystemClock().Read().mono;
      if (!any) return;
      if (left <= Duration(0)) break;
      const timespec pause{left.count() / 1'000'000, left.count() % 1'000'000 * 1000};
      ::sigtimedwait(&signals, nullptr, &pause);
    }
  }
}

// False if there are some that can't be read.
bool TakeVariables(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT;
  std::string all;
  char buffer[4096];
  ssize_t n = 0;
  while ((n = ::read(fd, buffer, sizeof buffer)) > 0) all.append(buffer, static_cast<size_t>(n));
  ::close(fd);
  for (size_t at = 0, end = 0; (end = all.find('\0', at)) != all.npos; at = end + 1) {
    const std::string variable = all.substr(at, end - at);
    const size_t equals = variable.find('=');
    if (equals == variable.npos) return false;
    ::setenv(variable.substr(0, equals).c_str(), variable.c_str() + equals + 1, 1);
  }
  return n == 0;
}

}  // namespace

int RunInit(const std::string& io, const std::vector<std::string>& argv) {
  if (!OpenAs("/dev/null", O_RDONLY, STDIN_FILENO) || !OpenAs(io + "/out", O_WRONLY, STDOUT_FILENO) ||
      !OpenAs(io + "/err", O_WRONLY, STDERR_FILENO))
    return kNoContainer;
  if (::access((io + "/records").c_str(), F_OK) == 0 && !OpenAs(io + "/records", O_WRONLY, kRecordsFd))
    return kNoContainer;
  if (!TakeVariables(io + "/variables")) {
    Say("its secrets can't be read");
    return kNoContainer;
  }
  // Process 1 reaches all of the container by a signal to everyone. Where the container sees the host's processes it is
  // another, and only the job's own group is ours.
  const bool alone = ::getpid() == 1;
  return RunUnder(argv, !alone, [alone](pid_t job, int signal) { return ::kill(alone ? -1 : -job, signal) == 0; });
}

int RunUnder(const std::vector<std::string>& argv, bool own_group, const SignalAll& signal_all) {
  sigset_t signals, before;
  ::sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t job = ::fork();
  if (job < 0) {
    Say(std::string("its process could not be made: ") + std::strerror(errno));
    return kNoContainer;
  }
  if (job == 0) {
    if (own_group) ::setpgid(0, 0);
    Execute(argv, before);
  }
  if (::fcntl(kRecordsFd, F_GETFD) >= 0) ::close(kRecordsFd);
  int status = 0;
  for (bool any = true; !Reap(job, status, any);) {
    siginfo_t got;
    if (::sigwaitinfo(&signals, &got) > 0 && got.si_signo != SIGCHLD) signal_all(job, got.si_signo);
  }
  StopRest(job, signal_all, signals);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace cromt::step
