// Plans for tests, written down the way that they are drawn.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/plan.h"

namespace cromt {

struct InstanceOptions {
  std::vector<InstanceIndex> needs = {};
  std::vector<std::string> hosts = {"a"};      // one task each; none: a pure gate
  std::optional<InstanceIndex> after_of = {};  // starts when that one's tasks have ended
  std::vector<std::string> groups = {};        // made by Lane or Limit
  ExitPolicy exit_policy = {};
  std::string repository = {};
  RetryPolicy retry = {};
  std::vector<PlannedInput> inputs = {};
  When when = When::kSuccess;
  bool ignore_failure = false;
  uint32_t max_failures = 0;
  SilencePolicy silence = {};
  int32_t priority = 0;
};

inline constexpr Duration kDefaultUnreachable = SilencePolicy{}.unreachable;
inline constexpr Duration kDefaultLost = SilencePolicy{}.lost;

// Host "a" is at address "a:4000", and so is "b@a".
class PlanBuilder {
 public:
  InstanceIndex Add(const std::string& project, const InstanceOptions& options = {}) {
    auto index = static_cast<InstanceIndex>(plan_.instances.size());
    PlannedInstance instance{.project = project, .first_task = static_cast<uint32_t>(plan_.tasks.size())};
    instance.task_count = static_cast<uint32_t>(options.hosts.size());
    instance.needs = options.needs;
    instance.inputs = options.inputs;
    instance.when = options.when;
    instance.ignore_failure = options.ignore_failure;
    instance.max_failures = options.max_failures;
    plan_.instances.push_back(instance);
    if (options.after_of) plan_.instances[*options.after_of].after.push_back(index);
    TaskSpec spec{.name = project, .project = project, .work = Command{{project}}};
    spec.exit_policy = options.exit_policy;
    spec.source.repository = options.repository;
    spec.retry = options.retry;
    spec.silence = options.silence;
    spec.priority = options.priority;
    if (!options.hosts.empty()) plan_.specs.push_back(std::move(spec));
    for (const std::string& host : options.hosts) {
      PlannedTask task{.instance = index, .spec = static_cast<uint32_t>(plan_.specs.size() - 1), .host = Host(host)};
      for (uint32_t g = 0; g < plan_.groups.size(); ++g)
        for (const std::string& name : options.groups)
          if (plan_.groups[g].name == name) task.groups.push_back(g);
      plan_.tasks.push_back(std::move(task));
    }
    return index;
  }

  PlanBuilder& Lane(const std::string& name) { return Group(name, 1, true); }
  PlanBuilder& Limit(const std::string& name, uint32_t depth) { return Group(name, depth, false); }
  PlanBuilder& Group(const std::string& name, uint32_t depth, bool mesh_wide) {
    plan_.groups.push_back({name, depth, mesh_wide});
    return *this;
  }

  PlanBuilder& RunTimeout(Duration limit) {
    plan_.run_timeout = limit;
    return *this;
  }

  const Plan& plan() const { return plan_; }
  std::shared_ptr<const Plan> Build() const {
    Status valid = Validate(plan_);
    EXPECT_TRUE(valid) << valid.error().message;
    return std::make_shared<Plan>(plan_);
  }

 private:
  uint32_t Host(const std::string& id) {
    for (uint32_t h = 0; h < plan_.hosts.size(); ++h)
      if (plan_.hosts[h].id == id) return h;
    plan_.hosts.push_back({id, id.substr(id.find('@') + 1) + ":4000"});
    return static_cast<uint32_t>(plan_.hosts.size() - 1);
  }

  Plan plan_;
};

// p1 ──▶ p2 ──▶ … ──▶ pN, all on host "a".
inline std::shared_ptr<const Plan> Chain(int length) {
  PlanBuilder plan;
  for (int i = 1; i <= length; ++i) {
    InstanceOptions options;
    if (i > 1) options.needs = {static_cast<InstanceIndex>(i - 2)};
    plan.Add("p" + std::to_string(i), options);
  }
  return plan.Build();
}

}  // namespace cromt
