// Reads requests of HTTP/1.1 (and 1.0) out of bytes as they come. What can be understood in two ways is refused, so
// that nobody in front of this server reads other requests than it does. Pure; one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "io/http_server/message.h"

namespace cromt::http {

class RequestReader {
 public:
  struct Limits {
    size_t head_bytes = 16 << 10;  // of request line and headers, also of what trails a body
    size_t body_bytes = 1 << 20;
  };
  enum class State {
    kHead,  // what came is part of a request's head
    kBody,  // the head is there
    kDone,  // a whole request: Take
    kBad,   // nothing more can be read here: see problem()
  };
  struct Problem {
    int status = 400;
    std::string_view why;
  };

  explicit RequestReader(const Limits& limits);
  RequestReader(RequestReader&&) noexcept;
  RequestReader& operator=(RequestReader&&) noexcept;
  ~RequestReader();

  // Takes in what it can of `bytes` and says how much that is. The rest comes again, with what came after it; or it is
  // the next request's. REQUIRES: kHead or kBody.
  size_t Put(std::string_view bytes);

  State state() const { return state_; }
  const Problem& problem() const { return problem_; }
  // In kBody: the client waits for leave to send it.
  bool wants_leave() const;
  size_t body_bytes() const;  // that have come
  // In kDone: whether the client means to send more requests.
  bool keep_alive() const;
  // The request, without its place; begins anew. REQUIRES: kDone.
  Request Take();

 private:
  struct Parser;
  size_t EndOf(std::string_view bytes, std::string_view end, size_t from);
  size_t Feed(std::string_view bytes);
  size_t FeedChunks(std::string_view bytes);
  void Check();
  void Refuse(int status, std::string_view why);

  Limits limits_;
  State state_ = State::kHead;
  Problem problem_;
  size_t searched_ = 0;             // of what came last, by EndOf
  std::unique_ptr<Parser> parser_;  // null before a whole head has come
};

}  // namespace cromt::http
