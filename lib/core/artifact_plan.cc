#include "core/artifact_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/name.h"
#include "core/plan_edges.h"

namespace cromt {
namespace {

constexpr InstanceIndex kNobody = UINT32_MAX;
constexpr size_t kMaxSteps = 500'000'000;  // names times gates

class Resolver {
 public:
  Resolver(const JobFile& file, Plan& plan) : file_(file), plan_(plan) {}

  Status Run() {
    for (InstanceIndex i = 0; i < plan_.instances.size(); ++i) {
      const Artifacts* artifacts = ArtifactsOf(i);
      if (!artifacts) continue;
      for (const ArtifactOut& out : artifacts->out) names_[out.name].producers.push_back(i);
      for (const ArtifactIn& in : artifacts->in) names_[in.name].consumers.emplace_back(i, &in);
    }
    std::erase_if(names_,
                  [](const auto& name) { return name.second.consumers.empty() && name.second.producers.size() < 2; });
    if (names_.empty()) return {};
    gates_ = GatesInOrder(plan_);
    if (names_.size() * gates_.size() > kMaxSteps)
      return Fail(ErrorCode::kExhausted, fmt::format("{} artifacts in a plan of {} instances are too many",
                                                     names_.size(), plan_.instances.size()));
    rank_.resize(plan_.instances.size());
    for (size_t at = 0; at < gates_.size(); ++at)
      if (gates_[at] % 2 == 0) rank_[gates_[at] / 2] = at;
    parent_.assign(plan_.instances.size(), kNobody);
    for (InstanceIndex i = 0; i < plan_.instances.size(); ++i)
      for (InstanceIndex child : plan_.instances[i].after) parent_[child] = i;
    for (auto& [name, uses] : names_) CROMT_TRY(Resolve(name, uses));
    return {};
  }

 private:
  struct Uses {
    std::vector<InstanceIndex> producers;
    std::vector<std::pair<InstanceIndex, const ArtifactIn*>> consumers;
  };

  const Artifacts* ArtifactsOf(InstanceIndex i) const {
    return file_.projects[file_.by_name.at(plan_.instances[i].project)].artifacts.get();
  }

  // Whoever ends later of two that have an order; ranks follow the order.
  InstanceIndex Later(InstanceIndex a, InstanceIndex b) const {
    if (a == kNobody) return b;
    if (b == kNobody) return a;
    return rank_[a] < rank_[b] ? b : a;
  }

  Status Resolve(const std::string& name, Uses& uses) {
    std::vector<bool> produces(plan_.instances.size());
    for (InstanceIndex i : uses.producers) produces[i] = true;
    // The last producer before the instance's start; after its tasks; before its done gate.
    std::vector<InstanceIndex> start(plan_.instances.size(), kNobody), tasks = start, done = start;
    for (uint32_t gate : gates_) {
      InstanceIndex i = gate / 2;
      if (gate % 2 == 0) {
        for (InstanceIndex need : plan_.instances[i].needs) start[i] = Later(start[i], done[need]);
        if (parent_[i] != kNobody) start[i] = Later(start[i], tasks[parent_[i]]);
        tasks[i] = produces[i] ? i : start[i];
      } else {
        done[i] = tasks[i];
        for (InstanceIndex child : plan_.instances[i].after) done[i] = Later(done[i], done[child]);
      }
    }
    std::sort(uses.producers.begin(), uses.producers.end(),
              [&](InstanceIndex a, InstanceIndex b) { return rank_[a] < rank_[b]; });
    for (size_t k = 1; k < uses.producers.size(); ++k)
      if (start[uses.producers[k]] != uses.producers[k - 1])
        return NoOrder(name, uses.producers[k - 1], uses.producers[k]);
    for (const auto& [i, in] : uses.consumers) {
      if (start[i] == kNobody) return NotPublished(*in, i, uses);
      plan_.instances[i].inputs.push_back({name, start[i], in->all_hosts});
    }
    return {};
  }

  Status NoOrder(const std::string& name, InstanceIndex a, InstanceIndex b) const {
    const std::string &first = plan_.instances[a].project, &second = plan_.instances[b].project;
    const Project& project = file_.projects[file_.by_name.at(second)];
    return Fail(ErrorCode::kInvalid,
                ToString(Diagnostic{
                    Severity::kError, file_.file, project.at,
                    first == second ? fmt::format("'{}' runs twice in no order and publishes '{}' each time: a task "
                                                  "that wants it could get either",
                                                  first, name)
                                    : fmt::format("'{}' and '{}' both publish '{}', and neither depends on the other",
                                                  first, second, name)}));
  }

  Status NotPublished(const ArtifactIn& in, InstanceIndex i, const Uses& uses) const {
    std::string text = fmt::format("nothing before '{}' publishes '{}'", plan_.instances[i].project, in.name);
    if (uses.producers.empty())
      text += "; a project that '" + plan_.instances[i].project + "' lists in 'before' must have it in artifacts: out";
    else
      text += fmt::format("; '{}' does, but '{}' does not wait for it: list it in 'before'",
                          plan_.instances[uses.producers.front()].project, plan_.instances[i].project);
    return Fail(ErrorCode::kInvalid, ToString(Diagnostic{Severity::kError, file_.file, in.at, std::move(text)}));
  }

  const JobFile& file_;
  Plan& plan_;
  std::map<std::string, Uses> names_;
  std::vector<uint32_t> gates_;
  std::vector<size_t> rank_;           // of an instance: when its start gate opens
  std::vector<InstanceIndex> parent_;  // whose `after` lists it
};

}  // namespace

Status ResolveArtifacts(const JobFile& file, Plan& plan) {
  return Resolver(file, plan).Run();
}

}  // namespace cromt
