#include "io/rpc/peer.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace cromt::rpc {
namespace {

bool IsLoopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_UNIX) return true;
  if (address.ss_family == AF_INET)
    return (ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24) == 127;
  if (address.ss_family != AF_INET6) return false;
  const in6_addr& ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&ip)) return ip.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&ip);
}

// Puts an address into the look-up as the kernel keeps that socket: a v4-mapped one is an IPv4 socket's, mostly.
void Put(const sockaddr_storage& address, __be32 (&ip)[4], __be16& port) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ip[0] = v4.sin_addr.s_addr;
    port = v4.sin_port;
    return;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  port = v6.sin6_port;
  if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
    std::memcpy(&ip[0], &v6.sin6_addr.s6_addr[12], 4);
  else
    std::memcpy(ip, &v6.sin6_addr, 16);
}

bool IsIpv4(const sockaddr_storage& address) {
  return address.ss_family == AF_INET ||
         IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

// `theirs` and `ours` as seen from us; the look-up is for the socket that has them the other way round.
Result<uid_t> AskKernel(const sockaddr_storage& theirs, const sockaddr_storage& ours) {
  UniqueFd netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) return tl::unexpected<Error>(ErrnoError("can't ask the kernel who is calling", errno));
  struct {
    nlmsghdr header;
    inet_diag_req_v2 request;
  } ask{};
  ask.header.nlmsg_len = sizeof ask;
  ask.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  ask.header.nlmsg_flags = NLM_F_REQUEST;
  ask.request.sdiag_family = static_cast<__u8>(IsIpv4(theirs) ? AF_INET : AF_INET6);
  ask.request.sdiag_protocol = IPPROTO_TCP;
  ask.request.idiag_states = ~0u;
  Put(theirs, ask.request.id.idiag_src, ask.request.id.idiag_sport);
  Put(ours, ask.request.id.idiag_dst, ask.request.id.idiag_dport);
  ask.request.id.idiag_cookie[0] = ask.request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  if (::send(netlink.get(), &ask, sizeof ask, 0) < 0)
    return tl::unexpected<Error>(ErrnoError("can't ask the kernel who is calling", errno));
  alignas(nlmsghdr) char answer[4096];
  ssize_t size = ::recv(netlink.get(), answer, sizeof answer, 0);
  if (size < static_cast<ssize_t>(sizeof(nlmsghdr)))
    return tl::unexpected<Error>(ErrnoError("can't ask the kernel who is calling", errno));
  const auto* header = reinterpret_cast<const nlmsghdr*>(answer);
  if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY || size < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(inet_diag_msg))))
    return Fail(ErrorCode::kNotFound, "the kernel knows no socket at the other end");
  return static_cast<const inet_diag_msg*>(NLMSG_DATA(header))->idiag_uid;
}

}  // namespace

bool IsLocalPeer(int fd) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 && IsLoopback(peer);
}

Result<uid_t> PeerUser(int fd) {
  sockaddr_storage theirs{}, ours{};
  socklen_t theirs_size = sizeof theirs, ours_size = sizeof ours;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&theirs), &theirs_size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&ours), &ours_size) != 0)
    return tl::unexpected<Error>(ErrnoError("the caller is gone", errno));
  if (theirs.ss_family == AF_UNIX) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
      return tl::unexpected<Error>(ErrnoError("can't ask the kernel who is calling", errno));
    return credentials.uid;
  }
  if (!IsLoopback(theirs)) return Fail(ErrorCode::kInvalid, "the caller is on another host");
  return AskKernel(theirs, ours);
}

}  // namespace cromt::rpc
