// The gRPC service DebugService: a translator in front of Coordinator::DebugBundle.
#pragma once

#include "io/rpc/server.h"

namespace cromt {

class Coordinator;
class Gate;

// Both outlive the service.
rpc::ServicePtr MakeDebugService(Coordinator& coordinator, Gate& gate);

}  // namespace cromt
