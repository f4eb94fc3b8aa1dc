#include "io/rpc/channel.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>

#include "io/rpc/address.h"
#include "io/rpc/server.h"
#include "io/rpc/status.h"

namespace cromt::rpc {
namespace {

// A channel does not say why it could not connect; a call on it does, at once.
std::string WhyNot(grpc::Channel& channel) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
  grpc::Slice nothing("");
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(std::shared_ptr<grpc::Channel>(&channel, [](grpc::Channel*) {}));
  auto call = stub.PrepareUnaryCall(&context, "/none", request, &queue);
  grpc::Status status;
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  return PlainWords(status.error_message());
}

}  // namespace

Result<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const ChannelOptions& options) {
  std::string target = "unix:" + address;
  auto credentials = grpc::InsecureChannelCredentials();
  if (!address.starts_with("/")) {
    if (options.credentials) credentials = options.credentials;
    CROMT_ASSIGN(Endpoint endpoint, ResolveEndpoint(address));
    if (!endpoint.loopback && !options.insecure && !options.credentials)
      return tl::unexpected(PlaintextElsewhere(address));
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

Status Connect(grpc::Channel& channel, Duration patience) {
  const auto until = std::chrono::system_clock::now() + patience;
  for (;;) {
    const grpc_connectivity_state state = channel.GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) return {};
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) return Fail(ErrorCode::kUnavailable, WhyNot(channel));
    if (!channel.WaitForStateChange(state, until)) return Fail(ErrorCode::kUnavailable, "it does not answer");
  }
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
