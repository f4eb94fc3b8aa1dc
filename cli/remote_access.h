// Who belongs to a mesh, asked of a coordinator over gRPC.
#pragma once

#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "cli/access_control.h"
#include "cli/coordinator_target.h"

namespace cromt {

// As ConnectRemote.
Result<std::unique_ptr<cli::AccessControl>> ConnectRemoteAccess(const CoordinatorTarget& target, Duration patience);

// The certificate of a mesh's authority as the coordinator at HOST:PORT shows it, if it has this fingerprint.
Result<std::string> FetchAuthority(const std::string& address, const std::string& fingerprint, Duration patience);

}  // namespace cromt
