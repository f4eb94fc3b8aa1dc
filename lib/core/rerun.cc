#include "core/rerun.h"

#include <algorithm>

namespace cromt {
namespace {

// Which instances run again as a whole, because something before them does.
class Again {
 public:
  explicit Again(const StoredRun& earlier) : earlier_(earlier), plan_(*earlier.plan) {
    whole_.resize(plan_.instances.size());
    partly_.resize(plan_.instances.size());
    auto order = TopologicalOrder(plan_);
    if (!order) return;  // a stored plan has no cycle
    std::vector<InstanceIndex> parent_of(plan_.instances.size(), kNone);
    for (InstanceIndex i = 0; i < plan_.instances.size(); ++i)
      for (InstanceIndex child : plan_.instances[i].after) parent_of[child] = i;
    for (InstanceIndex i : *order) {
      const PlannedInstance& planned = plan_.instances[i];
      auto runs = [&](InstanceIndex other) { return whole_[other] || partly_[other]; };
      whole_[i] = planned.when != When::kSuccess || std::ranges::any_of(planned.needs, runs) ||
                  (parent_of[i] != kNone && runs(parent_of[i]));
      for (TaskIndex t = planned.first_task; t < planned.first_task + planned.task_count; ++t)
        if (!HasSucceeded(t)) partly_[i] = true;
    }
  }

  // Whether it makes sense to begin: not only for clean-ups of a run that succeeded, nor for what an early end or
  // another `when` left out, which would be left out again.
  bool IsWorthIt() const {
    if (earlier_.status.outcome != RunOutcome::kSucceeded) return true;
    for (TaskIndex t = 0; t < earlier_.tasks.size(); ++t)
      if (!HasSucceeded(t) && (earlier_.tasks[t].outcome != TaskOutcome::kSkipped || earlier_.tasks[t].ignored))
        return true;
    return false;
  }
  bool Runs(TaskIndex task) const { return whole_[plan_.tasks[task].instance] || !HasSucceeded(task); }

 private:
  static constexpr InstanceIndex kNone = UINT32_MAX;

  bool HasSucceeded(TaskIndex task) const {
    const auto& outcome = earlier_.tasks[task].outcome;
    return outcome == TaskOutcome::kSucceeded || outcome == TaskOutcome::kStoppedEarly;
  }

  const StoredRun& earlier_;
  const Plan& plan_;
  std::vector<bool> whole_, partly_;
};

}  // namespace

TakenOver TakeOver(const StoredRun& earlier, const RunId& run) {
  TakenOver taken;
  taken.tasks.resize(earlier.tasks.size());
  const Again again(earlier);
  for (TaskIndex t = 0; t < earlier.tasks.size(); ++t) {
    if (again.Runs(t)) {
      ++taken.again;
      continue;
    }
    const TaskStatus& before = earlier.tasks[t];
    TaskStatus& now = taken.tasks[t];
    now.state = TaskState::kFinished;
    now.outcome = before.outcome;
    now.exit = before.exit;
    now.queued_at = before.queued_at;
    now.started_at = before.started_at;
    now.finished_at = before.finished_at;
    now.reason = "taken over from run " + earlier.header.id.text();
  }
  for (const ArtifactsPublished& published : earlier.artifacts) {
    if (again.Runs(published.task)) continue;
    taken.artifacts.push_back(published);
    taken.artifacts.back().run = run;
    taken.artifacts.back().attempt = 0;
  }
  for (const ImageRan& image : earlier.images)
    if (!again.Runs(image.task) && image.attempt == earlier.tasks[image.task].attempt)
      taken.images.push_back({run, image.task, 0, image.digest});
  if (!again.IsWorthIt()) taken.again = 0;
  return taken;
}

}  // namespace cromt
