// How full its disk is: what the agent hears of it and says.
#include "agent/agent.h"

namespace cromt {

void Agent::WatchDisk() {
  if (!options_.disk_guard) return;
  disk_ = std::make_unique<DiskWatch>(options_.data_dir, *options_.disk_guard, [this](const DiskWatch::Told& told) {
    agent_input::DiskChanged changed;
    if (told.state == DiskState::kCritical) changed.refusal = told.text;
    if (told.state == DiskState::kWarning) changed.warning = told.text;
    if (!changed.warning.empty()) options_.warn("its disk is nearly full: " + told.text);
    Post(std::move(changed));
  });
}

}  // namespace cromt
