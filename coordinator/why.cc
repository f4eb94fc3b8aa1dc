#include "coordinator/why.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt {
namespace {

constexpr size_t kMostCauses = 20;              // of a run
constexpr Duration kWorthTelling = seconds(1);  // of waiting

std::string Named(const TaskView& task) {
  return task.host.empty() ? fmt::format("'{}'", task.project) : fmt::format("'{}' on {}", task.project, task.host);
}

std::string At(Wall time) {
  return FormatRfc3339(std::chrono::floor<seconds>(time)).substr(0, 19) + "Z";
}

std::string Rounded(Duration time) {
  return FormatDuration(time < seconds(10) ? std::chrono::floor<milliseconds>(time)
                                           : Duration(std::chrono::floor<seconds>(time)));
}

}  // namespace

WhyLine HowItEnded(const TaskView& task) {
  const TaskStatus& status = task.status;
  std::string text(status.outcome ? ToString(*status.outcome) : ToString(status.state));
  if (status.ignored) text += ", which counts as succeeded";
  if (!status.reason.empty()) text += ": " + status.reason;
  if (status.started_at && status.finished_at && *status.finished_at >= *status.started_at)
    text += fmt::format(" (it ran {})", Rounded(*status.finished_at - *status.started_at));
  return {WhyKind::kEnded, std::move(text)};
}

WhyLines HowItEnded(const RunView& run) {
  std::string text(run.status.outcome ? ToString(*run.status.outcome) : ToString(run.status.state));
  if (!run.status.reason.empty()) text += ": " + run.status.reason;
  WhyLines lines = {{WhyKind::kEnded, std::move(text)}};
  size_t others = 0;
  for (const TaskView& task : run.tasks) {
    const bool is_cause = task.status.failed() || (task.status.outcome && task.status.ignored);
    if (!is_cause) continue;
    if (lines.size() > kMostCauses) {
      ++others;
      continue;
    }
    lines.push_back({WhyKind::kEnded, fmt::format("{}: {}", Named(task), HowItEnded(task).text)});
  }
  if (others > 0) lines.push_back({WhyKind::kEnded, fmt::format("and {} more", others)});
  return lines;
}

WhyLines WhatCameBefore(const TaskView& task, const std::vector<TaskTransition>& history) {
  WhyLines lines;
  std::optional<Wall> ready_at;
  uint32_t last_leased = 0;
  for (const TaskTransition& change : history) {
    const bool is_last = task.status.state != TaskState::kFinished && &change == &history.back();
    if (change.state == TaskState::kLeased || change.state == TaskState::kRunning) {
      if (ready_at && change.at - *ready_at >= kWorthTelling)
        lines.push_back({WhyKind::kWaited, fmt::format("it was ready for {} before an agent got it, at {}",
                                                       Rounded(change.at - *ready_at), At(change.at))});
      ready_at.reset();
      last_leased = change.attempt;
      continue;
    }
    if (change.state == TaskState::kReady || change.state == TaskState::kRetryWait) {
      if (change.state == TaskState::kReady) ready_at = change.at;
      if (change.attempt == 0 || change.attempt != last_leased) continue;
      last_leased = 0;
      lines.push_back(
          {WhyKind::kEarlier,
           change.reason.empty()
               ? fmt::format("attempt {} was given back before it began, at {}", change.attempt, At(change.at))
               : fmt::format("attempt {}: {}, at {}", change.attempt, change.reason, At(change.at))});
      continue;
    }
    if (change.state == TaskState::kUnreachable && !is_last)
      lines.push_back(
          {WhyKind::kEarlier, fmt::format("attempt {}: {}, at {}", change.attempt, change.reason, At(change.at))});
  }
  if (lines.size() > kMostEarlier) lines.erase(lines.begin(), lines.end() - kMostEarlier);
  return lines;
}

}  // namespace cromt
