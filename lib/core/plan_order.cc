#include <fmt/format.h>

#include <algorithm>

#include "core/plan_edges.h"

namespace cromt {
namespace {

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

  // In the order in which Run opened them.
  const std::vector<uint32_t>& gates() const { return open_; }

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

}  // namespace

std::vector<uint32_t> GatesInOrder(const Plan& plan) {
  GateOrder gates(plan);
  gates.Run();
  return gates.gates();
}

Result<std::vector<InstanceIndex>> TopologicalOrder(const Plan& plan) {
  CROMT_TRY(CheckEdges(plan));
  GateOrder gates(plan);
  std::vector<InstanceIndex> order = gates.Run();
  if (order.size() == plan.instances.size()) return order;
  return Fail(ErrorCode::kInvalid, "the plan has a cycle: " + gates.Cycle());
}

}  // namespace cromt
