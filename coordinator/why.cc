#include "coordinator/why.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/size.h"

namespace cromt {
namespace {

constexpr size_t kMostCauses = 20;              // of a run
constexpr size_t kMostNamed = 5;                // of those that ended alike
constexpr Duration kWorthTelling = seconds(1);  // of waiting

std::string Named(const TaskView& task) {
  return task.host.empty() ? fmt::format("'{}'", task.project) : fmt::format("'{}' on {}", task.project, task.host);
}

PlannedHost HostOf(const TaskView& task) {
  return {task.host, task.address};
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
  std::string text = EndText(status);
  if (status.started_at && status.finished_at && *status.finished_at >= *status.started_at)
    text += fmt::format(" (it ran {})", Rounded(*status.finished_at - *status.started_at));
  return {WhyKind::kEnded, CutWhy(std::move(text))};
}

WhyLines HowItEnded(const RunView& run) {
  std::string text(run.status.outcome ? ToString(*run.status.outcome) : ToString(run.status.state));
  std::replace(text.begin(), text.end(), '_', ' ');
  if (!run.status.reason.empty()) text += ": " + run.status.reason;
  WhyLines lines = {{WhyKind::kEnded, CutWhy(std::move(text))}};
  // Those that ended alike are told once.
  std::map<std::tuple<TaskOutcome, bool, std::string>, std::vector<const TaskView*>> alike;
  for (const TaskView& task : run.tasks)
    if (const TaskStatus& status = task.status; status.failed() || (status.outcome && status.ignored))
      alike[{*status.outcome, status.ignored, WithoutHost(status.reason, HostOf(task))}].push_back(&task);
  std::vector<const std::vector<const TaskView*>*> causes;
  for (const auto& [end, tasks] : alike) causes.push_back(&tasks);
  std::sort(causes.begin(), causes.end(), [](const auto* a, const auto* b) {
    return a->size() != b->size() ? a->size() > b->size() : a->front() < b->front();
  });
  size_t others = 0;
  for (const auto* tasks : causes) {
    if (lines.size() > kMostCauses) {
      others += tasks->size();
      continue;
    }
    std::string names;
    for (size_t i = 0; i < std::min(tasks->size(), kMostNamed); ++i)
      names += (i == 0 ? "" : ", ") + Named(*(*tasks)[i]);
    if (tasks->size() > kMostNamed) names += fmt::format(" and {} more", tasks->size() - kMostNamed);
    const TaskView& first = *tasks->front();
    ToldHosts hosts;
    for (const TaskView* task : *tasks) hosts.Add(HostOf(*task));
    std::string end = tasks->size() == 1 ? HowItEnded(first).text : hosts.Tell(EndText(first.status), HostOf(first));
    lines.push_back({WhyKind::kEnded, CutWhy(fmt::format("{}: {}", names, end))});
  }
  if (others > 0) lines.push_back({WhyKind::kEnded, fmt::format("and {} more, for other reasons", others)});
  return lines;
}

WhyLines WhatCameBefore(const TaskView& task, const std::vector<TaskTransition>& history) {
  WhyLines lines;
  std::optional<Wall> ready_at, leased_at;
  uint32_t last_leased = 0;
  for (const TaskTransition& change : history) {
    const bool is_last = task.status.state != TaskState::kFinished && &change == &history.back();
    if (change.state == TaskState::kLeased || change.state == TaskState::kRunning) {
      if (ready_at && change.at - *ready_at >= kWorthTelling)
        lines.push_back({WhyKind::kWaited, fmt::format("it was ready for {} before an agent got it, at {}",
                                                       Rounded(change.at - *ready_at), At(change.at))});
      ready_at.reset();
      if (change.state == TaskState::kLeased) leased_at = change.at;
      if (change.state == TaskState::kRunning && leased_at) {
        if (change.at - *leased_at >= kWorthTelling)
          lines.push_back(
              {WhyKind::kWaited,
               fmt::format("its agent had it for {} before it began, at {}: others were before it there, or "
                           "its files were prepared",
                           Rounded(change.at - *leased_at), At(change.at))});
        leased_at.reset();
      }
      last_leased = change.attempt;
      continue;
    }
    if (change.state == TaskState::kReady || change.state == TaskState::kRetryWait) {
      if (change.state == TaskState::kReady) ready_at = change.at;
      if (change.attempt == 0 || change.attempt != last_leased) continue;
      last_leased = 0;
      lines.push_back({WhyKind::kEarlier,
                       CutWhy(fmt::format("attempt {}: {}, at {}", change.attempt,
                                          change.reason.empty() ? "given back" : change.reason, At(change.at)))});
      continue;
    }
    if (change.state == TaskState::kUnreachable && !is_last)
      lines.push_back({WhyKind::kEarlier,
                       CutWhy(fmt::format("attempt {}: {}, at {}", change.attempt, change.reason, At(change.at)))});
  }
  if (lines.size() > kMostEarlier) lines.erase(lines.begin(), lines.end() - kMostEarlier);
  return lines;
}

WhyLine HowItGoes(const std::optional<LastOutput>& last, const std::string& output_waits,
                  const std::vector<Duration>& took, Wall now) {
  std::string text = "nothing that it said has come here";
  if (last)
    text = fmt::format("it said something {} ago, {} in all", Rounded(std::max(Duration(0), now - last->at)),
                       FormatSize(last->bytes));
  if (!output_waits.empty()) text += "; what it says waits: " + output_waits;
  if (!took.empty()) {
    const auto [shortest, longest] = std::minmax_element(took.begin(), took.end());
    text += fmt::format("; when it succeeded before, with the same job file, it ran {}", Rounded(*shortest));
    if (took.size() > 1) text += fmt::format(" to {} ({} times)", Rounded(*longest), took.size());
  }
  return {WhyKind::kOutput, std::move(text)};
}

}  // namespace cromt
