// Plans drawn at random, for tests of what must hold for all of them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

#include "core/plan.h"

namespace cromt {

// A random DAG over three hosts with gates, after instances, lanes and limits. Exit codes: mostly 0, some 1, some 10.
inline std::shared_ptr<const Plan> RandomPlan(std::mt19937_64& random) {
  auto below = [&](uint64_t limit) { return random() % limit; };
  Plan plan;
  plan.hosts = {{"a", "a:4000"}, {"b", "b:4000"}, {"c", "c:4000"}};
  plan.groups = {{"lane1", 1, true}, {"lane2", 1, true}, {"limit", 2, false}};
  std::vector<bool> is_after;
  for (InstanceIndex i = 0; i < 3 + below(8); ++i) {
    PlannedInstance instance{.project = "p" + std::to_string(i),
                             .first_task = static_cast<uint32_t>(plan.tasks.size())};
    instance.task_count = below(6) == 0 ? 0 : 1 + static_cast<uint32_t>(below(3));
    bool after = i > 0 && below(4) == 0;
    for (InstanceIndex need = 0; need < i && !after; ++need)
      if (below(3) == 0) instance.needs.push_back(need);
    // Only the newest may get one: nothing waits for it yet, so no cycle comes of it.
    if (after) plan.instances[i - 1].after.push_back(i);
    for (uint32_t t = 0; t < instance.task_count; ++t) {
      uint64_t code = below(12) == 0 ? 1 : below(12) == 0 ? 10 : 0;
      TaskSpec spec{.name = std::to_string(code), .project = instance.project, .work = Command{{"x"}}};
      spec.exit_policy.stop = {10};
      PlannedTask task{
          .instance = i, .spec = static_cast<uint32_t>(plan.specs.size()), .host = static_cast<uint32_t>(below(3))};
      for (uint32_t g = 0; g < plan.groups.size(); ++g)
        if (below(3) == 0) task.groups.push_back(g);
      plan.specs.push_back(std::move(spec));
      plan.tasks.push_back(std::move(task));
    }
    plan.instances.push_back(std::move(instance));
  }
  Status valid = Validate(plan);
  EXPECT_TRUE(valid) << valid.error().message;
  return std::make_shared<Plan>(std::move(plan));
}

}  // namespace cromt
