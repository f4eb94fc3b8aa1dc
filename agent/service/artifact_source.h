// Gives out the artifacts of this host, to whoever may have them: the same for gRPC and for the blob line. Any thread.
// Included by this folder's .cc files only.
#pragma once

#include <map>
#include <memory>

#include "agent/agent.h"
#include "agent/service/agent_gate.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "cromt/v1/agent.pb.h"

namespace cromt::service {

struct GivenArtifact {
  UniqueFd file;
  int64_t offset = 0;
  int64_t size_bytes = 0;       // of the file
  std::shared_ptr<void> place;  // among those who fetch; kept until all is sent
};

class ArtifactSource {
 public:
  static constexpr int kAtOnce = 64;
  static constexpr int kOfOne = 8;  // an honest one makes BlobFetcher::kOfOneHolder, and some may have just broken

  // Both outlive it.
  ArtifactSource(Agent& agent, const AgentGate& gate) : agent_(agent), gate_(gate) {}

  // kDenied: he may not have it. kExhausted: as many as may are being fetched from here, all in all or with tickets of
  // this consumer: one that takes no bytes keeps its places, so nobody gets all of them.
  Result<GivenArtifact> Open(const AgentGate::Caller& caller, const v1::GetBlobRequest& request);

 private:
  struct Places {
    Mutex mutex;
    int all CROMT_GUARDED_BY(mutex) = 0;
    std::map<AgentId, int> of CROMT_GUARDED_BY(mutex);
  };
  Result<std::shared_ptr<void>> PlaceOf(const AgentId& consumer);

  Agent& agent_;
  const AgentGate& gate_;
  const std::shared_ptr<Places> places_ = std::make_shared<Places>();
};

}  // namespace cromt::service
