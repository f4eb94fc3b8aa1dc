// How the coordinator reaches agents. gRPC is one implementation (service/grpc_transport.h), the embedded agent of
// `cromt run` another (cli/embed), the simulator's network a third. The engine calls it from its one thread; nothing
// blocks; what happens comes back as engine inputs of the same link.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "core/messages.h"

namespace cromt {

// One connection to an agent, from dialling to closing; never used twice.
using LinkId = uint64_t;

class AgentTransport {
 public:
  virtual ~AgentTransport() = default;
  // Opens a session's stream to the agent at this address: LinkOpened or LinkClosed follows, within 10 s.
  virtual void Dial(const std::string& address, LinkId link) = 0;
  // Ends it; LinkClosed may or may not follow.
  virtual void Close(LinkId link, const std::string& reason) = 0;
  // REQUIRES: the link is open and writable. LinkWritable follows.
  virtual void Send(LinkId link, ToAgent message) = 0;
  // The session is live: collect the mesh's output from this agent until the link closes. What it sends counts as this
  // agent's, so no other one at the same address may be asked.
  virtual void CollectLogs(LinkId link, const MeshId& mesh, const AgentId& agent) = 0;
  // Bring the blob to the agent, by a channel of its own. One that breaks is tried again while the link is open
  // (blob_pushes.h); after that the agent asks again in its next session.
  // One that is not here is an artifact of `holder`'s, through us: the two can't reach each other. BlobUndeliverable
  // follows if that can't be done. Here and below a holder comes with its grant.
  virtual void PushBlob(LinkId link, const std::string& address, const Digest& digest,
                        const std::optional<LeaseInput>& holder) = 0;
  // Brings an artifact here from its holder. `done` is called once, on any thread.
  virtual void FetchBlob(const LeaseInput& from, std::function<void(const Status&)> done) = 0;
};

}  // namespace cromt
