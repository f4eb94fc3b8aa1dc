// Log batches as messages of agent.proto and back.
#pragma once

#include "agent/log_feed.h"
#include "base/result.h"
#include "cromt/v1/agent.pb.h"

namespace cromt {

void ToProto(LogChunk chunk, v1::LogChunk& message);

}  // namespace cromt
