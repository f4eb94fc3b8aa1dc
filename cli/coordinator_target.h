// Whom to call and how to be believed there.
#pragma once

#include <string>

namespace cromt {

struct CoordinatorTarget {
  std::string address;      // HOST:PORT, or the path of a Unix socket
  std::string token;        // that is shown; empty: none
  std::string authorities;  // PEM: over TCP by TLS, and only to the coordinator of their mesh; empty: in plaintext
  std::string mesh;         // of these
};

}  // namespace cromt
