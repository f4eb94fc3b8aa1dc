// `cromt-agent doctor`: looks at all that an agent with these settings needs of its host, beside a running agent or
// before there is one. Changes nothing but for a socket that it binds and closes again. Blocks for milliseconds.
#pragma once

#include <string>

#include "agent/agent.h"
#include "agent/doctor/finding.h"

namespace cromt::doctor {

// `listen` is the address that the agent is to serve.
Findings Examine(const AgentOptions& options, const std::string& listen);

}  // namespace cromt::doctor
