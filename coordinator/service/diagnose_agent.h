// Asks one agent how it stands, for a debug bundle.
#pragma once

#include <string>

#include "base/time.h"
#include "coordinator/service/agent_dialing.h"

namespace cromt {

inline constexpr Duration kDiagnosePatience = seconds(10);
inline constexpr size_t kMostDiagnosisBytes = 12 << 20;

// The JSON that it answers, as it came. Blocks as long as kDiagnosePatience. Any thread.
Result<std::string> DiagnoseAgent(const AgentDialing& dialing, const std::string& address);

}  // namespace cromt
