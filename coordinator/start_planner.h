// Plans the runs that start by themselves on a thread of its own: planning asks the loop, and a large file takes its
// time.
#pragma once

#include <functional>
#include <thread>
#include <variant>

#include "core/schedules.h"
#include "core/triggers.h"
#include "io/process/mailbox.h"

namespace cromt {

using DueStart = std::variant<DueTick, DuePush>;

class StartPlanner {
 public:
  // `plan` is called for each, one after the other, on the planner's thread.
  explicit StartPlanner(std::function<void(const DueStart&)> plan);
  // Waits for the one that is under way; those behind it are let go of.
  ~StartPlanner();

  // Any thread. Bounded by the projects: each has one tick and one push here at a time.
  void Plan(DueStart start) { inbox_.Post(std::move(start)); }

 private:
  void Run();

  const std::function<void(const DueStart&)> plan_;
  Mailbox<DueStart> inbox_;
  std::thread thread_;
};

}  // namespace cromt
