// A channel to a coordinator. Included by this folder's .cc files only.
#pragma once

#include <memory>
#include <string>

#include "cli/coordinator_target.h"
#include "io/rpc/channel.h"

namespace cromt {

// Connected. kUnavailable when nobody answers within `patience`, at once where nothing listens.
Result<std::shared_ptr<grpc::Channel>> OpenRemote(const CoordinatorTarget& target, Duration patience);

// The coordinator, of which we are sure, shows these as its mesh's authorities, or only says so: passes on what has
// changed. Until it shows a certificate of the new one it may be known by the old one only.
enum class Told { kShown, kSaid };
void TellAuthorities(const CoordinatorTarget& target, const std::string& authorities, Told how);

// Puts the token into a call.
void ShowToken(grpc::ClientContext& context, const std::string& token);

}  // namespace cromt
