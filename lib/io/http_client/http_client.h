// HTTP/1.1 to a server on a Unix socket, by libcurl. One client is used by one thread at a time and may be moved to
// another between calls; calls block.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace cromt {

struct HttpRequest {
  std::string method = "GET";
  std::string target;                // path and query, escaped: HttpEscape
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  // Instead of a body that is known: puts the next bytes at `to`, at most `room`, and says how many; 0 at the end,
  // nullopt to end the call (kCanceled). For PUT.
  using Source = std::function<std::optional<size_t>(char* to, size_t room)>;
  Source source;
  // Asked now and then, at least once a second, also while nothing comes: false ends the call (kCanceled). Empty =
  // never.
  std::function<bool()> wanted;
  // Of the whole call; 0 = as long as it takes, for what the server answers when something has happened.
  Duration deadline = seconds(30);
};

struct HttpAnswer {
  int status = 0;
  std::string body;  // empty where a sink took it
};

class HttpClient {
 public:
  // Nothing is connected before the first call.
  static Result<HttpClient> ToSocket(const std::string& path);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // kUnavailable: nobody answers at the socket, or the connection broke; kTimeout; kExhausted: a body of more than
  // kMaxBody. Any status is an answer.
  Result<HttpAnswer> Call(const HttpRequest& request);
  // A successful (2xx) answer's body goes to `sink` as it comes; another's to the answer. The sink ends the call by
  // false: kCanceled.
  using Sink = std::function<bool(std::string_view)>;
  Result<HttpAnswer> Stream(const HttpRequest& request, const Sink& sink);

  static constexpr size_t kMaxBody = 16 << 20;

 private:
  struct Handle;
  explicit HttpClient(std::unique_ptr<Handle> handle);
  std::unique_ptr<Handle> handle_;
};

// For one component of a path, or a value of a query.
std::string HttpEscape(std::string_view text);

}  // namespace cromt
