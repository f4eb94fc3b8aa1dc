// The helper's end of the socket: replies out. One thread.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "io/git/protocol.h"

namespace cromt::git {

class Reporter {
 public:
  explicit Reporter(int socket) : socket_(socket) {}

  // Blocks while the parent is behind. If the parent is gone, SIGPIPE ends this process, as it should.
  void Send(const Reply& reply);

  // Sends it unless one was sent in the last quarter of a second.
  void SendProgress(const Progress& progress);

  // Bytes of the archive, gathered to kChunks of 256 KiB. Flush sends what is left.
  void SendBytes(std::string_view bytes);
  void Flush();

 private:
  int socket_;
  Mono last_progress_{};
  std::string pending_;
};

}  // namespace cromt::git
