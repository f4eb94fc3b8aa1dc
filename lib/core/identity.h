// Who somebody is in a mesh, as a certificate names it: one URI in its subject alternative name, a SPIFFE id
// (https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md). Pure; nothing here says that it is true.
//
//   spiffe://MESH/coordinator
//   spiffe://MESH/agent/NAME
//   spiffe://MESH/user/NAME                 and
//   spiffe://MESH/user/NAME/agent-submit    whoever may put jobs on agents past the coordinator
//
// Names are compared whole and byte by byte: there are no wildcards, no prefixes, no other spellings.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace cromt {

enum class PeerKind { kCoordinator, kAgent, kUser };

struct Identity {
  MeshId mesh;
  PeerKind kind = PeerKind::kUser;
  std::string name;           // of the agent or user; empty for a coordinator
  bool agent_submit = false;  // of a user
  friend bool operator==(const Identity&, const Identity&) = default;
};

std::string ToUri(const Identity& identity);

// kInvalid for anything that ToUri does not write.
Result<Identity> IdentityFromUri(std::string_view uri);

// "agent h7", "the coordinator", "user ann": for messages.
std::string Describe(const Identity& identity);

}  // namespace cromt
