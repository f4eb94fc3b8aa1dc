#include "agent/launcher_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>

#include "agent/launcher/endpoint.h"
#include "agent/launcher/program.h"

namespace cromt {
namespace {

using std::chrono::steady_clock;

constexpr int kTryAgainMillis = 5;
constexpr size_t kMaxWords = 4096;

int MillisUntil(steady_clock::time_point deadline) {
  auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 60'000));
}

// posix_spawn of `argv` with our end of a pipe as its stderr, in a session of its own, all else closed.
Result<pid_t> Spawn(const std::vector<std::string>& argv, int stderr_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, stderr_fd, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = 0;
  int error = posix_spawn(&pid, words[0], &actions, &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return tl::unexpected(ErrnoError("starting " + argv[0], error));
  return pid;
}

// Reads to the end of `fd`, which comes when the program has ended or moved into the background; false when the
// deadline comes first.
bool ReadWords(int fd, steady_clock::time_point deadline, std::string& words) {
  while (true) {
    pollfd readable{fd, POLLIN, 0};
    if (poll(&readable, 1, MillisUntil(deadline)) == 0 && steady_clock::now() >= deadline) return false;
    char buffer[512];
    ssize_t got = read(fd, buffer, sizeof buffer);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return true;
    if (got > 0 && words.size() < kMaxWords) words.append(buffer, static_cast<size_t>(got));
  }
}

Result<UniqueFd> ConnectOnce(const std::string& dir) {
  UniqueFd dir_fd(open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return tl::unexpected(ErrnoError("making a socket", errno));
  sockaddr_un address = launcher::SocketAddress(dir, dir_fd.get());
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  int error = errno;
  Error failed = ErrnoError("connecting to " + launcher::SocketPath(dir), error);
  // Not there, not listening, or its backlog is full: the next try may work.
  if (error == ENOENT || error == ECONNREFUSED || error == EAGAIN) failed.code = ErrorCode::kUnavailable;
  return tl::unexpected(std::move(failed));
}

}  // namespace

Status StartLauncher(const std::string& launcher, const std::string& dir, const LauncherOptions& options,
                     Duration patience) {
  steady_clock::time_point deadline = steady_clock::now() + patience;
  std::vector<std::string> argv = {launcher, "--data-dir", dir, "--detach"};
  if (!options.cgroup.empty()) argv.insert(argv.end(), {"--cgroup", options.cgroup});
  if (options.orphan_timeout.count() > 0) {
    int64_t whole = std::chrono::ceil<seconds>(options.orphan_timeout).count();
    argv.insert(argv.end(), {"--orphan-timeout", fmt::format("{}", whole)});
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return tl::unexpected(ErrnoError("pipe2", errno));
  UniqueFd words_end(ends[0]);
  UniqueFd stderr_end(ends[1]);
  CROMT_ASSIGN(pid_t pid, Spawn(argv, stderr_end.get()));
  stderr_end.reset();

  std::string words;
  bool in_time = ReadWords(words_end.get(), deadline, words);
  if (!in_time) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time)
    return Fail(ErrorCode::kTimeout, fmt::format("{} was not ready after {}", launcher, FormatDuration(patience)));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  while (!words.empty() && words.back() == '\n') words.pop_back();
  bool running = WIFEXITED(status) && WEXITSTATUS(status) == launcher::kExitConflict;
  return Fail(running ? ErrorCode::kConflict : ErrorCode::kUnavailable,
              fmt::format("{} did not start: {}", launcher, words.empty() ? "it said nothing" : words));
}

Result<LauncherClient> LauncherClient::Connect(const std::string& dir, Duration patience) {
  steady_clock::time_point deadline = steady_clock::now() + patience;
  while (true) {
    Result<UniqueFd> fd = ConnectOnce(dir);
    if (fd) {
      LauncherClient client{launcher::MessageSocket(std::move(*fd))};
      CROMT_TRY(client.Send(std::vector<launcher::ToLauncher>{launcher::Hello{}}));
      return client;
    }
    if (fd.error().code != ErrorCode::kUnavailable || steady_clock::now() >= deadline)
      return tl::unexpected(std::move(fd).error());
    poll(nullptr, 0, std::min(kTryAgainMillis, MillisUntil(deadline)));  // there is nothing to watch yet
  }
}

uint32_t LauncherClient::pid() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return 0;
  return static_cast<uint32_t>(peer.pid);
}

bool LauncherClient::is_of_before() const {
  char target[PATH_MAX];
  const ssize_t size = readlink(fmt::format("/proc/{}/exe", pid()).c_str(), target, sizeof target);
  return size > 0 && std::string_view(target, static_cast<size_t>(size)).ends_with(" (deleted)");
}

Status LauncherClient::Send(std::span<const launcher::ToLauncher> messages) {
  std::string encoded;
  for (const launcher::ToLauncher& message : messages) launcher::Encode(message, encoded);
  if (socket_.wants_write() && socket_.unsent_bytes() + encoded.size() > kMaxUnsentBytes)
    return Fail(ErrorCode::kExhausted, "the launcher does not read: too much waits to be sent");
  socket_.out() += encoded;
  return socket_.Flush();
}

Result<std::vector<launcher::FromLauncher>> LauncherClient::Receive() {
  Status filled = socket_.Fill();
  std::string_view rest = socket_.received();
  const size_t before = rest.size();
  CROMT_ASSIGN(auto messages, launcher::DecodeAllFromLauncher(rest));
  socket_.Consume(before - rest.size());
  // What came before the end is given first; the next call tells of the end again.
  if (!filled && messages.empty()) return tl::unexpected(std::move(filled).error());
  return messages;
}

}  // namespace cromt
