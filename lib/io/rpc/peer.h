// Who is at the other end of a connection on this host, by the kernel's word: loopback is no authentication.
#pragma once

#include <sys/types.h>

#include "base/result.h"

namespace cromt::rpc {

// The user that owns the other end of `fd`, a connected Unix or loopback TCP socket. Unix: SO_PEERCRED. TCP: the
// socket whose address is our peer's, by one exact sock_diag look-up. kNotFound if the kernel knows no such socket
// (it is closed already, or lives in another network namespace); kInvalid if the peer is not on this host.
Result<uid_t> PeerUser(int fd);

// True if the socket's peer address is a loopback one, or it is a Unix socket.
bool IsLocalPeer(int fd);

}  // namespace cromt::rpc
