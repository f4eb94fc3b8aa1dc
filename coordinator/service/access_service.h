// gRPC in front of Access: see proto/cromt/v1/access.proto.
#pragma once

#include <functional>
#include <string>

#include "io/rpc/server.h"

namespace cromt {

class Access;
class Gate;

// Whether the agent `name` answers at `address` and is who it should be; the error says why not.
using ProbeAgent = std::function<Status(const std::string& name, const std::string& address)>;

struct AccessServiceOptions {
  std::string advertised;  // HOST:PORT, where agents reach this coordinator
  ProbeAgent probe;
  std::function<void(const std::string& name, const std::string& address)> joined;  // is told of each new member
};

// `access` is null in local mode, where all of it but WhoAmI is refused. Both outlive the service.
rpc::ServicePtr MakeAccessService(Access* access, Gate& gate, AccessServiceOptions options);

}  // namespace cromt
