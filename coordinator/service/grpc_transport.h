// The coordinator's way to agents over gRPC: for each link a session, and beside it, on connections of their own so
// that bulk data never delays a lease, the collecting of logs and the pushing of blobs.
#pragma once

#include <functional>
#include <memory>

#include "coordinator/engine.h"
#include "coordinator/log_collector.h"
#include "coordinator/service/agent_dialing.h"
#include "coordinator/transport.h"
#include "io/blob/store.h"

namespace cromt {

struct GrpcTransportOptions {
  AgentDialing dialing;
  std::function<void(EngineInput)> post;
  std::function<void(const std::string&)> warn;
};

// `logs` and `blobs` outlive it.
std::unique_ptr<AgentTransport> MakeGrpcTransport(GrpcTransportOptions options, LogCollector& logs, BlobStore& blobs);

}  // namespace cromt
