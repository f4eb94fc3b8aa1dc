// Invariant 3: what may start when. By what processes did, not by what the coordinator says of them; where that can
// know less than the ledger (a host lost what it had to tell), either is possible.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/ledger.h"

namespace cromt::sim {
namespace {

std::optional<InstanceIndex> ParentOf(const Plan& plan, InstanceIndex instance) {
  for (InstanceIndex parent = 0; parent < plan.instances.size(); ++parent)
    if (std::ranges::count(plan.instances[parent].after, instance) > 0) return parent;
  return std::nullopt;
}

// It, or something that it comes after, runs whether or not its parent succeeded.
bool IsCleanUp(const Plan& plan, InstanceIndex instance) {
  for (std::optional<InstanceIndex> i = instance; i; i = ParentOf(plan, *i))
    if (plan.instances[*i].when != When::kSuccess) return true;
  return false;
}

}  // namespace

TaskOutcome Meaning(const ExitPolicy& policy, const AttemptResult& result) {
  switch (result.kind) {
    case AttemptResult::Kind::kStopped: return TaskOutcome::kCanceled;
    case AttemptResult::Kind::kTimedOut: return TaskOutcome::kTimedOut;
    case AttemptResult::Kind::kLost: return TaskOutcome::kLost;
    case AttemptResult::Kind::kNotStarted:
    case AttemptResult::Kind::kNotPublished: return TaskOutcome::kFailed;
    case AttemptResult::Kind::kExited: break;
  }
  const auto* exited = std::get_if<Exited>(&*result.status);
  auto holds = [&](const std::vector<int>& codes) {
    return exited && std::count(codes.begin(), codes.end(), exited->code) > 0;
  };
  if (holds(policy.stop)) return TaskOutcome::kStoppedEarly;
  return holds(policy.success) ? TaskOutcome::kSucceeded : TaskOutcome::kFailed;
}

// It can have failed without a process.
bool Ledger::MayNotHaveStarted(const Wish& wish, const RunId& run, TaskIndex task) const {
  const size_t host = hosts_.at(wish.plan->host(task).address);
  const bool impatient = wish.plan->spec(task).silence.unreachable < SilencePolicy{}.unreachable;
  return MayLackInput(wish, run, task) || away_.contains(host) || may_lose_.contains(host) ||
         (impatient && troubled_.contains(host)) ||
         std::ranges::any_of(could_not_start_, [&](const AttemptId& id) { return id.run == run && id.task == task; });
}

Ledger::Possible Ledger::TaskEnded(const Wish& wish, const RunId& run, TaskIndex task) const {
  if (auto taken = wish.taken_over.find(task); taken != wish.taken_over.end()) {
    const bool early = taken->second.outcome == TaskOutcome::kStoppedEarly;
    return {.well = !early, .early = early};
  }
  if (leased_by_second_.contains({run, task})) return {.well = true, .early = true, .badly = true};
  const InstanceIndex instance = wish.plan->tasks[task].instance;
  const PlannedInstance& planned = wish.plan->instances[instance];
  const bool ignores = planned.ignore_failure;
  // As long as no more of its tasks fail; nobody here knows how many will.
  const bool may_ignore = ignores || planned.max_failures > 0;
  const bool skips = wish.plan->spec(task).silence.skip_unreachable;
  auto found = by_task_.find({run, task});
  if (found == by_task_.end())
    return {.well = MayBeUnwanted(wish, run, instance) || ((may_ignore || skips) && MayNotHaveStarted(wish, run, task)),
            .early = true,
            .badly = true};
  const ProcessRecord& last = processes_[found->second.back()];
  const bool may_be_lost = MayBeLost(wish, task, last.host);
  if (!last.result) return {.well = may_be_lost && (may_ignore || skips), .badly = may_be_lost};
  const TaskOutcome truth = Meaning(wish.plan->spec(task).exit_policy, *last.result);
  const bool succeeded = truth == TaskOutcome::kSucceeded, early = truth == TaskOutcome::kStoppedEarly;
  const bool failed = !succeeded && !early && truth != TaskOutcome::kCanceled;
  // Before its next try, or while it published.
  const TaskSpec& spec = wish.plan->spec(task);
  const bool more_to_do = failed ? spec.retry.retries > 0 : !spec.publishes.empty();
  const bool may_be_stopped =
      more_to_do && (wish.cancels_offered > 0 || wish.task_cancels.contains(task) || wish.plan->run_timeout);
  return {.well = succeeded || (may_ignore && (failed || may_be_lost)) || (skips && may_be_lost),
          .early = early,
          .badly = (!succeeded && !early && !(failed && ignores)) || may_be_lost || may_be_stopped};
}

Ledger::Possible Ledger::TasksEnded(const Wish& wish, const RunId& run, InstanceIndex instance) const {
  const PlannedInstance& planned = wish.plan->instances[instance];
  if (planned.task_count == 0) {  // a gate ends as what it waited for
    const std::optional<InstanceIndex> parent = ParentOf(*wish.plan, instance);
    std::set<InstanceIndex> seen;
    const bool needs = NeedsEndedWell(wish, run, instance, seen);
    const bool waits = parent || !planned.needs.empty();
    bool started = true;
    if (parent && planned.when == When::kSuccess) started = TasksEnded(wish, run, *parent).well;
    return {.well = (needs && started) || MayBeUnwanted(wish, run, instance), .early = waits, .badly = waits};
  }
  Possible all{.well = true};
  bool none_badly = true;
  for (TaskIndex t = planned.first_task; t < planned.first_task + planned.task_count; ++t) {
    const Possible one = TaskEnded(wish, run, t);
    if (!one.well && !one.early && !one.badly) return {};
    all.well &= one.well;
    all.early |= one.early;
    all.badly |= one.badly;
    none_badly &= one.well || one.early;
  }
  all.early &= none_badly;
  return all;
}

bool Ledger::MayBeUnwanted(const Wish& wish, const RunId& run, InstanceIndex instance) const {
  const std::optional<InstanceIndex> parent = ParentOf(*wish.plan, instance);
  if (!parent) return false;
  if (MayBeUnwanted(wish, run, *parent)) return true;
  if (wish.plan->instances[instance].when != When::kFailure) return false;
  const Possible ended = TasksEnded(wish, run, *parent);
  return ended.well || ended.early;
}

bool Ledger::MayBeWanted(const Wish& wish, const RunId& run, InstanceIndex instance) const {
  const std::optional<InstanceIndex> parent = ParentOf(*wish.plan, instance);
  if (!parent) return true;
  const bool fits = wish.plan->instances[instance].when != When::kFailure || TasksEnded(wish, run, *parent).badly;
  return fits && MayBeWanted(wish, run, *parent);
}

bool Ledger::NeedsEndedWell(const Wish& wish, const RunId& run, InstanceIndex instance,
                            std::set<InstanceIndex>& seen) const {
  return std::ranges::all_of(wish.plan->instances[instance].needs,
                             [&](InstanceIndex need) { return EndedWell(wish, run, need, seen); });
}

// Whether its tasks and what comes after it ended as those who need it ask.
bool Ledger::EndedWell(const Wish& wish, const RunId& run, InstanceIndex instance,
                       std::set<InstanceIndex>& seen) const {
  if (!seen.insert(instance).second) return true;
  return TasksEnded(wish, run, instance).well &&
         std::ranges::all_of(wish.plan->instances[instance].after,
                             [&](InstanceIndex child) { return EndedWell(wish, run, child, seen); });
}

bool Ledger::CertainlyEndedWell(const Wish& wish, const RunId& run, InstanceIndex instance,
                                std::set<InstanceIndex>& seen) const {
  if (!seen.insert(instance).second) return true;
  const Possible ended = TasksEnded(wish, run, instance);
  return ended.well && !ended.early && !ended.badly &&
         std::ranges::all_of(wish.plan->instances[instance].after,
                             [&](InstanceIndex child) { return CertainlyEndedWell(wish, run, child, seen); });
}

void Ledger::CheckOrder(const Wish& wish, const AttemptId& id) {
  const Plan& plan = *wish.plan;
  const InstanceIndex mine = plan.tasks[id.task].instance;
  auto violation = [&](std::string_view what, InstanceIndex other) {
    Violation(fmt::format("invariant 3: {} was started {} {}", ToString(id), what, plan.instances[other].project));
  };
  for (InstanceIndex need : plan.instances[mine].needs) {
    std::set<InstanceIndex> seen;
    if (!EndedWell(wish, id.run, need, seen)) violation("without a good end of", need);
  }
  if (const std::optional<InstanceIndex> parent = ParentOf(plan, mine)) {
    const Possible ended = TasksEnded(wish, id.run, *parent);
    const When when = plan.instances[mine].when;
    const bool over = ended.well || ended.early || ended.badly;
    if (!over || (when == When::kSuccess && !ended.well)) violation("without such an end of", *parent);
    if (!MayBeWanted(wish, id.run, mine)) violation("though nothing went wrong with", *parent);
  }
  auto has_started = [&](InstanceIndex i) {
    for (TaskIndex t = plan.instances[i].first_task; t < plan.instances[i].first_task + plan.instances[i].task_count;
         ++t)
      if (by_task_.contains({id.run, t}) && !leased_by_second_.contains({id.run, t})) return true;
    return false;
  };
  for (InstanceIndex i = 0; i < plan.instances.size(); ++i)
    if (std::ranges::count(plan.instances[i].needs, mine) > 0 && has_started(i)) violation("after", i);
  for (InstanceIndex child : plan.instances[mine].after)
    if (has_started(child)) violation("after", child);
}

// At the end: a clean-up without a process must have had a reason.
std::string Ledger::WhyNoCleanUp(const Wish& wish, const RunView& run, const TaskView& task) const {
  const RunId& id = run.header.id;
  const InstanceIndex instance = wish.plan->tasks[task.index].instance;
  if (!IsCleanUp(*wish.plan, instance) || by_task_.contains({id, task.index})) return "";
  if (task.status.outcome == TaskOutcome::kCanceled) {
    const bool wished = wish.cancels_offered + run.status.timed_out > 1 || wish.task_cancels.contains(task.index);
    return wished || !runs_with_processes_.contains(id) ? "" : "it cleans up, and one cancel lets it";
  }
  if (task.status.outcome != TaskOutcome::kSkipped || task.status.ignored || sources_failed_.contains(id)) return "";
  if (wish.plan->instances[instance].when == When::kSuccess || MayBeUnwanted(wish, id, instance)) return "";
  std::set<InstanceIndex> seen;
  const bool certain = std::ranges::all_of(wish.plan->instances[instance].needs, [&](InstanceIndex need) {
    return CertainlyEndedWell(wish, id, need, seen);
  });
  return certain ? "nothing kept it from cleaning up" : "";
}

}  // namespace cromt::sim
