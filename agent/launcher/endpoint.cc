#include "agent/launcher/endpoint.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/launcher/protocol.h"

namespace cromt::launcher {
namespace {

constexpr int kBacklog = 16;

Result<UniqueFd> Lock(const std::string& dir) {
  std::string path = LockPath(dir);
  UniqueFd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return tl::unexpected(ErrnoError("opening " + path, errno));
  // Of the open file and not of the process, so that it stays when the launcher forks into the background.
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Fail(ErrorCode::kConflict, "another cromt-launcher runs in " + dir);
    return tl::unexpected(ErrnoError("locking " + path, errno));
  }
  return lock;
}

Result<UniqueFd> Listen(const std::string& dir) {
  UniqueFd dir_fd(open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!dir_fd || !listener) return tl::unexpected(ErrnoError("opening a socket in " + dir, errno));
  std::string path = SocketPath(dir);
  unlink(path.c_str());  // ours by the lock
  sockaddr_un address = SocketAddress(dir, dir_fd.get());
  mode_t old_mask = umask(0177);
  int bound = bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  int error = errno;
  umask(old_mask);
  if (bound != 0) return tl::unexpected(ErrnoError("binding " + path, error));
  if (listen(listener.get(), kBacklog) != 0) return tl::unexpected(ErrnoError("listening on " + path, errno));
  return listener;
}

bool IsTrusted(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == geteuid() || peer.uid == 0;
}

}  // namespace

sockaddr_un SocketAddress(const std::string& dir, int dir_fd) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = SocketPath(dir);
  if (path.size() >= sizeof address.sun_path) path = SocketPath(fmt::format("/proc/self/fd/{}", dir_fd));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Result<Endpoint> Endpoint::Open(const std::string& dir) {
  if (mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return tl::unexpected(ErrnoError("making " + dir, errno));
  CROMT_ASSIGN(UniqueFd lock, Lock(dir));
  CROMT_ASSIGN(UniqueFd listener, Listen(dir));
  return Endpoint(SocketPath(dir), std::move(lock), std::move(listener));
}

Endpoint::~Endpoint() {
  StopListening();
}

void Endpoint::StopListening() {
  if (!listener_) return;
  unlink(path_.c_str());
  listener_.reset();
}

Result<std::optional<UniqueFd>> Endpoint::Accept() {
  while (true) {
    UniqueFd caller(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!caller && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (!caller && errno == EAGAIN) return std::optional<UniqueFd>();
    if (!caller) return tl::unexpected(ErrnoError("accepting a connection", errno));
    if (IsTrusted(caller.get())) return std::optional<UniqueFd>(std::move(caller));
  }
}

}  // namespace cromt::launcher
