// The agent's streams with a coordinator: session, logs, blobs. Included by this folder's .cc files only.
#pragma once

#include <grpcpp/grpcpp.h>

#include "agent/agent.h"
#include "agent/service/agent_gate.h"
#include "agent/service/artifact_source.h"
#include "cromt/v1/agent.pb.h"

namespace cromt::service {

// Each reactor deletes itself when its call is done. The gate outlives them.
grpc::ServerBidiReactor<v1::ToAgent, v1::FromAgent>* Session(Agent& agent, const AgentGate& gate);
grpc::ServerBidiReactor<v1::LogCredit, v1::LogBatch>* CollectLogs(Agent& agent, const AgentGate& gate);
grpc::ServerReadReactor<v1::BlobChunk>* PutBlob(Agent& agent);
grpc::ServerWriteReactor<v1::BlobChunk>* GetBlob(Result<GivenArtifact> given);

}  // namespace cromt::service
