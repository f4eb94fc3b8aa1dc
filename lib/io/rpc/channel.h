// Client connections. Include in .cc files only: gRPC's headers are heavy.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace cromt::rpc {

struct ChannelOptions {
  bool insecure = false;  // beyond loopback in plaintext
  // From Tls::ToPeer; null: plaintext. A Unix socket has none.
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  int read_ahead_bytes = 0;  // at most so much waits here unread on each stream; 0 = gRPC guesses, into the megabytes
};

// A channel with a connection of its own, made at the first call. `address` is "HOST:PORT" or "/path/of.sock".
// A name is resolved here (it may block on the resolver) and the answer is what is dialled. kDenied for an address
// beyond loopback in plaintext without `insecure`.
Result<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const ChannelOptions& options);

// Waits until the channel is connected: kUnavailable as soon as the first try has failed, as one that is refused does
// at once (gRPC itself makes the next only seconds later), with gRPC's reason in plain words.
Status Connect(grpc::Channel& channel, Duration patience);

// gRPC 1.51 keeps its threads for callbacks as long as some channel has used them. When the last such channel goes, as
// that of an agent that refuses does at the end of its call, it goes on one of these threads, which then waits for
// itself, and the process aborts. A channel that stays, with a call that was once begun on it, keeps the threads.
// To be called before the first channel that is used with the callback API; the second time nothing happens.
void KeepCallbackThreads();

}  // namespace cromt::rpc
