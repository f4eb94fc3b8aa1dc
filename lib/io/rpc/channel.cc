#include "io/rpc/channel.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>

#include "io/rpc/address.h"
#include "io/rpc/server.h"

namespace cromt::rpc {
Result<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const ChannelOptions& options) {
  std::string target = "unix:" + address;
  auto credentials = grpc::InsecureChannelCredentials();
  if (!address.starts_with("/")) {
    if (options.credentials) credentials = options.credentials;
    CROMT_ASSIGN(Endpoint endpoint, ResolveEndpoint(address));
    if (!endpoint.loopback && !options.insecure && !options.credentials)
      return Fail(ErrorCode::kDenied, address +
                                          " is on another host, and plaintext has no authentication: set up mutual "
                                          "TLS, or allow it with --insecure");
    target = (endpoint.address.ss_family == AF_INET ? "ipv4:" : "ipv6:") + FormatAddress(endpoint.address);
  }
  grpc::ChannelArguments args;
  // Equal channels otherwise share one connection, and bulk data would delay leases.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);  // who comes back is found soon, however long he was away
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  if (options.read_ahead_bytes > 0) {
    args.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    args.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, options.read_ahead_bytes);
  }
  return grpc::CreateCustomChannel(target, credentials, args);
}

void KeepCallbackThreads() {
  static std::atomic<bool> done = false;
  if (done.exchange(true)) return;
  class Ended final : public grpc::ClientUnaryReactor {
   public:
    void OnDone(const grpc::Status&) override { delete this; }
    grpc::ClientContext context;
    grpc::Slice nothing{""};
    grpc::ByteBuffer request{&nothing, 1}, response;
  };
  auto* kept = new std::shared_ptr<grpc::Channel>(
      grpc::CreateChannel("unix-abstract:cromt-nobody", grpc::InsecureChannelCredentials()));
  auto* call = new Ended;
  call->context.TryCancel();
  grpc::GenericStub(*kept).PrepareUnaryCall(&call->context, "/none", {}, &call->request, &call->response, call);
  call->StartCall();
}

}  // namespace cromt::rpc
