// A coordinator in another process, over gRPC.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "core/control.h"

namespace cromt {

// `address` is "HOST:PORT" or the path of a Unix socket. kUnavailable when nobody answers within `patience`, at once
// where nothing listens. The caller owns the result, any thread may use it.
Result<std::unique_ptr<Control>> ConnectRemote(const std::string& address, Duration patience);

}  // namespace cromt
