// What the store says at the end, compared with what really happened.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/ledger.h"

namespace cromt::sim {
namespace {

bool IsBad(const TaskStatus& status) {
  const TaskOutcome outcome = status.outcome.value_or(TaskOutcome::kSucceeded);
  return outcome == TaskOutcome::kFailed || outcome == TaskOutcome::kTimedOut || outcome == TaskOutcome::kLost;
}

}  // namespace

void Ledger::CheckFinal(const std::vector<RunView>& runs) {
  std::map<RequestId, RunId> made;
  std::set<RunId> stored, in_time;
  std::set<AttemptId> canceled;
  for (const RunView& run : runs) {
    stored.insert(run.header.id);
    if (!run.status.timed_out && !IsShaken(run.header.id)) in_time.insert(run.header.id);
    if (auto [first, is_new] = made.emplace(run.header.request, run.header.id); !is_new)
      Violation(fmt::format("invariant 1: request {} made two runs, {} and {}", run.header.request.text(),
                            first->second.text(), run.header.id.text()));
    CheckRun(run);
    for (const TaskView& task : run.tasks)
      if (task.status.outcome == TaskOutcome::kCanceled)
        canceled.insert({run.header.id, task.index, task.status.attempt});
  }
  CheckEnds(in_time, canceled);
  for (const auto& [request, run] : acknowledged_)
    if (!stored.contains(run))
      Violation("invariant 1: run " + run.text() + " was acknowledged and is not in the store");
  for (const ProcessRecord& process : processes_) {
    if (!process.result) Violation("the process of " + ToString(process.id) + " never ended");
    if (!jobs_.contains(process.id.run) && !stored.contains(process.id.run) && !IsShaken(process.id.run))
      Violation("a process ran for " + ToString(process.id) + ", whose run is not in the store");
  }
}

// A process ends by itself, by its time limit or its run's, because somebody wished that, or with its machine or
// launcher: not because a program starts again, and not with the store. What only a second coordinator has leased the
// first stops, which is the end of no task. `in_time`: runs that ended before their limit; `canceled`: the last
// attempts of tasks that were.
void Ledger::CheckEnds(const std::set<RunId>& in_time, const std::set<AttemptId>& canceled) {
  for (const ProcessRecord& process : processes_) {
    const auto found = wishes_.find(process.id.run);
    if (found == wishes_.end() || !process.result) continue;
    const Wish& wish = found->second;
    const Task task(process.id.run, process.id.task);
    const bool too_long = wish.plan->run_timeout && !in_time.contains(process.id.run);
    const bool wished = wish.cancels_offered > 0 || wish.task_cancels.contains(task.second) || too_long ||
                        stopped_by_second_.contains(task) || unproven_.contains(process.id) ||
                        (IsLeasedBySecond(process.id) && !canceled.contains(process.id));
    std::string wrong;
    switch (process.result->kind) {
      case AttemptResult::Kind::kStopped:
        if (!wished && !MayBeLost(wish, task.second, process.host)) wrong = "stopped, which nobody wished";
        break;
      case AttemptResult::Kind::kTimedOut:
        if (!wish.plan->spec(task.second).timeout) wrong = "ended for its time limit, and has none";
        break;
      case AttemptResult::Kind::kLost:
        if (!may_lose_.contains(process.host)) wrong = "ended with its host, which was there all the time";
        break;
      default: break;
    }
    if (!wrong.empty()) Violation(fmt::format("invariant 8: {} was {}", ToString(process.id), wrong));
  }
}

// What became of it in the part that is gone is not known, and it may have been done again since. What had ended before
// is as it was, and of what began after the recovery the store tells what happened.
bool Ledger::MayDiffer(const RunId& run, const TaskView& task) const {
  if (leased_by_second_.contains({run, task.index})) return true;
  if (!IsShaken(run)) return false;
  if (kept_.contains({run, task.index})) return true;
  const TaskStatus* copied = InCopy(run, task.index);
  if (copied && copied->state == TaskState::kFinished) return false;
  auto found = by_task_.find({run, task.index});
  if (found == by_task_.end()) return true;
  return found->second.back() < before_back_ || leased_before_back_.contains(processes_[found->second.back()].id);
}

void Ledger::CheckRun(const RunView& run) {
  auto violation = [&](const std::string& what) { Violation("run " + run.header.id.text() + " " + what); };
  auto wish = wishes_.find(run.header.id);
  if (wish == wishes_.end()) return violation("was never asked for");
  if (run.tasks.size() != wish->second.plan->tasks.size())
    return violation("has another number of tasks than its plan");
  if (run.status.state != RunState::kFinished || !run.status.outcome)
    return violation("never finished: invariants 1 and 4");
  bool failed = sources_failed_.contains(run.header.id) && run.status.outcome == RunOutcome::kFailed;
  std::map<InstanceIndex, uint32_t> failures;
  for (const TaskView& task : run.tasks) failures[task.instance] += IsBad(task.status);
  for (const TaskView& task : run.tasks) {
    CheckTask(wish->second, run, task);
    const bool bad = IsBad(task.status);
    const PlannedInstance& planned = wish->second.plan->instances[task.instance];
    const bool ignores = planned.ignore_failure || failures[task.instance] <= planned.max_failures;
    const bool may_skip =
        task.status.outcome == TaskOutcome::kSkipped && wish->second.plan->spec(task.index).silence.skip_unreachable;
    if (task.status.ignored != (bad && ignores) && !may_skip)
      violation(fmt::format("has task {}, which is {}ignored", task.index + 1, task.status.ignored ? "" : "not "));
    failed |= bad && !ignores;
  }
  RunOutcome expected = failed ? RunOutcome::kFailed : RunOutcome::kSucceeded;
  bool canceled = run.status.outcome == RunOutcome::kCanceled;
  const bool timed_out = run.status.outcome == RunOutcome::kTimedOut;
  if (timed_out != run.status.timed_out) violation("does not end as its time limit says");
  if (timed_out && !wish->second.plan->run_timeout) violation("timed out and has no limit");
  if (timed_out) return;
  if (canceled_.contains(run.header.id) && !canceled)
    violation(fmt::format("was canceled, acknowledged, and ended as {}", ToString(*run.status.outcome)));
  if (canceled && wish->second.cancels_offered == 0) violation("is canceled and nobody wished that");
  if (!canceled && run.status.outcome != expected)
    violation(fmt::format("ended as {}; its tasks say {}", ToString(*run.status.outcome), ToString(expected)));
}

void Ledger::CheckTask(const Wish& wish, const RunView& run, const TaskView& task) {
  if (auto taken = wish.taken_over.find(task.index); taken != wish.taken_over.end()) {
    if (task.status.outcome != taken->second.outcome || by_task_.contains({run.header.id, task.index}))
      Violation(fmt::format("{}/{} was taken over and did not stay so", run.header.id.text(), task.index + 1));
    return;
  }
  auto found = by_task_.find({run.header.id, task.index});
  const ProcessRecord* process = found == by_task_.end() ? nullptr : &processes_[found->second.back()];
  const TaskStatus* copied = IsShaken(run.header.id) ? InCopy(run.header.id, task.index) : nullptr;
  if (copied && copied->state == TaskState::kFinished && copied->outcome != task.status.outcome)
    Violation(
        fmt::format("{}/{} has another outcome than when the store was copied", run.header.id.text(), task.index + 1));
  if (MayDiffer(run.header.id, task)) return;
  std::string wrong = WhyWrong(wish, run, task, process);
  if (wrong.empty()) return;
  Violation(fmt::format("invariant 2: {}/{} is {} at attempt {} ({}): {}", run.header.id.text(), task.index + 1,
                        task.status.outcome ? ToString(*task.status.outcome) : "unfinished", task.status.attempt,
                        task.status.reason, wrong));
}

std::string Ledger::WhyWrong(const Wish& wish, const RunView& run, const TaskView& task,
                             const ProcessRecord* process) const {
  const TaskStatus& status = task.status;
  if (status.state != TaskState::kFinished || !status.outcome) return "its run has finished and it has not";
  AttemptId current{run.header.id, task.index, status.attempt};
  const TaskSpec& spec = wish.plan->spec(task.index);
  const bool tried_again = spec.retry.retries > 0 || spec.silence.retry_lost;
  // After an attempt that did there may be one that began no process, or the task may have been ended while it waited.
  const bool was_lost = spec.silence.retry_lost && process && MayBeLost(wish, task.index, process->host);
  const bool waited_again = tried_again && process && process->result && !status.exit &&
                            (was_lost || Meaning(spec.exit_policy, *process->result) != TaskOutcome::kSucceeded);
  const bool none_of_last = waited_again || (tried_again && process && process->id.attempt < status.attempt);
  if (process && process->id != current && *status.outcome != TaskOutcome::kLost && !none_of_last)
    return "the process was that of " + ToString(process->id);
  const bool second_timed_out = wish.plan->run_timeout && stopped_by_second_.contains({run.header.id, task.index});
  bool cancel_wished =
      wish.cancels_offered > 0 || wish.task_cancels.contains(task.index) || run.status.timed_out || second_timed_out;
  if (std::string wrong = WhyNoCleanUp(wish, run, task); !wrong.empty() && !IsShaken(run.header.id)) return wrong;
  size_t host = process ? process->host : hosts_.at(wish.plan->host(task.index).address);
  switch (*status.outcome) {
    case TaskOutcome::kLost:
      if (went_back_ && status.reason == "lost: store restored") return "";
      return MayBeLost(wish, task.index, host) ? "" : "its host has lost nothing";
    case TaskOutcome::kCanceled:
      if (!cancel_wished) return "nobody wished that";
      if (!spec.publishes.empty()) return "";  // also while it was publishing, when its process had ended
      break;
    case TaskOutcome::kFailed:
      if (status.reason.starts_with(kFilesRefused)) return "its agent had it";
      if (process && !none_of_last) break;
      return MayNotHaveStarted(wish, run.header.id, task.index) ? "" : "its host was there all the time";
    case TaskOutcome::kSkipped: return process && !(tried_again && status.ignored) ? "its process ran" : "";
    default:
      if (!process) return "no process of it ever ran";
  }
  if (none_of_last && *status.outcome != TaskOutcome::kCanceled) return "its last attempt began no process";
  if (none_of_last || !process || !process->result) return "";
  TaskOutcome truth = Meaning(wish.plan->spec(task.index).exit_policy, *process->result);
  if (truth != *status.outcome) return fmt::format("its process says {}", ToString(truth));
  if (status.exit != process->result->status) return "it has not the exit status of its process";
  return "";
}

}  // namespace cromt::sim
