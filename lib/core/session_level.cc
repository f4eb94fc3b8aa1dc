#include "core/session_level.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt {
namespace {

std::string Spoken(const SessionLevels& levels) {
  if (levels.oldest == levels.newest) return fmt::format("{}", levels.newest);
  return fmt::format("{} to {}", levels.oldest, levels.newest);
}

}  // namespace

Result<uint32_t> CommonLevel(const SessionLevels& coordinator, const SessionLevels& agent) {
  const uint32_t common = std::min(coordinator.newest, agent.newest);
  if (common >= std::max(coordinator.oldest, agent.oldest)) return common;
  return Fail(
      ErrorCode::kInvalid,
      fmt::format("the coordinator speaks session protocol {}, the agent {}: upgrade the {}", Spoken(coordinator),
                  Spoken(agent), coordinator.newest < agent.newest ? "coordinator" : "agent"));
}

}  // namespace cromt
