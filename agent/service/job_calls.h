// The agent's plain RPCs. Included by this folder's .cc files only.
#pragma once

#include <grpcpp/grpcpp.h>

#include "agent/agent.h"
#include "cromt/v1/agent.pb.h"

namespace cromt::service {

grpc::ServerUnaryReactor* Submit(Agent& agent, grpc::CallbackServerContext& context, const v1::SubmitRequest& request,
                                 v1::SubmitResponse& response);
grpc::ServerUnaryReactor* Get(Agent& agent, grpc::CallbackServerContext& context, const v1::GetJobRequest& request,
                              v1::Job& response);
grpc::ServerUnaryReactor* List(Agent& agent, grpc::CallbackServerContext& context, const v1::ListJobsRequest& request,
                               v1::ListJobsResponse& response);
grpc::ServerUnaryReactor* Cancel(Agent& agent, grpc::CallbackServerContext& context,
                                 const v1::CancelJobRequest& request, v1::Job& response);
grpc::ServerUnaryReactor* Drain(Agent& agent, grpc::CallbackServerContext& context, const v1::DrainRequest& request,
                                v1::DrainResponse& response);
// These delete themselves when their call is done.
grpc::ServerWriteReactor<v1::Job>* Watch(Agent& agent, const v1::WatchJobRequest& request);
grpc::ServerWriteReactor<v1::LogChunk>* Logs(Agent& agent, const v1::LogsRequest& request);

}  // namespace cromt::service
