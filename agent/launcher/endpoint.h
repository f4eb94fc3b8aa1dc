// The launcher's place in its data directory: the lock that makes it the only one, and the socket on which the
// agent finds it. Launcher thread only.
#pragma once

#include <sys/un.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cromt::launcher {

// The address of DIR/launcher.sock. A path too long for it is reached through `dir_fd`, an open descriptor of DIR
// that must stay open while the address is used.
sockaddr_un SocketAddress(const std::string& dir, int dir_fd);

class Endpoint {
 public:
  // Makes `dir` when missing, locks it, takes over a socket left by a launcher that died, and listens (mode
  // 0600). kConflict when another launcher has the directory.
  static Result<Endpoint> Open(const std::string& dir);
  Endpoint(Endpoint&&) = default;
  Endpoint& operator=(Endpoint&&) = delete;
  // Removes the socket; the lock goes with the process.
  ~Endpoint();

  int fd() const { return listener_.get(); }

  // Removes the socket, for good. The lock stays.
  void StopListening();

  // The next caller that may speak to us, nonblocking; nullopt when there is none now. Callers of other users are
  // hung up on. Errors: kExhausted (no descriptor left): wait and try again.
  Result<std::optional<UniqueFd>> Accept();

 private:
  Endpoint(std::string path, UniqueFd lock, UniqueFd listener)
      : path_(std::move(path)), lock_(std::move(lock)), listener_(std::move(listener)) {}

  std::string path_;
  UniqueFd lock_;
  UniqueFd listener_;
};

}  // namespace cromt::launcher
