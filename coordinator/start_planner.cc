#include "coordinator/start_planner.h"

#include <pthread.h>

namespace cromt {

StartPlanner::StartPlanner(std::function<void(const DueStart&)> plan)
    : plan_(std::move(plan)), thread_([this] { Run(); }) {}

StartPlanner::~StartPlanner() {
  inbox_.Close();
  thread_.join();
}

void StartPlanner::Run() {
  ::pthread_setname_np(::pthread_self(), "starts");
  while (!inbox_.closed())
    for (const DueStart& start : inbox_.WaitAndTakeAll(std::nullopt)) {
      if (inbox_.closed()) return;
      plan_(start);
    }
}

}  // namespace cromt
