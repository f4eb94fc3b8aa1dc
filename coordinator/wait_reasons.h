// Why ready tasks wait: that nobody answers at their host's address is no state of theirs that is stored, but what the
// scheduler knows of its agents. Told with a run to whoever looks at it. One follower, one thread.
#pragma once

#include <map>
#include <vector>

#include "core/control.h"

namespace cromt {

class WaitReasons {
 public:
  // These tasks now stand so.
  void Learn(const std::vector<TaskView>& tasks);
  // Some task is ready, so that asking for the agents is worth it.
  bool any() const { return !ready_.empty(); }
  // The ready tasks whose reason is another than was told last, with it: "hostB can't be reached: Connection refused";
  // their own again (of a task that is tried again) where the agent is up. Who became ready within the last second
  // waits for nothing yet.
  std::vector<TaskView> Changes(const std::vector<AgentView>& agents, Wall now);

 private:
  std::map<TaskIndex, TaskView> ready_;
  std::map<TaskIndex, std::string> told_;  // those that were told our reason, with their own
};

}  // namespace cromt
