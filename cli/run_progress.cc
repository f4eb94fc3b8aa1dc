#include "cli/run_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "cli/clean_text.h"
#include "cli/describe.h"

namespace cromt::cli {
namespace {

constexpr size_t kMaxFailuresNamed = 10;

bool HasStarted(const TaskStatus& status) {
  return status.state == TaskState::kRunning || status.state == TaskState::kPublishing;
}

std::string HostsText(const std::vector<TaskView>& tasks) {
  std::set<std::string_view> hosts;
  for (const TaskView& task : tasks) hosts.insert(task.host);
  if (hosts.size() == 1) return "on " + Clean(*hosts.begin());
  return "on " + Count(hosts.size(), "host");
}

}  // namespace

void RunProgress::Update(const RunUpdate& update) {
  if (options_.also) options_.also(update);
  const bool first = !begun();
  if (first && update.run) Introduce(*update.run, update.tasks);
  if (update.run) status_ = update.run->status;
  if (!begun()) return;
  for (const TaskView& task : update.tasks) TellTask(task);
  if (update.run && !first) TellFetching();  // most are fetched before there is a second
}

// It changes every second: said less and less often.
void RunProgress::TellFetching() {
  if (status_->state != RunState::kQueued || status_->reason.empty() || !options_.each_task || !options_.starts) return;
  ++fetching_updates_;
  if (std::has_single_bit(fetching_updates_)) messages_.Say(Clean(status_->reason));
}

void RunProgress::Introduce(const RunView& run, const std::vector<TaskView>& tasks) {
  run_ = run.header.id.text();
  told_.resize(tasks.size());
  log_.SetTasks(tasks);
  if (options_.each_task)
    messages_.Say(fmt::format("run {} of {}: {} {}", messages_.palette().Bold(run_), Clean(run.header.project),
                              Count(tasks.size(), "task"), HostsText(tasks)));
}

void RunProgress::TellTask(const TaskView& task) {
  if (task.index >= told_.size()) return;
  Told& told = told_[task.index];
  if (told.finished) return TellNoLongerIgnored(task, told);
  if (HasStarted(task.status)) TellStart(task, told);
  TellWait(task, told);
  const bool unreachable = task.status.state == TaskState::kUnreachable;
  if (unreachable && !told.unreachable && options_.each_task)
    messages_.Say(TaskLabel(task) + " is unreachable: " + Clean(task.status.reason));
  told.unreachable = unreachable;
  if (task.status.state == TaskState::kFinished && task.status.outcome) {
    told.finished = true;
    told.ignored = task.status.ignored;
    TellEnd(task);
  }
}

// More of its project have failed since than may.
void RunProgress::TellNoLongerIgnored(const TaskView& task, Told& told) {
  if (!told.ignored || task.status.ignored || !task.status.outcome) return;
  told.ignored = false;
  --ignored_;
  ++ended_.at(static_cast<size_t>(*task.status.outcome));
  if (task.status.failed() && failures_.size() < kMaxFailuresNamed) failures_.push_back({task.index, EndLine(task)});
}

void RunProgress::TellStart(const TaskView& task, Told& told) {
  if (told.started_attempt >= task.status.attempt || !options_.each_task) return;
  if (!options_.starts) return;
  told.started_attempt = task.status.attempt;
  const std::string attempt = task.status.attempt > 1 ? fmt::format(" (attempt {})", task.status.attempt) : "";
  messages_.Say(TaskLabel(task) + " started" + attempt);
}

// Once: why it waits for its host.
void RunProgress::TellWait(const TaskView& task, Told& told) {
  if (task.status.state != TaskState::kReady || task.status.reason.empty()) return;
  if (!std::exchange(told.waits, true) && options_.each_task && options_.starts)
    messages_.Say(TaskLabel(task) + " waits: " + Clean(task.status.reason));
}

void RunProgress::TellEnd(const TaskView& task) {
  const TaskOutcome outcome = *task.status.outcome;
  ++(task.status.ignored ? ignored_ : ended_.at(static_cast<size_t>(outcome)));
  const std::string line = EndLine(task);
  if (task.status.failed() && failures_.size() < kMaxFailuresNamed) failures_.push_back({task.index, line});
  // Its output stands above the line that says that it ended.
  log_.TaskEnded(task.index, task.status, [this, line] {
    if (options_.each_task) messages_.Say(line);
  });
}

std::string RunProgress::EndLine(const TaskView& task) const {
  const TaskStatus& status = task.status;
  std::string line = TaskLabel(task) + " " + messages_.palette().Word(Standing(status));
  if (status.started_at && status.finished_at)
    line += " in " + Took(status.started_at, status.finished_at, *status.finished_at);
  if (const std::string why = WhyEnded(status); !why.empty()) line += ": " + why;
  return line;
}

// "3 tasks", or what became of them where they did not all succeed: "1 failed, 2 succeeded of 3 tasks".
std::string RunProgress::CountsText() const {
  const size_t succeeded = ended_[static_cast<size_t>(TaskOutcome::kSucceeded)];
  const std::string all = Count(told_.size(), "task");
  if (succeeded == told_.size()) return all;
  std::string counts = ignored_ > 0 ? fmt::format("{} ignored", ignored_) : "";
  for (TaskOutcome outcome : {TaskOutcome::kFailed, TaskOutcome::kTimedOut, TaskOutcome::kLost, TaskOutcome::kCanceled,
                              TaskOutcome::kSkipped, TaskOutcome::kStoppedEarly, TaskOutcome::kSucceeded})
    if (const size_t number = ended_[static_cast<size_t>(outcome)]; number > 0)
      counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", number, ToString(outcome));
  return counts.empty() ? all : fmt::format("{} of {}", counts, all);
}

void RunProgress::Summarize() {
  const RunStatus& status = *status_;
  const std::string took = Took(status.started_at, status.finished_at, status.finished_at.value_or(Wall()));
  std::string text = fmt::format("run {} {}: {}{}", run_, messages_.palette().Word(Standing(status)), CountsText(),
                                 took.empty() ? "" : " in " + took);
  if (!status.reason.empty()) text += "; " + Clean(status.reason);
  for (const Failure& failure : failures_) {
    text += "\n  " + failure.text;
    text +=
        fmt::format("; its output: cromt logs {} {}{}", run_, failure.task + 1, options_.is_local ? " --local" : "");
  }
  size_t failed = 0;
  for (TaskOutcome outcome : {TaskOutcome::kFailed, TaskOutcome::kTimedOut, TaskOutcome::kLost})
    failed += ended_[static_cast<size_t>(outcome)];
  if (failed > failures_.size())
    text += fmt::format("\n  … and {} more; all of them: cromt show {}{}", failed - failures_.size(), run_,
                        options_.is_local ? " --local" : "");
  messages_.Say(text);
}

}  // namespace cromt::cli
