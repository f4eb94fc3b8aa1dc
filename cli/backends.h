// What the command line stands on, as functions, so that it knows neither gRPC nor the embedded programs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "cli/access_control.h"
#include "cli/coordinator_target.h"
#include "cli/embed/embedded.h"
#include "core/control.h"

namespace cromt::cli {

// A coordinator and an agent of our own. Ends with the object.
class LocalMesh {
 public:
  virtual ~LocalMesh() = default;
  virtual Control& control() = 0;
};

struct Backends {
  std::function<Result<std::unique_ptr<Control>>(const CoordinatorTarget& target, Duration patience)> connect;
  std::function<Result<std::unique_ptr<AccessControl>>(const CoordinatorTarget& target, Duration patience)>
      connect_access;
  // The certificate of a mesh's authority, as the coordinator at this address shows it, if it has this fingerprint.
  std::function<Result<std::string>(const std::string& address, const std::string& fingerprint, Duration patience)>
      fetch_authority;
  std::function<Result<std::unique_ptr<LocalMesh>>(const EmbeddedOptions& options)> embed;
  // The runs that embedded meshes have kept in a directory.
  std::function<std::unique_ptr<Control>(const std::string& dir)> open_local;
};

}  // namespace cromt::cli
