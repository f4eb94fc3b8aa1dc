#include "cli/remote_channel.h"

#include <grpcpp/grpcpp.h>

#include "io/rpc/tls.h"

namespace cromt {

Result<std::shared_ptr<grpc::Channel>> OpenRemote(const CoordinatorTarget& target, Duration patience) {
  // Whom the user names he means.
  rpc::ChannelOptions options{.insecure = true};
  if (!target.authorities.empty()) {
    CROMT_ASSIGN(const auto tls, rpc::Tls::WithoutIdentity(MeshId(target.mesh), target.authorities));
    options.credentials = tls->ToPeer(PeerKind::kCoordinator, "");
  }
  CROMT_ASSIGN(auto channel, rpc::OpenChannel(target.address, options));
  if (Status connected = rpc::Connect(*channel, patience); !connected)
    return Fail("no coordinator answers at " + target.address, connected.error());
  return channel;
}

void ShowToken(grpc::ClientContext& context, const std::string& token) {
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
}

}  // namespace cromt
