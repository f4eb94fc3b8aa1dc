// A connection's bytes, as they are or by TLS. Nothing blocks. One thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace cromt {

class Stream {
 public:
  enum class Step {
    kMoved,
    kNeedsInput,   // again once the socket can be read
    kNeedsOutput,  // again once it can be written to
    kEnded,        // by the other side, or by an error: nothing more will move
  };
  struct Move {
    Step step = Step::kEnded;
    size_t bytes = 0;
  };

  virtual ~Stream() = default;
  // Before anything else, until it says kMoved.
  virtual Step Greet() = 0;
  virtual Move Read(char* to, size_t room) = 0;
  // What has moved may still wait here for more to come; Flush brings it on its way, until it says kMoved.
  virtual Move Write(std::string_view bytes) = 0;
  virtual Step Flush() { return Step::kMoved; }
  // Nothing is written after it.
  virtual void EndWriting() = 0;
};

// `socket` is nonblocking and stays its caller's.
std::unique_ptr<Stream> PlainStream(int socket);

}  // namespace cromt
