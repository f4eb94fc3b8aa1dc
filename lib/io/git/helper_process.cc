#include "io/git/helper_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;

namespace cromt::git {

namespace {

constexpr const char* kPassedOn[] = {"http_proxy",  "https_proxy", "no_proxy",      "HTTP_PROXY",
                                     "HTTPS_PROXY", "NO_PROXY",    "SSL_CERT_FILE", "SSH_AUTH_SOCK"};

std::vector<char*> Environment() {
  std::vector<char*> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    std::string_view name = text.substr(0, text.find('='));
    if (std::find(std::begin(kPassedOn), std::end(kPassedOn), name) != std::end(kPassedOn)) kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

// The child: its socket as standard input, its output to where our errors go, nothing else open, default signals,
// a group of its own (so that Ctrl-C reaches us and not it).
Result<pid_t> Spawn(const std::filesystem::path& program, int socket) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, socket, 0);
  posix_spawn_file_actions_adddup2(&files, 2, 1);
  posix_spawn_file_actions_addclosefrom_np(&files, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::string name = program.string();
  char* argv[] = {name.data(), nullptr};
  std::vector<char*> environment = Environment();
  pid_t pid = 0;
  int error = posix_spawn(&pid, name.c_str(), &files, &attributes, argv, environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) return tl::unexpected<Error>(ErrnoError(fmt::format("starting git helper {}", name), error));
  return pid;
}

Status SendAll(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return tl::unexpected<Error>(ErrnoError("asking the git helper", errno));
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return {};
}

// Rounded up, so that a wait never ends before its deadline.
int MillisecondsUntil(Mono deadline) {
  const Duration left = deadline - SystemClock().Read().mono;
  if (left <= Duration::zero()) return 0;
  return static_cast<int>(std::min<int64_t>(left.count() / 1000 + 1, 1'000'000'000));
}

}  // namespace

Result<HelperProcess> HelperProcess::Start(const std::filesystem::path& program, const Request& request) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return tl::unexpected<Error>(ErrnoError("git helper: making a socket", errno));
  }
  UniqueFd ours(ends[0]), theirs(ends[1]), wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return tl::unexpected<Error>(ErrnoError("git helper: making an event", errno));
  CROMT_ASSIGN(pid_t pid, Spawn(program, theirs.get()));
  theirs.reset();
  HelperProcess process(pid, std::move(ours), std::move(wake));
  // A request is a few KiB and fits the socket's buffer: this does not wait for the helper.
  if (auto sent = SendAll(process.socket_.get(), Encode(request)); !sent) {
    return tl::unexpected<Error>(process.Died());
  }
  return process;
}

HelperProcess::HelperProcess(HelperProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      socket_(std::move(other.socket_)),
      wake_(std::move(other.wake_)),
      received_(std::move(other.received_)) {}

HelperProcess::~HelperProcess() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<bool> HelperProcess::Receive() {
  char buffer[64 << 10];
  ssize_t got = recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got <= 0) return false;
  received_.append(buffer, static_cast<size_t>(got));
  return true;
}

// It closed its end, so it is exiting; the signal only hurries one that is not.
Error HelperProcess::Died() {
  int status = 0;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  const std::string how = WIFSIGNALED(status) ? fmt::format("was killed by {}", strsignal(WTERMSIG(status)))
                                              : fmt::format("exited with {}", WEXITSTATUS(status));
  const bool was_killed = WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
  return Error{was_killed ? ErrorCode::kUnavailable : ErrorCode::kInternal,
               fmt::format("the git helper {} before it answered", how)};
}

Result<Reply> HelperProcess::Next(Mono deadline, std::stop_token stop) {
  std::stop_callback on_stop(stop, [this] { (void)!eventfd_write(wake_.get(), 1); });
  while (true) {
    CROMT_ASSIGN(auto reply, TakeReply(received_));
    if (reply) return std::move(*reply);
    if (stop.stop_requested()) return Fail(ErrorCode::kCanceled, "canceled");
    pollfd ready[] = {{socket_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    const int timeout = MillisecondsUntil(deadline);
    const int count = poll(ready, 2, timeout);
    if (count == 0 || (count < 0 && errno != EINTR)) return Fail(ErrorCode::kTimeout, "no answer in time");
    if (count < 0 || ready[0].revents == 0) continue;
    CROMT_ASSIGN(bool open, Receive());
    if (!open) return tl::unexpected<Error>(Died());
  }
}

}  // namespace cromt::git
