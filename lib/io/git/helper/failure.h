// What libgit2's last error means to a caller.
#pragma once

#include <string_view>

#include "base/result.h"

namespace cromt::git {

// For what went wrong between us and the remote `shown`: kNotFound, kDenied, kUnavailable or kExhausted, with
// libgit2's own words and, where it helps, what to do. `code` is what the failed call returned.
Error RemoteFailure(std::string_view shown, int code);

// For what went wrong in our own mirror: kCorrupt. `what` names the step.
Error MirrorFailure(std::string_view what);

// True if the last error is about stored objects or refs rather than about the remote or the network.
bool IsAboutStorage();

}  // namespace cromt::git
