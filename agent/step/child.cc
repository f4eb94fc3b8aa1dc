#include "agent/step/child.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>

#include "base/name.h"

namespace cromt::step {
namespace {

using seglog::Stream;

sigset_t ReadSignalsSet() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// posix_spawn's two option objects, released together.
class SpawnOptions {
 public:
  SpawnOptions(int stdout_fd, int stderr_fd) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, stdout_fd, 1);
    posix_spawn_file_actions_adddup2(&files_, stderr_fd, 2);
    posix_spawn_file_actions_addclosefrom_np(&files_, 3);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnOptions(const SpawnOptions&) = delete;
  SpawnOptions& operator=(const SpawnOptions&) = delete;
  ~SpawnOptions() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

Result<std::array<UniqueFd, 2>> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return tl::unexpected(ErrnoError("pipe", errno));
  std::array<UniqueFd, 2> pipe = {UniqueFd(ends[0]), UniqueFd(ends[1])};
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);  // ours alone: the flag belongs to this end
  return pipe;
}

}  // namespace

Result<std::unique_ptr<ChildRunner>> ChildRunner::Create() {
  ::signal(SIGCHLD, SIG_DFL);  // inherited as ignored, it would hide how children end
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set = ReadSignalsSet();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  UniqueFd signals(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals) return tl::unexpected(ErrnoError("signalfd", errno));
  return std::unique_ptr<ChildRunner>(new ChildRunner(std::move(signals)));
}

Result<ChildStatus> ChildRunner::Run(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
                                     Output& output, size_t max_bytes, const RequestPort* port) {
  CloseOldPipes();
  Current current{.number = ++children_, .output = output, .max_bytes = max_bytes, .port = port, .asker = current_};
  current_ = &current;
  auto pid = Spawn(argv, environment);
  auto status = pid ? Wait(*pid) : tl::unexpected(std::move(pid).error());
  DrainWhatIsThere();
  Linger();
  current_ = current.asker;
  return status;
}

ChildRunner::Current* ChildRunner::RunningChild(const Pipe& pipe) const {
  Current* child = current_;
  while (child && child->number != pipe.child) child = child->asker;
  return child;
}

void ChildRunner::CloseOldPipes() {
  auto is_left = [&](const Pipe& pipe) { return RunningChild(pipe) == nullptr; };
  auto left = static_cast<size_t>(std::ranges::count_if(pipes_, is_left));
  for (; left + 2 > kMaxLeftPipes; --left) pipes_.erase(std::ranges::find_if(pipes_, is_left));
}

int ChildRunner::stop_signal() {
  ReadSignals();
  return stop_signal_;
}

Result<int> ChildRunner::Spawn(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  CROMT_ASSIGN(auto out, MakePipe());
  CROMT_ASSIGN(auto err, MakePipe());
  SpawnOptions options(out[1].get(), err[1].get());
  auto arguments = Pointers(argv);
  auto variables = Pointers(environment);
  pid_t pid = 0;
  int error =
      ::posix_spawnp(&pid, argv[0].c_str(), options.files(), options.attributes(), arguments.data(), variables.data());
  if (error != 0) return tl::unexpected(ErrnoError(Quote(argv[0]), error));
  pipes_.push_back({std::move(out[0]), Stream::kStdout, current_->number});
  pipes_.push_back({std::move(err[0]), Stream::kStderr, current_->number});
  return pid;
}

Result<ChildStatus> ChildRunner::Wait(int pid) {
  while (true) {
    int status = 0;
    pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended < 0 && errno != EINTR) return tl::unexpected(ErrnoError("waitpid", errno));
    if (ended == pid && WIFEXITED(status)) return ChildStatus{.exit_code = WEXITSTATUS(status)};
    if (ended == pid) return ChildStatus{.signal = WTERMSIG(status)};
    Poll(-1);
    if (current_->printed <= current_->max_bytes) continue;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
    return Fail(ErrorCode::kExhausted,
                fmt::format("it printed more than {} bytes and was killed", current_->max_bytes));
  }
}

void ChildRunner::ReadSignals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info))
    if (info.ssi_signo != SIGCHLD) stop_signal_ = static_cast<int>(info.ssi_signo);
}

// Waits for a signal, bytes or a request, and takes what there is: one read a pipe, so that none starves the other.
void ChildRunner::Poll(int timeout_ms) {
  std::vector<pollfd> polled = {{.fd = signals_.get(), .events = POLLIN}};
  for (const Pipe& pipe : pipes_) polled.push_back({.fd = pipe.read_end.get(), .events = POLLIN});
  const RequestPort* port = current_->port;
  if (port) polled.push_back({.fd = port->fd, .events = POLLIN});
  if (::poll(polled.data(), polled.size(), timeout_ms) <= 0) return;
  ReadSignals();
  for (size_t i = 0; i < pipes_.size(); ++i)
    if (polled[i + 1].revents != 0 && !Forward(pipes_[i], seglog::kMaxDataBytes)) pipes_[i].read_end.reset();
  std::erase_if(pipes_, [](const Pipe& pipe) { return !pipe.read_end; });
  if (!port || (polled.back().revents & POLLIN) == 0) return;
  DrainWhatIsThere();
  port->on_readable();
}

bool ChildRunner::Forward(Pipe& pipe, size_t limit) {
  static_assert(seglog::kMaxDataBytes == 64 << 10);
  std::array<char, seglog::kMaxDataBytes> buffer;
  const ssize_t n = ::read(pipe.read_end.get(), buffer.data(), std::min(limit, buffer.size()));
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;
  Current* child = RunningChild(pipe);
  if (child) child->printed += static_cast<size_t>(n);
  if (Output* taker = child ? &child->output : background_)
    taker->Bytes(pipe.stream, {buffer.data(), static_cast<size_t>(n)});
  return true;
}

// All that the child wrote before its end lies in its pipes by now; a background process that keeps writing must not
// hold us, so no more than that is read.
void ChildRunner::DrainWhatIsThere() {
  for (Pipe& pipe : pipes_) {
    int bytes = 0;
    if (pipe.child != current_->number || ::ioctl(pipe.read_end.get(), FIONREAD, &bytes) != 0) continue;
    for (auto left = static_cast<size_t>(std::max(bytes, 0)); left > 0;) {
      const size_t part = std::min<size_t>(left, seglog::kMaxDataBytes);
      if (!Forward(pipe, part)) break;
      left -= part;
    }
  }
}

bool ChildRunner::HasOpenPipes() const {
  return std::ranges::any_of(pipes_, [&](const Pipe& pipe) { return pipe.child == current_->number; });
}

void ChildRunner::Linger() {
  const Mono deadline = SystemClock().Read().mono + kLinger;
  while (HasOpenPipes()) {
    const Duration left = deadline - SystemClock().Read().mono;
    if (left <= Duration::zero()) return;
    Poll(static_cast<int>(std::chrono::ceil<milliseconds>(left).count()));
  }
}

}  // namespace cromt::step
