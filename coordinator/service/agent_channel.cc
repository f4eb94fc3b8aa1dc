#include "coordinator/service/agent_channel.h"

#include "io/rpc/tls.h"

namespace cromt::service {

Result<AgentChannel> OpenAgent(const AgentDialing& dialing, const std::string& address) {
  rpc::ChannelOptions options{.insecure = dialing.insecure};
  AgentChannel opened;
  if (dialing.tls) {
    CROMT_ASSIGN(const std::string name, dialing.agent_at(address));
    options.credentials = dialing.tls->ToPeer(PeerKind::kAgent, name);
    opened.agent = AgentId(name);
  }
  CROMT_ASSIGN(opened.channel, rpc::OpenChannel(address, options));
  return opened;
}

}  // namespace cromt::service
