// A gRPC server with the standard health service, fed with connections by our own listeners.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/rpc/listener.h"

namespace grpc {
class Service;
}

namespace cromt::rpc {

// A service with the way to delete it, so that whoever holds one needs no gRPC header.
using ServicePtr = std::unique_ptr<grpc::Service, void (*)(grpc::Service*)>;

inline constexpr int kMaxMessageBytes = 4 << 20;
// At most so many calls of blocking services are served at once; more are refused.
inline constexpr int kServerThreads = 512;

class Server {
 public:
  // The services outlive the server. `refused` is told of callers that were not let in.
  static Result<std::unique_ptr<Server>> Start(std::vector<grpc::Service*> services,
                                               const std::vector<ListenOptions>& listen,
                                               std::function<void(const std::string&)> refused);
  // Takes no more calls, gives those under way half a second, cancels the rest.
  ~Server();

  // What the health service says of this service; of all together, "", it says that it serves as long as it does. Any
  // thread.
  void SetServing(const std::string& service, bool serving);

  // Of each listener, in the order given.
  std::vector<std::string> addresses() const;

 private:
  Server();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cromt::rpc
