// A server of HTTP/1.1 for many connections that are quiet most of the time: one thread serves all of them, and what
// may wait is answered on a few others. Everything that a client can make it hold is bounded, and so is the time that
// one may take. Nothing that a client sends is logged.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/http_server/request_reader.h"
#include "io/http_server/routes.h"

namespace cromt::http {

struct Limits {
  RequestReader::Limits request;
  size_t connections = 1100;     // one more takes the place of the one that has waited longest without a request
  size_t held_bytes = 64 << 20;  // of bodies, over all connections
  size_t answering = 64;         // requests that wait to be answered; more are told to come again (503)
  size_t answerers = 4;          // threads for those
  Duration idle = seconds(60);   // without a byte of a next request
  Duration head = seconds(10);   // for a whole head, from its first byte on; likewise for the greeting of TLS
  Duration body = seconds(30);
  Duration write = seconds(30);  // for a whole answer
};

struct ServerOptions {
  std::string address;    // "HOST:PORT" (a numeric address or "localhost"; port 0 picks one)
  bool insecure = false;  // beyond loopback in plaintext
  std::string identity;   // a PEM file (tls_side.h): what is spoken is TLS; empty = plaintext
  Limits limits;
  std::function<void(const std::string&)> warn;  // for the operator, at most once a second; any thread
};

struct Loop;

// Whoever reaches the address is served: a route that is not for everybody has to ask who calls.
class Server {
 public:
  // kInvalid for an address beyond loopback in plaintext without `insecure`, or one that can't be understood; kConflict
  // if it is in use. Routes outlive the server with all that they refer to.
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, std::vector<Route> routes);
  // What is being answered is answered; everything else ends at once.
  ~Server();

  // "127.0.0.1:4080", with the real port.
  const std::string& address() const;

 private:
  explicit Server(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace cromt::http
