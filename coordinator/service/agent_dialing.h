// How the coordinator finds and knows the agents that it calls.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace cromt {
struct Trust;
namespace rpc {
class Tls;
}

struct AgentDialing {
  bool insecure = false;          // dial beyond loopback in plaintext
  std::shared_ptr<rpc::Tls> tls;  // null: plaintext
  // With `tls`: which agent of the mesh must be at this address. Any thread.
  std::function<Result<std::string>(const std::string& address)> agent_at;
  std::function<bool(const std::string& agent)> is_member;  // likewise: whether it still is one
  std::function<std::shared_ptr<const Trust>()> trust;      // likewise: what each agent is to know of
};

}  // namespace cromt
