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

// 0.0.0.0 with the other family, too, where the host has it.
Endpoint EveryAddress(const Endpoint& endpoint) {
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(endpoint.address);
  if (endpoint.address.ss_family != AF_INET || v4.sin_addr.s_addr != htonl(INADDR_ANY)) return endpoint;
  Endpoint both;
  auto& v6 = reinterpret_cast<sockaddr_in6&>(both.address);
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_any;
  v6.sin6_port = v4.sin_port;
  both.size = sizeof v6;
  return both;
}

Result<UniqueFd> Listening(const Endpoint& endpoint, const std::string& text) {
  UniqueFd fd(::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return tl::unexpected<Error>(ErrnoError("can't listen on " + text, errno));
  const int one = 1, zero = 0;
  // Only lets a restarted program have its port back while old connections fade out; two listeners never share one.
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (endpoint.address.ss_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&endpoint.address), endpoint.size) != 0 ||
      ::listen(fd.get(), kBacklog) != 0)
    return tl::unexpected<Error>(ErrnoError("can't listen on " + text, errno));
  return fd;
}

uint16_t PortOf(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(bound).sin_port
                                          : reinterpret_cast<sockaddr_in6&>(bound).sin6_port);
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::Open(const ListenOptions& options) {
  std::unique_ptr<Listener> listener(new Listener());
  CROMT_TRY(options.address.starts_with("/") ? listener->BindUnix(options.address) : listener->Bind(options));
  listener->beside_ = options.beside;
  listener->stop_.reset(eventfd(0, EFD_CLOEXEC));
  return listener;
}

Listener::~Listener() {
  Stop();
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

Status Listener::Bind(const ListenOptions& options) {
  CROMT_ASSIGN(Endpoint endpoint, ResolveEndpoint(options.address));
  local_only_ = endpoint.loopback && !options.tls;
  if (!endpoint.loopback && !options.insecure && !options.tls)
    return Fail(
        ErrorCode::kInvalid,
        fmt::format(
            "{} is reachable from other hosts, and whoever reaches it may run commands here. Set up mutual TLS, "
            "or listen on 127.0.0.1; --insecure allows it in plaintext, without any authentication",
            options.address));
  auto socket = Listening(options.tls ? EveryAddress(endpoint) : endpoint, options.address);
  if (!socket && socket.error().code != ErrorCode::kConflict) socket = Listening(endpoint, options.address);
  if (!socket) return tl::unexpected(socket.error());
  socket_ = std::move(*socket);
  const std::string asked = FormatAddress(endpoint.address);
  address_ = asked.substr(0, asked.rfind(':') + 1) + std::to_string(PortOf(socket_.get()));
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
    std::vector<pollfd> fds = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    for (const Silent& one : silent_) fds.push_back({one.connection.get(), POLLIN, 0});
    const int64_t wait_ms =
        silent_.empty() ? -1 : (silent_.front().until - SystemClock().Read().mono) / milliseconds(1);
    if (::poll(fds.data(), fds.size(), static_cast<int>(silent_.empty() ? -1 : std::max<int64_t>(wait_ms + 1, 0))) <
            0 &&
        errno != EINTR)
      return;
    if (fds[1].revents != 0) return;
    RouteSilent(fds, on_connection);
    if (fds[0].revents == 0) continue;
    auto connection = Accept();
    if (connection) {
      if (*connection) Route(std::move(*connection), on_connection);
      continue;
    }
    Mono now = SystemClock().Read().mono;
    if (now - last_told < seconds(1)) continue;
    last_told = now;
    on_refused(connection.error().message);
  }
}

// Nothing, if it was gone before it was here.
Result<UniqueFd> Listener::Accept() const {
  UniqueFd connection(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!connection) {
    const int why = errno;
    if (why == EINTR || why == ECONNABORTED || why == EAGAIN) return connection;
    pollfd pause{stop_.get(), POLLIN, 0};
    ::poll(&pause, 1, 100);  // out of descriptors: the connection stays pending, so don't spin on it
    return tl::unexpected(ErrnoError("can't accept a connection", why));
  }
  CROMT_TRY(Admit(connection.get()));
  const int one = 1;
  ::setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return connection;
}

// By its first byte, once that is there.
void Listener::Route(UniqueFd connection, const OnConnection& on_connection) {
  if (!beside_.take) return on_connection(std::move(connection));
  char first = 0;
  const ssize_t seen = ::recv(connection.get(), &first, 1, MSG_PEEK);
  if (seen > 0)
    return first == beside_.first_byte ? beside_.take(std::move(connection)) : on_connection(std::move(connection));
  if (seen == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) return;  // it has gone
  if (silent_.size() == kMostSilent) {
    on_connection(std::move(silent_.front().connection));
    silent_.pop_front();
  }
  silent_.push_back({std::move(connection), SystemClock().Read().mono + kFirstByte});
}

// `seen`: what poll has said of them, after two others.
void Listener::RouteSilent(const std::vector<pollfd>& seen, const OnConnection& on_connection) {
  const Mono now = SystemClock().Read().mono;
  std::deque<Silent> before = std::exchange(silent_, {});
  for (size_t i = 0; i < before.size(); ++i) {
    if (seen[i + 2].revents != 0)
      Route(std::move(before[i].connection), on_connection);
    else if (before[i].until <= now)
      on_connection(std::move(before[i].connection));
    else
      silent_.push_back(std::move(before[i]));
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
