// Brings what a container prints to our own descriptors: named pipes, in a directory that the container sees. So output
// takes no way through the engine: none is lost when the engine is restarted, and who prints too much waits.
// Not thread-safe.
#pragma once

#include <poll.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cromt::container {

class Relay {
 public:
  // Makes `dir` with the pipes `out` and `err`, and `records` if wanted, that everybody who sees them may write to.
  static Result<Relay> Make(const std::string& dir, bool records);

  // What to poll: as many entries as pipes that may still say something.
  void AddTo(std::vector<pollfd>& fds) const;
  // Reads what there is and writes it on; blocks where our own reader is slow.
  void Forward();
  // Until nobody has them open to write any more. REQUIRES: the container has ended.
  void Drain();

 private:
  struct Pipe {
    UniqueFd from;
    int to = -1;
    bool ended = false;
  };
  static Result<Pipe> MakePipe(const std::string& path, int to);
  static bool ForwardOnce(Pipe& pipe);
  std::vector<Pipe> pipes_;
};

// All of it to this descriptor, or nothing more if nobody reads there.
void WriteAll(int fd, std::string_view bytes);

}  // namespace cromt::container
