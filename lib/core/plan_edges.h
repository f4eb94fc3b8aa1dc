// Used by the plan_*.cc only: edges of a plan read backwards, and the check that all edges lead somewhere.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/plan.h"

namespace cromt {

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

// "instance 3 ('build')": for messages.
std::string Describe(const Plan& plan, InstanceIndex i);

// All gates of a plan, each after those it waits for: 2i is the start gate of instance i, 2i+1 its done gate.
// REQUIRES: the plan is valid.
std::vector<uint32_t> GatesInOrder(const Plan& plan);

// kInvalid for an edge to an instance that does not exist.
Status CheckEdges(const Plan& plan);

}  // namespace cromt
