// gRPC in front of the secrets of a Coordinator: translates and validates. See proto/cromt/v1/secrets.proto.
#pragma once

#include "io/rpc/server.h"

namespace cromt {

class Coordinator;
class Gate;

// Both outlive the service.
rpc::ServicePtr MakeSecretService(Coordinator& coordinator, Gate& gate);

}  // namespace cromt
