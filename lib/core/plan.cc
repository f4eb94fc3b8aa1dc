#include "core/plan.h"

#include <fmt/format.h>

#include "base/name.h"
#include "core/plan_edges.h"

namespace cromt {

std::string Describe(const Plan& plan, InstanceIndex i) {
  return fmt::format("instance {} ({})", i, Quote(plan.instances[i].project));
}

Status CheckEdges(const Plan& plan) {
  for (InstanceIndex i = 0; i < plan.instances.size(); ++i)
    for (const auto* list : {&plan.instances[i].needs, &plan.instances[i].after})
      for (InstanceIndex other : *list)
        if (other >= plan.instances.size())
          return Fail(ErrorCode::kInvalid,
                      fmt::format("{} names instance {}, which does not exist", Describe(plan, i), other));
  for (InstanceIndex i = 0; i < plan.instances.size(); ++i)
    for (const PlannedInput& input : plan.instances[i].inputs)
      if (input.producer >= plan.instances.size() || !IsName(input.name))
        return Fail(ErrorCode::kInvalid, fmt::format("{} takes an artifact of instance {}, which does not exist",
                                                     Describe(plan, i), input.producer));
  return {};
}

namespace {

Status CheckParents(const Plan& plan) {
  std::vector<bool> has_parent(plan.instances.size());
  for (const PlannedInstance& parent : plan.instances) {
    for (InstanceIndex child : parent.after) {
      if (has_parent[child])
        return Fail(ErrorCode::kInvalid, Describe(plan, child) + " comes after two instances; it may have one parent");
      has_parent[child] = true;
    }
  }
  for (InstanceIndex i = 0; i < plan.instances.size(); ++i)
    if (!has_parent[i] && plan.instances[i].when != When::kSuccess)
      return Fail(ErrorCode::kInvalid, fmt::format("{} runs on {}, but comes after nothing", Describe(plan, i),
                                                   ToString(plan.instances[i].when)));
  return {};
}

Status CheckTask(const Plan& plan, TaskIndex index) {
  const PlannedTask& task = plan.tasks[index];
  auto fail = [&](std::string_view what) {
    return Fail(ErrorCode::kInvalid, fmt::format("task {} {}", index + 1, what));
  };
  if (task.spec >= plan.specs.size()) return fail("names a spec that does not exist");
  if (task.host >= plan.hosts.size()) return fail("names a host that does not exist");
  for (size_t i = 0; i < task.groups.size(); ++i) {
    if (task.groups[i] >= plan.groups.size()) return fail("names a group that does not exist");
    if (i > 0 && task.groups[i] <= task.groups[i - 1]) return fail("has groups that are not ascending");
  }
  return {};
}

// Tasks belong to the instances in order, without gap or overlap.
Status CheckTasks(const Plan& plan) {
  size_t next = 0;
  for (InstanceIndex i = 0; i < plan.instances.size(); ++i) {
    const PlannedInstance& instance = plan.instances[i];
    if (instance.first_task != next || instance.task_count > plan.tasks.size() - next)
      return Fail(ErrorCode::kInvalid, Describe(plan, i) + ": its tasks do not follow those of the instance before it");
    for (size_t end = next + instance.task_count; next < end; ++next) {
      if (plan.tasks[next].instance != i)
        return Fail(ErrorCode::kInvalid,
                    fmt::format("task {} belongs to another instance than its place says", next + 1));
      CROMT_TRY(CheckTask(plan, static_cast<TaskIndex>(next)));
    }
  }
  if (next != plan.tasks.size())
    return Fail(ErrorCode::kInvalid, fmt::format("task {} belongs to no instance", next + 1));
  return {};
}

Status CheckGroups(const Plan& plan) {
  for (const PlannedGroup& group : plan.groups)
    if (group.depth == 0) return Fail(ErrorCode::kInvalid, fmt::format("group {} has depth 0", Quote(group.name)));
  return {};
}

}  // namespace

size_t BytesOf(const Plan& plan) {
  size_t bytes = 0;
  for (const TaskSpec& spec : plan.specs) bytes += BytesOf(spec);
  return bytes;
}

Status Validate(const Plan& plan) {
  if (plan.tasks.size() > kMaxTasks)
    return Fail(ErrorCode::kExhausted,
                fmt::format("the plan has {} tasks; at most {} are allowed", plan.tasks.size(), kMaxTasks));
  CROMT_TRY(CheckEdges(plan));
  CROMT_TRY(CheckParents(plan));
  CROMT_TRY(CheckTasks(plan));
  CROMT_TRY(CheckGroups(plan));
  CROMT_TRY(TopologicalOrder(plan));
  return {};
}

}  // namespace cromt
