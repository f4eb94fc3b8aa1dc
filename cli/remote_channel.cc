#include "cli/remote_channel.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <set>

#include "io/pki/certificate.h"
#include "io/rpc/tls.h"

namespace cromt {
namespace {

std::set<std::string> FingerprintsIn(const std::string& authorities) {
  const auto fingerprints = pki::Fingerprints(authorities);
  return fingerprints ? std::set<std::string>(fingerprints->begin(), fingerprints->end()) : std::set<std::string>();
}

}  // namespace

Result<std::shared_ptr<grpc::Channel>> OpenRemote(const CoordinatorTarget& target, Duration patience) {
  // Whom the user names he means.
  rpc::ChannelOptions options{.insecure = true};
  std::shared_ptr<rpc::Tls> tls;
  if (!target.authorities.empty()) {
    CROMT_ASSIGN(tls, rpc::Tls::WithoutIdentity(MeshId(target.mesh), target.authorities));
    options.credentials = tls->ToPeer(PeerKind::kCoordinator, "");
  }
  CROMT_ASSIGN(auto channel, rpc::OpenChannel(target.address, options));
  if (Status connected = rpc::Connect(*channel, patience); !connected)
    return Fail("no coordinator answers at " + target.address, connected.error());
  if (tls) TellAuthorities(target, tls->ShownAuthorities(), Told::kShown);
  return channel;
}

void TellAuthorities(const CoordinatorTarget& target, const std::string& authorities, Told how) {
  if (!target.authorities_changed || authorities == target.authorities) return;
  const std::set<std::string> known = FingerprintsIn(target.authorities), told = FingerprintsIn(authorities);
  const bool more = !std::includes(known.begin(), known.end(), told.begin(), told.end());
  if (more || (how == Told::kShown && !told.empty() && told != known)) target.authorities_changed(authorities);
}

void ShowToken(grpc::ClientContext& context, const std::string& token) {
  if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
}

}  // namespace cromt
