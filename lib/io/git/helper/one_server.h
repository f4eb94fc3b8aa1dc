// Connections to one server only: libgit2 follows a redirect to another port of a host, and takes the password along.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace cromt::git {

// From now on http(s) connections of this process to anything but host:port fail, with "redirect" in their reason.
// Not with a proxy (http_proxy and the like): all connections are to that one then. Called once, before the first.
Status ConnectOnlyTo(const std::string& host, uint16_t port);

}  // namespace cromt::git
