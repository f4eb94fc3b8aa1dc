// gRPC in front of an Agent: translates, validates and posts; decides nothing. See proto/cromt/v1/agent.proto.
#pragma once

#include "io/rpc/server.h"

namespace cromt {

class Agent;

// The agent outlives the service; the server that holds it is shut down first.
rpc::ServicePtr MakeAgentService(Agent& agent);

}  // namespace cromt
