#include "io/rpc/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>
#include <memory>

#include "base/name.h"

namespace cromt::rpc {
namespace {

bool IsLoopback(const sockaddr* address) {
  if (address->sa_family == AF_INET)
    return (ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24) == 127;
  return address->sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

}  // namespace

Result<Endpoint> ResolveEndpoint(const std::string& text) {
  size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon == std::string::npos ? 0 : colon);
  std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  uint16_t number = 0;
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.empty() || port.empty() || error != std::errc() || end != port.data() + port.size())
    return Fail(ErrorCode::kInvalid, Quote(text) + " is not an address; write HOST:PORT, as in 127.0.0.1:4000");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  int failed = getaddrinfo(host.c_str(), port.c_str(), &hints, &raw);
  std::unique_ptr<addrinfo, FreeAddresses> list(raw);
  if (failed != 0 || !list)
    return Fail(ErrorCode::kUnavailable, Quote(host) + " can't be resolved: " + gai_strerror(failed));
  const addrinfo* chosen = list.get();
  for (const addrinfo* one = list.get(); one; one = one->ai_next)
    if (IsLoopback(one->ai_addr)) {
      chosen = one;
      break;
    }
  Endpoint endpoint;
  std::memcpy(&endpoint.address, chosen->ai_addr, chosen->ai_addrlen);
  endpoint.size = chosen->ai_addrlen;
  endpoint.loopback = IsLoopback(chosen->ai_addr);
  return endpoint;
}

std::string FormatAddress(const sockaddr_storage& address) {
  if (address.ss_family == AF_UNIX) return "a local socket";
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
    inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v6.sin6_port));
  }
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

Error PlaintextElsewhere(const std::string& address) {
  return {ErrorCode::kDenied, address +
                                  " is on another host, and plaintext has no authentication: set up mutual TLS, or "
                                  "allow it with --insecure"};
}

}  // namespace cromt::rpc
