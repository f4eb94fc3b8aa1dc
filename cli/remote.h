// A coordinator in another process, over gRPC.
#pragma once

#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "cli/coordinator_target.h"
#include "core/control.h"

namespace cromt {

// kUnavailable when nobody answers within `patience`, at once
// where nothing listens. The caller owns the result, any thread may use it.
Result<std::unique_ptr<Control>> ConnectRemote(const CoordinatorTarget& target, Duration patience);

}  // namespace cromt
