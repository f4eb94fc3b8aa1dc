// The coordinator's side of HTTP: health, and web hooks. Each route has a rule (access/route_rules.h); all that there
// are now are open to everybody who reaches the address. A route that is not will have to ask who calls, as the gate of
// the calls does, and in local mode the kernel, as rpc::Listener does: until it does, it is refused to everybody. Any
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "coordinator/http/hooks.h"
#include "io/http_server/server.h"

namespace cromt {

class Access;
class Health;

struct HttpSideOptions {
  std::string listen;        // "HOST:PORT"
  bool insecure = false;     // beyond loopback in plaintext
  Access* access = nullptr;  // null in local mode; outlives this. With it, what is beyond loopback has TLS
  std::function<void(const std::string&)> warn;
  // What is asked of the coordinator, on threads that may wait.
  std::function<Result<std::string>(const std::string& project)> hook_secret;
  std::function<Result<std::string>(const std::string& project, const std::string& ref, const std::string& commit)>
      pushed;
  std::function<bool()> loop_answers;  // waits until its loop has answered something; false = it does not
};

class HttpSide {
 public:
  // Errors as of http::Server::Start.
  static Result<std::unique_ptr<HttpSide>> Start(HttpSideOptions options);
  ~HttpSide();

  const std::string& address() const;
  // Why nothing is started for now; "" = it is. Before the first word, it is not ready.
  void Held(const std::string& why);

 private:
  struct Impl;
  explicit HttpSide(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// All routes; `edges` outlive them. For tests, which compare them with the rules.
std::vector<http::Route> HttpRoutes(Health& health, Hooks& hooks);

}  // namespace cromt
