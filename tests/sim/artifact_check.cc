// Invariant 3, of artifacts: what a task finds is what those who come before it have published, by what their processes
// did. Where the coordinator can know less than the ledger (a host lost what it had to tell), less is right, too.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/files.h"
#include "tests/sim/ledger.h"

namespace cromt::sim {

Ledger::Published Ledger::PublishedBy(const Wish& wish, const RunId& run, TaskIndex task,
                                      const std::string& name) const {
  const TaskSpec& spec = wish.plan->spec(task);
  if (std::ranges::none_of(spec.publishes, [&](const ArtifactOut& out) { return out.name == name; })) return {};
  if (auto taken = wish.taken_over.find(task); taken != wish.taken_over.end()) {
    for (const PublishedArtifact& artifact : taken->second.artifacts)
      if (artifact.name == name) return {{artifact.digest.sha256}, true};
    return {};
  }
  Published published;
  const auto found = by_task_.find({run, task});
  if (found == by_task_.end()) return published;
  for (const size_t process : found->second) {
    const ProcessRecord& record = processes_[process];
    if (!record.result) continue;
    const TaskOutcome meaning = Meaning(spec.exit_policy, *record.result);
    if (meaning != TaskOutcome::kSucceeded && meaning != TaskOutcome::kStoppedEarly) continue;
    published.possible.insert(ArtifactOf(record.id, name).sha256);
    published.certain = process == found->second.back() && !MayBeLost(wish, task, record.host) &&
                        !wish.task_cancels.contains(task) && wish.cancels_offered == 0 && !wish.plan->run_timeout;
  }
  return published;
}

void Ledger::CheckInputs(const AttemptId& id, const LeaseInputs& inputs) {
  const auto wish = wishes_.find(id.run);
  if (wish == wishes_.end() || IsShaken(id.run)) return;
  const Plan& plan = *wish->second.plan;
  const auto& planned = plan.instances[plan.tasks[id.task].instance].inputs;
  auto violation = [&](const std::string& what) {
    Violation(fmt::format("invariant 3: {} finds artifacts that are not those published: {}", ToString(id), what));
  };
  std::set<std::string> expected;  // paths
  for (const PlannedInput& wanted : planned) {
    const PlannedInstance& producer = plan.instances[wanted.producer];
    bool later = false;  // a task that is listed later has published it
    for (TaskIndex t = producer.first_task + producer.task_count; t-- > producer.first_task;) {
      const std::string path = wanted.all_hosts ? plan.host(t).id + "/" + wanted.name : wanted.name;
      const Published published = PublishedBy(wish->second, id.run, t, wanted.name);
      if (!wanted.all_hosts && later) break;
      const LeaseInput* input = nullptr;
      if (inputs)
        for (const LeaseInput& one : *inputs)
          if (one.path == path && published.possible.contains(one.artifact.digest.sha256)) input = &one;
      if (input) expected.insert(path);
      later |= input != nullptr;
      if (published.certain && !input) violation(path + " is not there");
    }
  }
  if (!inputs) return;
  for (const LeaseInput& input : *inputs)
    if (!expected.contains(input.path)) violation(input.path + " is not what was published");
}

bool Ledger::MayLackInput(const Wish& wish, const RunId& run, TaskIndex task) const {
  const auto& planned = wish.plan->instances[wish.plan->tasks[task].instance].inputs;
  return std::ranges::any_of(planned, [&](const PlannedInput& wanted) {
    const PlannedInstance& producer = wish.plan->instances[wanted.producer];
    for (TaskIndex t = producer.first_task; t < producer.first_task + producer.task_count; ++t)
      if (PublishedBy(wish, run, t, wanted.name).certain) return false;
    return true;
  });
}

}  // namespace cromt::sim
