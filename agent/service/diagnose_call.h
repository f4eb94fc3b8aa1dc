// The agent's answer to Diagnose. Included by this folder's .cc files only.
#pragma once

#include <grpcpp/grpcpp.h>

#include "agent/agent.h"
#include "cromt/v1/agent.pb.h"

namespace cromt::service {

// It deletes itself when its call is done.
grpc::ServerWriteReactor<v1::DiagnoseChunk>* Diagnose(Agent& agent);

}  // namespace cromt::service
