// gRPC in front of what starts by itself: translates and validates. See proto/cromt/v1/schedule.proto.
#pragma once

#include "io/rpc/server.h"

namespace cromt {

class Coordinator;
class Gate;

// Both outlive the service.
rpc::ServicePtr MakeScheduleService(Coordinator& coordinator, Gate& gate);

}  // namespace cromt
