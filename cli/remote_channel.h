// A channel to a coordinator. Included by this folder's .cc files only.
#pragma once

#include <memory>
#include <string>

#include "cli/coordinator_target.h"
#include "io/rpc/channel.h"

namespace cromt {

// Connected. kUnavailable when nobody answers within `patience`, at once where nothing listens.
Result<std::shared_ptr<grpc::Channel>> OpenRemote(const CoordinatorTarget& target, Duration patience);

// Puts the token into a call.
void ShowToken(grpc::ClientContext& context, const std::string& token);

}  // namespace cromt
