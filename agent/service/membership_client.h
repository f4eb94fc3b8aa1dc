// How a host becomes a member of a mesh, and stays one. Blocks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/member.h"
#include "base/result.h"
#include "base/time.h"

namespace cromt {
namespace rpc {
class Tls;
}

struct JoinOrder {
  std::string coordinator;  // HOST:PORT
  std::string fingerprint;  // of the mesh's authority, as the invitation says it
  std::string name;
  std::string token;
};

// Asks the coordinator to make this host a member and writes what comes of it. kDenied: the token is not good, or it is
// another mesh that answers.
Result<Member> Join(const JoinOrder& order, const MemberFiles& files);

// What makes this host a member, for the files. PEM.
struct Renewed {
  std::string identity;     // key, certificate and authorities
  std::string authorities;  // to be believed
};

// A new certificate, with a new key. `tls` is the agent's own.
Result<Renewed> Renew(const Member& member, const rpc::Tls& tls);
// The same for a member whose certificate has expired, and that was readmitted: by its old key.
Result<Renewed> RenewExpired(const Member& member, const MemberFiles& files);

// What can be reached from where. Sentences; `problems` is empty if all is well.
struct Reach {
  std::vector<std::string> good;
  std::vector<std::string> problems;
};
// Tries coordinator to agent, agent to coordinator, and agent to other agents. `tls` is the agent's own.
Reach TryReach(const Member& member, const rpc::Tls& tls);

}  // namespace cromt
