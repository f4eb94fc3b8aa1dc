#include "core/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "base/name.h"

namespace cromt {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// For each instance, the instances that list it: rows of one array, so that memory is two words an edge.
class Reverse {
 public:
  using List = std::vector<InstanceIndex> PlannedInstance::*;

  Reverse(const Plan& plan, List list) : first_(plan.instances.size() + 1, 0) {
    for (const PlannedInstance& from : plan.instances)
      for (InstanceIndex to : from.*list) ++first_[to + 1];
    for (size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    from_.resize(first_.back());
    std::vector<size_t> next(first_.begin(), first_.end() - 1);
    for (InstanceIndex from = 0; from < plan.instances.size(); ++from)
      for (InstanceIndex to : plan.instances[from].*list) from_[next[to]++] = from;
  }
  std::span<const InstanceIndex> operator[](InstanceIndex to) const {
    return std::span(from_).subspan(first_[to], first_[to + 1] - first_[to]);
  }

 private:
  std::vector<size_t> first_;
  std::vector<InstanceIndex> from_;
};

std::string Describe(const Plan& plan, InstanceIndex i) {
  return fmt::format("instance {} ({})", i, Quote(plan.instances[i].project));
}

Status CheckInstances(const Plan& plan) {
  for (InstanceIndex i = 0; i < plan.instances.size(); ++i)
    for (const auto* list : {&plan.instances[i].needs, &plan.instances[i].after})
      for (InstanceIndex other : *list)
        if (other >= plan.instances.size())
          return Fail(ErrorCode::kInvalid,
                      fmt::format("{} names instance {}, which does not exist", Describe(plan, i), other));
  return {};
}

Status CheckParents(const Plan& plan) {
  std::vector<bool> has_parent(plan.instances.size());
  for (const PlannedInstance& parent : plan.instances) {
    for (InstanceIndex child : parent.after) {
      if (has_parent[child])
        return Fail(ErrorCode::kInvalid, Describe(plan, child) + " comes after two instances; it may have one parent");
      has_parent[child] = true;
    }
  }
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

// The graph of gates: number 2i is the start gate of instance i, 2i+1 its done gate. Kahn's algorithm over it.
class GateOrder {
 public:
  explicit GateOrder(const Plan& plan)
      : plan_(plan),
        dependents_(plan, &PlannedInstance::needs),
        parents_(plan, &PlannedInstance::after),
        unmet_(2 * plan.instances.size()) {
    for (InstanceIndex i = 0; i < plan.instances.size(); ++i) {
      unmet_[2 * i] = static_cast<uint32_t>(plan.instances[i].needs.size() + parents_[i].size());
      unmet_[2 * i + 1] = static_cast<uint32_t>(plan.instances[i].after.size() + 1);
    }
  }

  std::vector<InstanceIndex> Run() {
    std::vector<InstanceIndex> order;
    order.reserve(plan_.instances.size());
    for (InstanceIndex i = 0; i < plan_.instances.size(); ++i)
      if (unmet_[2 * i] == 0) open_.push_back(2 * i);
    for (size_t next = 0; next < open_.size(); ++next) {
      uint32_t gate = open_[next];
      if (gate % 2 == 0) order.push_back(gate / 2);
      Open(gate);
    }
    return order;
  }

  // REQUIRES: Run() left gates closed. Walks from one closed gate to a closed one that it waits for, until one repeats.
  std::string Cycle() const {
    std::vector<uint32_t> path;
    std::vector<bool> seen(unmet_.size());
    uint32_t gate = FirstClosed();
    for (; !seen[gate]; gate = ClosedBefore(gate)) {
      seen[gate] = true;
      path.push_back(gate);
    }
    path.erase(path.begin(), std::find(path.begin(), path.end(), gate));
    return Print(path);
  }

 private:
  void Met(uint32_t gate) {
    if (--unmet_[gate] == 0) open_.push_back(gate);
  }

  void Open(uint32_t gate) {
    InstanceIndex i = gate / 2;
    if (gate % 2 == 0) {
      Met(gate + 1);
      for (InstanceIndex child : plan_.instances[i].after) Met(2 * child);
    } else {
      for (InstanceIndex dependent : dependents_[i]) Met(2 * dependent);
      for (InstanceIndex parent : parents_[i]) Met(2 * parent + 1);
    }
  }

  uint32_t FirstClosed() const {
    return static_cast<uint32_t>(std::find_if(unmet_.begin(), unmet_.end(), [](uint32_t n) { return n > 0; }) -
                                 unmet_.begin());
  }

  uint32_t ClosedBefore(uint32_t gate) const {
    InstanceIndex i = gate / 2;
    if (gate % 2 == 1) {
      for (InstanceIndex child : plan_.instances[i].after)
        if (unmet_[2 * child + 1] > 0) return 2 * child + 1;
      return gate - 1;
    }
    for (InstanceIndex need : plan_.instances[i].needs)
      if (unmet_[2 * need + 1] > 0) return 2 * need + 1;
    for (InstanceIndex parent : parents_[i])
      if (unmet_[2 * parent] > 0) return 2 * parent;
    return gate;
  }

  // `path` leads from each gate to what it waits for; people read what comes first, first.
  std::string Print(const std::vector<uint32_t>& path) const {
    constexpr size_t kMaxShown = 20;
    std::vector<InstanceIndex> instances;
    for (size_t i = path.size(); i-- > 0;)
      if (instances.empty() || instances.back() != path[i] / 2) instances.push_back(path[i] / 2);
    if (instances.size() > 1 && instances.front() == instances.back()) instances.pop_back();
    std::string text;
    for (size_t i = 0; i < instances.size() && i < kMaxShown; ++i)
      text += plan_.instances[instances[i]].project + " → ";
    if (instances.size() > kMaxShown) text += fmt::format("… ({} more) → ", instances.size() - kMaxShown);
    return text + plan_.instances[instances[0]].project;
  }

  const Plan& plan_;
  Reverse dependents_;
  Reverse parents_;
  std::vector<uint32_t> unmet_;
  std::vector<uint32_t> open_;
};

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

Status Validate(const Plan& plan) {
  if (plan.tasks.size() > kMaxTasks)
    return Fail(ErrorCode::kExhausted,
                fmt::format("the plan has {} tasks; at most {} are allowed", plan.tasks.size(), kMaxTasks));
  CROMT_TRY(CheckInstances(plan));
  CROMT_TRY(CheckParents(plan));
  CROMT_TRY(CheckTasks(plan));
  CROMT_TRY(CheckGroups(plan));
  CROMT_TRY(TopologicalOrder(plan));
  return {};
}

Result<std::vector<InstanceIndex>> TopologicalOrder(const Plan& plan) {
  CROMT_TRY(CheckInstances(plan));
  GateOrder gates(plan);
  std::vector<InstanceIndex> order = gates.Run();
  if (order.size() == plan.instances.size()) return order;
  return Fail(ErrorCode::kInvalid, "the plan has a cycle: " + gates.Cycle());
}

Result<Plan> StartFrom(const Plan& plan, InstanceIndex start) {
  CROMT_TRY(CheckInstances(plan));
  if (start >= plan.instances.size()) return Fail(ErrorCode::kNotFound, fmt::format("there is no instance {}", start));
  for (const PlannedInstance& instance : plan.instances)
    if (std::find(instance.after.begin(), instance.after.end(), start) != instance.after.end())
      return Fail(ErrorCode::kInvalid,
                  fmt::format("{} comes after {}; start there", Describe(plan, start), Quote(instance.project)));
  std::vector<bool> members = Reach(plan, start);
  for (InstanceIndex i = 0; i < members.size(); ++i) {
    if (!members[i] || i == start) continue;
    for (InstanceIndex need : plan.instances[i].needs)
      if (!members[need])
        return Fail(
            ErrorCode::kInvalid,
            fmt::format("the run can't be started at {}: {} also waits for {}", Quote(plan.instances[start].project),
                        Quote(plan.instances[i].project), Quote(plan.instances[need].project)));
  }
  return Part(plan, members, start);
}

}  // namespace cromt
