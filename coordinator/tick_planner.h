// Plans the runs of ticks on a thread of its own: planning asks the loop, and a large file takes its time.
#pragma once

#include <functional>
#include <thread>

#include "core/schedules.h"
#include "io/process/mailbox.h"

namespace cromt {

class TickPlanner {
 public:
  // `plan` is called for each tick, one after the other, on the planner's thread.
  explicit TickPlanner(std::function<void(const DueTick&)> plan);
  // Waits for the one that is under way; those behind it are let go of.
  ~TickPlanner();

  // Any thread. Bounded by the projects: each has one tick here at a time.
  void Plan(const DueTick& tick) { inbox_.Post(tick); }

 private:
  void Run();

  const std::function<void(const DueTick&)> plan_;
  Mailbox<DueTick> inbox_;
  std::thread thread_;
};

}  // namespace cromt
