// gRPC in front of a Coordinator: translates and validates; decides nothing. See proto/cromt/v1/coordinator.proto.
#pragma once

#include "io/rpc/server.h"

namespace cromt {

class Coordinator;
class Gate;

// Both outlive the service; the server that holds it is shut down first, after StopFollowing.
rpc::ServicePtr MakeCoordinatorService(Coordinator& coordinator, Gate& gate);

}  // namespace cromt
