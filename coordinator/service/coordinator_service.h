// gRPC in front of a Coordinator: translates and validates; decides nothing. See proto/cromt/v1/coordinator.proto.
#pragma once

#include "io/rpc/server.h"

namespace cromt {

class Coordinator;

// The coordinator outlives the service; the server that holds it is shut down first, after StopFollowing.
rpc::ServicePtr MakeCoordinatorService(Coordinator& coordinator);

}  // namespace cromt
