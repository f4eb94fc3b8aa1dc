// `cromt-agent join`: makes this host a member of a mesh, and says what can be reached from where.
#pragma once

#include <string>

#include "base/result.h"

namespace cromt {

struct JoinCommand {
  std::string coordinator;  // HOST:PORT
  std::string fingerprint;  // of the mesh's authority
  std::string name;         // empty: the host's
  std::string token_file;   // empty: standard input
  std::string data_dir;
  std::string listen;   // where the agent will serve
  std::string service;  // the unit to be started anew, where there is systemd; empty: none
};

// May be said again: a member stays one, and what can be reached is tried again. The answer is whether all can.
Result<bool> RunJoin(const JoinCommand& command);

}  // namespace cromt
