#include "io/rpc/channel.h"

#include <grpcpp/grpcpp.h>

#include "io/rpc/address.h"
#include "io/rpc/server.h"

namespace cromt::rpc {

Result<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& address, const ChannelOptions& options) {
  std::string target = "unix:" + address;
  if (!address.starts_with("/")) {
    CROMT_ASSIGN(Endpoint endpoint, ResolveEndpoint(address));
    if (!endpoint.loopback && !options.insecure)
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
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), args);
}

}  // namespace cromt::rpc
