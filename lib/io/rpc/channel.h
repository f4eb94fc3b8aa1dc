// Client connections. Include in .cc files only: gRPC's headers are heavy.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace cromt::rpc {

struct ChannelOptions {
  bool insecure = false;  // beyond loopback in plaintext
};

// A channel with a connection of its own, made at the first call. `address` is "HOST:PORT" or "/path/of.sock".
// A name is resolved here (it may block on the resolver) and the answer is what is dialled. kDenied for an address
// beyond loopback without `insecure`.
Result<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const ChannelOptions& options);

}  // namespace cromt::rpc
