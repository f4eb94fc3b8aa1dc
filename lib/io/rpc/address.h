// Network addresses of agents and coordinators, as text and as the kernel takes them.
#pragma once

#include <sys/socket.h>

#include <string>

#include "base/result.h"

namespace cromt::rpc {

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;
  bool loopback = false;
};

// "HOST:PORT", "[::1]:PORT" or "localhost:PORT", resolved (names block on the resolver): the first loopback address if
// there is one, else the first. kInvalid for another form, kNotFound for a name that does not resolve.
Result<Endpoint> ResolveEndpoint(const std::string& text);

// "127.0.0.1:4000", "[::1]:4000"; of a Unix socket "a local socket".
std::string FormatAddress(const sockaddr_storage& address);

// Why nobody there is called without TLS.
Error PlaintextElsewhere(const std::string& address);

}  // namespace cromt::rpc
