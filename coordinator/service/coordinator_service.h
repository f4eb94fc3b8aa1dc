// gRPC in front of a Coordinator: translates and validates; decides nothing. See proto/cromt/v1/coordinator.proto.
#pragma once

#include <memory>

namespace grpc {
class Service;
}

namespace cromt {

class Coordinator;

// The coordinator outlives the service; the server that holds it is shut down first, after StopFollowers.
std::unique_ptr<grpc::Service> MakeCoordinatorService(Coordinator& coordinator);

}  // namespace cromt
