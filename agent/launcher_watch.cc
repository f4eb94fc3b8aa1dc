#include "agent/launcher_watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt {

void LauncherWatch::Connected(uint32_t pid, Mono now) {
  pid_ = pid;
  hello_ = now + kPatience;
}

void LauncherWatch::Heard(const QueueEvent& event) {
  if (const auto* started = std::get_if<queue_event::LauncherStarted>(&event)) {
    starts_.erase(started->ticket);
  } else if (const auto* ended = std::get_if<queue_event::LauncherEnded>(&event)) {
    starts_.erase(ended->ticket);
    stops_.erase(ended->ticket);
  } else if (std::holds_alternative<queue_event::LauncherUp>(event) ||
             std::holds_alternative<queue_event::LauncherDown>(event)) {
    // What was asked over an earlier connection is answered by what it knows, or never.
    hello_.reset();
    starts_.clear();
    stops_.clear();
  }
}

void LauncherWatch::Look(Mono now) {
  const auto due = EarliestDue();
  if (!due || *due > now) return silence_.clear();
  const std::string process = pid_ == 0 ? "" : fmt::format(" (process {})", pid_);
  silence_ = fmt::format(
      "the launcher{} has not answered for more than {}: it is stopped or hangs, and what it was asked waits", process,
      FormatDuration(kPatience));
}

std::optional<Mono> LauncherWatch::EarliestDue() const {
  auto due = hello_;
  for (const auto* orders : {&starts_, &stops_})
    for (const auto& [ticket, at] : *orders) due = due ? std::min(*due, at) : at;
  return due;
}

}  // namespace cromt
