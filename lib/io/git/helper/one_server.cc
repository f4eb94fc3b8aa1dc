#include "io/git/helper/one_server.h"

#include <git2.h>
#include <git2/sys/stream.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>

#include "base/unique_fd.h"

namespace cromt::git {

namespace {

// libgit2 hands its callbacks nothing of ours.
std::string allowed_host, allowed_port;

// A TCP connection as libgit2 wants it; for https it puts TLS on top.
struct Connection {
  git_stream parent{};  // first, as the library has it
  std::string host, port;
  UniqueFd socket;
};

static_assert(std::is_standard_layout_v<Connection>, "a pointer to the first member is one to the whole");

Connection* Of(git_stream* stream) {
  return reinterpret_cast<Connection*>(stream);
}

int Failed(const std::string& what, const char* why) {
  git_error_set_str(GIT_ERROR_NET, (what + ": " + why).c_str());
  return -1;
}

int Connect(git_stream* stream) {
  Connection& connection = *Of(stream);
  const std::string what = "failed to connect to " + connection.host;
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (int error = getaddrinfo(connection.host.c_str(), connection.port.c_str(), &hints, &found); error != 0)
    return Failed("failed to resolve address for " + connection.host, gai_strerror(error));
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, freeaddrinfo);
  int error = ENOENT;
  for (const addrinfo* one = all.get(); one != nullptr; one = one->ai_next) {
    UniqueFd fd(socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol));
    if (fd && connect(fd.get(), one->ai_addr, one->ai_addrlen) == 0) {
      connection.socket = std::move(fd);
      return 0;
    }
    error = errno;
  }
  return Failed(what, std::strerror(error));
}

ssize_t Read(git_stream* stream, void* data, size_t size) {
  ssize_t got = 0;
  do {
    got = recv(Of(stream)->socket.get(), data, size, 0);
  } while (got < 0 && errno == EINTR);
  return got < 0 ? Failed("error receiving data from socket", std::strerror(errno)) : got;
}

ssize_t Write(git_stream* stream, const char* data, size_t size, int) {
  ssize_t sent = 0;
  do {
    sent = send(Of(stream)->socket.get(), data, size, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? Failed("error sending data", std::strerror(errno)) : sent;
}

int Close(git_stream* stream) {
  Of(stream)->socket.reset();
  return 0;
}

void Free(git_stream* stream) {
  delete Of(stream);
}

int Make(git_stream** out, const char* host, const char* port) {
  if (strcasecmp(host, allowed_host.c_str()) != 0 || allowed_port != port)
    return Failed("cannot redirect to another server", "a password is not for it");
  auto connection = std::make_unique<Connection>();
  connection->host = host;
  connection->port = port;
  git_stream& stream = connection->parent;
  stream.version = GIT_STREAM_VERSION;
  stream.connect = Connect;
  stream.read = Read;
  stream.write = Write;
  stream.close = Close;
  stream.free = Free;
  *out = &connection.release()->parent;
  return 0;
}

bool HasProxy() {
  for (const char* name : {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return true;
  }
  return false;
}

}  // namespace

Status ConnectOnlyTo(const std::string& host, uint16_t port) {
  if (HasProxy()) return {};
  allowed_host = host;
  allowed_port = std::to_string(port);
  git_stream_registration ours{};
  ours.version = GIT_STREAM_VERSION;
  ours.init = Make;
  ours.wrap = [](git_stream**, git_stream*, const char*) { return Failed("connection", "nothing to wrap"); };
  if (git_stream_register(GIT_STREAM_STANDARD, &ours) != 0)
    return Fail(ErrorCode::kInternal, "git helper: connections can't be bound to one server");
  return {};
}

}  // namespace cromt::git
