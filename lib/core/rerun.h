// Starts an earlier run's tasks again without doing again what has succeeded.
#pragma once

#include <vector>

#include "core/scheduler.h"

namespace cromt {

// Where the tasks of the new run stand at its beginning (StartRun), one per task of the plan.
struct TakenOver {
  std::vector<TaskStatus> tasks;
  std::vector<ArtifactsPublished> artifacts;
  std::vector<ImageRan> images;
  size_t again = 0;  // tasks that may run; 0 = there is no reason for another run
};

// Taken over is a task that has succeeded, unless something that it waited for runs again, or it ran because of how the
// earlier run went (an `after` with another `when` than success). REQUIRES: `earlier` has finished.
TakenOver TakeOver(const StoredRun& earlier, const RunId& run);

}  // namespace cromt
