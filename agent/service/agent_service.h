// gRPC in front of an Agent: translates, validates and posts; decides nothing. See proto/cromt/v1/agent.proto.
#pragma once

#include <memory>

namespace grpc {
class Service;
}

namespace cromt {

class Agent;

// The agent outlives the service; the server that holds it is shut down first.
std::unique_ptr<grpc::Service> MakeAgentService(Agent& agent);

}  // namespace cromt
