// Whom to call and how to be believed there.
#pragma once

#include <functional>
#include <string>

namespace cromt {

struct CoordinatorTarget {
  std::string address;      // HOST:PORT, or the path of a Unix socket
  std::string token;        // that is shown; empty: none
  std::string authorities;  // PEM: over TCP by TLS, and only to the coordinator of their mesh; empty: in plaintext
  std::string mesh;         // of these
  // Called with what the coordinator, once it is made sure of, shows as its mesh's authorities, if that is not
  // `authorities`. May be null.
  std::function<void(const std::string&)> authorities_changed = {};
};

}  // namespace cromt
