// Why a task stands where it does, from what the store remembers of it: how it ended, and how it came there. Beside it
// stands what the scheduler says of those that have not ended (core/scheduler_why.cc). Pure.
#pragma once

#include <vector>

#include "core/control.h"

namespace cromt {

// A committed change of a task.
struct TaskTransition {
  uint32_t attempt = 0;
  TaskState state = TaskState::kWaiting;
  std::string reason;
  Wall at;
};

// When a task said something last, and how much it has said.
struct LastOutput {
  Wall at;
  int64_t bytes = 0;
};

// How a task ended, or how it stands; of a run also the tasks that made it end so, those that ended alike together.
WhyLine HowItEnded(const TaskView& task);
WhyLines HowItEnded(const RunView& run);

// Of a running one: its output so far, why no more of it is kept if so, and how long it ran when it succeeded lately.
WhyLine HowItGoes(const std::optional<LastOutput>& last, const std::string& output_waits,
                  const std::vector<Duration>& took, Wall now);

// The attempts before the last one and how each ended, silences of its agent, and how long it was kept waiting: the
// oldest first, at most kMostEarlier lines, the newest. `history` is in order.
inline constexpr size_t kMostEarlier = 50;
WhyLines WhatCameBefore(const TaskView& task, const std::vector<TaskTransition>& history);

}  // namespace cromt
