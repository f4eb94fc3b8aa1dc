#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"
#include "core/plan_edges.h"

namespace cromt {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// `start` and what waits for it, as a set: dependents, and what comes after each of them.
std::vector<bool> Reach(const Plan& plan, InstanceIndex start) {
  Reverse dependents(plan, &PlannedInstance::needs);
  std::vector<bool> reached(plan.instances.size());
  std::vector<InstanceIndex> todo = {start};
  reached[start] = true;
  auto visit = [&](InstanceIndex i) {
    if (reached[i]) return;
    reached[i] = true;
    todo.push_back(i);
  };
  while (!todo.empty()) {
    InstanceIndex i = todo.back();
    todo.pop_back();
    for (InstanceIndex dependent : dependents[i]) visit(dependent);
    for (InstanceIndex child : plan.instances[i].after) visit(child);
  }
  return reached;
}

// Copies the used rows of a table, each once, in the order of first use.
template <class T>
class Kept {
 public:
  Kept(const std::vector<T>& from, std::vector<T>& to) : from_(from), to_(to), moved_(from.size(), kNone) {}
  uint32_t operator()(uint32_t old) {
    if (moved_[old] == kNone) {
      moved_[old] = static_cast<uint32_t>(to_.size());
      to_.push_back(from_[old]);
    }
    return moved_[old];
  }

 private:
  const std::vector<T>& from_;
  std::vector<T>& to_;
  std::vector<uint32_t> moved_;
};

// The instances in `members` with their tasks, renumbered. REQUIRES: their edges stay within, save for the needs of
// `start`.
Plan Part(const Plan& plan, const std::vector<bool>& members, InstanceIndex start) {
  std::vector<InstanceIndex> moved(plan.instances.size(), kNone);
  InstanceIndex count = 0;
  for (InstanceIndex i = 0; i < members.size(); ++i)
    if (members[i]) moved[i] = count++;
  Plan part;
  part.run_timeout = plan.run_timeout;
  Kept specs(plan.specs, part.specs);
  Kept hosts(plan.hosts, part.hosts);
  Kept groups(plan.groups, part.groups);
  for (InstanceIndex i = 0; i < members.size(); ++i) {
    if (!members[i]) continue;
    PlannedInstance instance = plan.instances[i];
    instance.first_task = static_cast<uint32_t>(part.tasks.size());
    if (i == start) instance.needs.clear();
    for (auto* list : {&instance.needs, &instance.after})
      for (InstanceIndex& other : *list) other = moved[other];
    for (PlannedInput& input : instance.inputs) input.producer = moved[input.producer];
    for (uint32_t t = 0; t < instance.task_count; ++t) {
      PlannedTask task = plan.tasks[plan.instances[i].first_task + t];
      task = {moved[i], specs(task.spec), hosts(task.host), std::move(task.groups)};
      for (uint32_t& group : task.groups) group = groups(group);
      std::sort(task.groups.begin(), task.groups.end());
      part.tasks.push_back(std::move(task));
    }
    part.instances.push_back(std::move(instance));
  }
  return part;
}

}  // namespace

Result<Plan> StartFrom(const Plan& plan, InstanceIndex start) {
  CROMT_TRY(CheckEdges(plan));
  if (start >= plan.instances.size()) return Fail(ErrorCode::kNotFound, fmt::format("there is no instance {}", start));
  for (const PlannedInstance& instance : plan.instances)
    if (std::find(instance.after.begin(), instance.after.end(), start) != instance.after.end())
      return Fail(ErrorCode::kInvalid,
                  fmt::format("{} comes after {}; start there", Describe(plan, start), Quote(instance.project)));
  std::vector<bool> members = Reach(plan, start);
  Reverse parents(plan, &PlannedInstance::after);
  for (InstanceIndex i = 0; i < members.size(); ++i) {
    if (!members[i]) continue;
    for (const PlannedInput& input : plan.instances[i].inputs)
      if (!members[input.producer])
        return Fail(ErrorCode::kInvalid,
                    fmt::format("the run can't be started at {}: {} takes '{}' from {}, which would not run",
                                Quote(plan.instances[start].project), Quote(plan.instances[i].project), input.name,
                                Quote(plan.instances[input.producer].project)));
    if (i == start) continue;
    for (std::span<const InstanceIndex> list : {std::span(plan.instances[i].needs), parents[i]})
      for (InstanceIndex other : list)
        if (!members[other])
          return Fail(
              ErrorCode::kInvalid,
              fmt::format("the run can't be started at {}: {} also waits for {}", Quote(plan.instances[start].project),
                          Quote(plan.instances[i].project), Quote(plan.instances[other].project)));
  }
  return Part(plan, members, start);
}

}  // namespace cromt
