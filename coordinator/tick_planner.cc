#include "coordinator/tick_planner.h"

#include <pthread.h>

namespace cromt {

TickPlanner::TickPlanner(std::function<void(const DueTick&)> plan)
    : plan_(std::move(plan)), thread_([this] { Run(); }) {}

TickPlanner::~TickPlanner() {
  inbox_.Close();
  thread_.join();
}

void TickPlanner::Run() {
  ::pthread_setname_np(::pthread_self(), "ticks");
  while (!inbox_.closed())
    for (const DueTick& tick : inbox_.WaitAndTakeAll(std::nullopt)) {
      if (inbox_.closed()) return;
      plan_(tick);
    }
}

}  // namespace cromt
