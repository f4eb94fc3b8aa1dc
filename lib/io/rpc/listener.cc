#include "io/rpc/listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/name.h"
#include "base/time.h"
#include "io/rpc/address.h"
#include "io/rpc/peer.h"

namespace cromt::rpc {
namespace {

constexpr int kBacklog = 1024;

}  // namespace

Result<std::unique_ptr<Listener>> Listener::Open(const ListenOptions& options) {
  std::unique_ptr<Listener> listener(new Listener());
  CROMT_TRY(options.address.starts_with("/") ? listener->BindUnix(options.address) : listener->Bind(options));
  listener->stop_.reset(eventfd(0, EFD_CLOEXEC));
  return listener;
}

Listener::~Listener() {
  Stop();
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Status Listener::Bind(const ListenOptions& options) {
  CROMT_ASSIGN(Endpoint endpoint, ResolveEndpoint(options.address));
  local_only_ = endpoint.loopback;
  if (!local_only_ && !options.insecure)
    return Fail(
        ErrorCode::kInvalid,
        fmt::format(
            "{} is reachable from other hosts, and whoever reaches it may run commands here. Set up mutual TLS, "
            "or listen on 127.0.0.1; --insecure allows it in plaintext, without any authentication",
            options.address));
  socket_.reset(::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket_) return tl::unexpected<Error>(ErrnoError("can't listen on " + options.address, errno));
  int one = 1;
  // Only lets a restarted program have its port back while old connections fade out; two listeners never share one.
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.size) != 0 ||
      ::listen(socket_.get(), kBacklog) != 0)
    return tl::unexpected<Error>(ErrnoError("can't listen on " + options.address, errno));
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&bound), &size);
  address_ = FormatAddress(bound);
  return {};
}

Status Listener::BindUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Fail(ErrorCode::kInvalid, path + " is too long for a Unix socket");
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return Fail(ErrorCode::kConflict, "another program listens on " + path);
  ::unlink(path.c_str());
  socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(socket_.get(), kBacklog) != 0)
    return tl::unexpected<Error>(ErrnoError("can't listen on " + path, errno));
  address_ = unix_path_ = path;
  return {};
}

void Listener::Start(OnConnection on_connection, OnRefused on_refused) {
  thread_ = std::thread([this, on_connection = std::move(on_connection), on_refused = std::move(on_refused)] {
    Run(on_connection, on_refused);
  });
}

void Listener::Stop() {
  if (!thread_.joinable()) return;
  uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

void Listener::Run(const OnConnection& on_connection, const OnRefused& on_refused) {
  Mono last_told{};
  for (;;) {
    std::array<pollfd, 2> fds = {pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0) return;
    if (fds[0].revents == 0) continue;
    UniqueFd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    std::string refusal;
    if (!connection) {
      if (errno == EINTR || errno == ECONNABORTED || errno == EAGAIN) continue;
      refusal = ErrnoError("can't accept a connection", errno).message;
      pollfd pause{stop_.get(), POLLIN, 0};
      ::poll(&pause, 1, 100);  // out of descriptors: the connection stays pending, so don't spin on it
    } else if (auto admitted = Admit(connection.get()); !admitted) {
      refusal = admitted.error().message;
    } else {
      int one = 1;
      ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      on_connection(std::move(connection));
      continue;
    }
    Mono now = SystemClock().Read().mono;
    if (now - last_told < seconds(1)) continue;
    last_told = now;
    on_refused(refusal);
  }
}

Status Listener::Admit(int fd) const {
  if (!local_only_) return {};
  CROMT_ASSIGN(uid_t user, PeerUser(fd));
  if (user == 0 || user == ::geteuid()) return {};
  return Fail(
      ErrorCode::kDenied,
      fmt::format("a connection of user {} was refused: only root and user {} may use this port", user, ::geteuid()));
}

}  // namespace cromt::rpc
