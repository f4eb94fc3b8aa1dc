#include "tests/sim/workload.h"

#include <fmt/format.h>

#include <algorithm>

namespace cromt::sim {
namespace {

// Lanes of all runs, then limits of this one.
void AddGroups(Dice& dice, Plan& plan) {
  for (const char* lane : {"lane-a", "lane-b"})
    if (dice.PerCent(40)) plan.groups.push_back({lane, 1, true});
  for (uint64_t i = dice.Below(3); i > 0; --i)
    plan.groups.push_back({fmt::format("limit-{}", i), static_cast<uint32_t>(dice.Between(1, 3)), false});
}

TaskSpec RandomSpec(Dice& dice, const std::string& project, bool with_source) {
  TaskSpec spec{.name = project, .project = project, .work = Command{{"true"}}};
  if (dice.PerCent(20)) spec.exit_policy.success = {0, 3};
  if (dice.PerCent(20)) spec.exit_policy.stop = {99};
  if (dice.PerCent(15)) spec.timeout = seconds(dice.Between(1, 20));
  if (dice.PerCent(15)) spec.retry = {static_cast<uint32_t>(dice.Between(1, 3)), seconds(dice.Below(10)), 1500};
  if (dice.PerCent(40)) {
    spec.silence = {.unreachable = seconds(dice.Between(2, 90)),
                    .skip_unreachable = dice.PerCent(30),
                    .lost = seconds(dice.Between(1, 90)),
                    .retry_lost = dice.PerCent(40)};
  }
  if (dice.PerCent(30)) spec.priority = static_cast<int32_t>(dice.Below(5)) - 2;
  if (dice.PerCent(20)) spec.work = Script{"a\nb\n"};                // which is staged before it starts
  if (project.back() % 3 == 0) spec.secrets = {{"key", "KEY", ""}};  // no throw of the dice: seeds stay what they were
  if (dice.PerCent(25)) spec.publishes = {{"out-" + project, "file"}};
  if (with_source) {
    spec.source.repository = "git://example/r";
    spec.source.ref = dice.PerCent(50) ? "" : "main";
  }
  return spec;
}

void AddTasks(Dice& dice, Plan& plan, InstanceIndex index, bool with_source) {
  PlannedInstance& instance = plan.instances[index];
  instance.first_task = static_cast<uint32_t>(plan.tasks.size());
  if (dice.PerCent(10)) return;  // a pure gate
  plan.specs.push_back(RandomSpec(dice, instance.project, with_source));
  std::vector<uint32_t> groups;
  for (uint32_t g = 0; g < plan.groups.size(); ++g)
    if (dice.PerCent(25)) groups.push_back(g);
  for (uint32_t host = 0; host < plan.hosts.size(); ++host) {
    if (dice.PerCent(50)) continue;
    plan.tasks.push_back({index, static_cast<uint32_t>(plan.specs.size() - 1), host, groups});
    ++instance.task_count;
  }
}

// Of one that has ended before, if it publishes something.
void TakeArtifact(Dice& dice, Plan& plan, InstanceIndex consumer, InstanceIndex producer) {
  const PlannedInstance& from = plan.instances[producer];
  if (from.task_count == 0 || plan.spec(from.first_task).publishes.empty() || dice.PerCent(40)) return;
  const std::string& name = plan.spec(from.first_task).publishes.front().name;
  plan.instances[consumer].inputs.push_back({name, producer, dice.PerCent(40)});
}

// Each instance may need some of those before it, and some come after an earlier one; what that makes is not always
// free of cycles.
std::optional<Plan> TryPlan(Dice& dice, const std::vector<std::string>& addresses) {
  Plan plan;
  for (size_t i = 0; i < addresses.size(); ++i) plan.hosts.push_back({fmt::format("host{}", i), addresses[i]});
  AddGroups(dice, plan);
  bool with_source = dice.PerCent(30);
  for (InstanceIndex i = 0, count = static_cast<InstanceIndex>(dice.Between(1, 12)); i < count; ++i) {
    plan.instances.push_back({.project = fmt::format("p{}", i + 1), .ignore_failure = dice.PerCent(10)});
    AddTasks(dice, plan, i, with_source);
    for (InstanceIndex need = 0; need < i; ++need)
      if (dice.Below(i + 1) == 0) plan.instances[i].needs.push_back(need);
    for (InstanceIndex need : plan.instances[i].needs) TakeArtifact(dice, plan, i, need);
    if (i == 0 || !dice.PerCent(25)) continue;
    const InstanceIndex parent = static_cast<InstanceIndex>(dice.Below(i));
    plan.instances[parent].after.push_back(i);
    plan.instances[i].when = static_cast<When>(dice.Below(3));
    TakeArtifact(dice, plan, i, parent);
  }
  for (PlannedInstance& instance : plan.instances)
    if (dice.PerCent(15)) instance.max_failures = static_cast<uint32_t>(dice.Between(1, 2));
  if (dice.PerCent(15)) plan.run_timeout = seconds(dice.Between(1, 120));
  if (!Validate(plan)) return std::nullopt;
  return plan;
}

std::shared_ptr<const Plan> RandomPlan(Dice& dice, const std::vector<std::string>& addresses) {
  for (;;)
    if (auto plan = TryPlan(dice, addresses)) return std::make_shared<Plan>(std::move(*plan));
}

}  // namespace

SecretValues SecretsFor(const TaskSpec& spec) {
  if (spec.secrets.empty()) return nullptr;
  using Values = std::vector<std::pair<std::string, std::string>>;
  return std::make_shared<const Values>(Values{{"key", "the key of " + spec.project}});
}

std::vector<PlannedStart> MakeWorkload(Dice& dice, const std::vector<std::string>& addresses) {
  std::vector<PlannedStart> starts;
  size_t tasks = 0, wanted = dice.Between(50, 90);
  while (tasks < wanted) {
    PlannedStart start{.request = RequestId(dice.Name()), .project = fmt::format("project{}", starts.size() + 1)};
    start.plan = RandomPlan(dice, addresses);
    start.at = dice.Between(Duration(0), seconds(60));
    start.repeated = dice.PerCent(20);
    if (dice.PerCent(20)) start.rerun = dice.Between(seconds(1), seconds(60));
    start.rerun_failed = dice.PerCent(70);
    auto cancel_after = [&] { return dice.Between(Duration(0), dice.PerCent(50) ? milliseconds(20) : seconds(30)); };
    if (dice.PerCent(15)) start.cancels.push_back({cancel_after(), std::nullopt});
    if (!start.cancels.empty() && dice.PerCent(30)) start.cancels.push_back({cancel_after(), std::nullopt});
    if (!start.plan->tasks.empty() && dice.PerCent(20))
      start.cancels.push_back({cancel_after(), static_cast<TaskIndex>(dice.Below(start.plan->tasks.size()))});
    tasks += start.plan->tasks.size();
    starts.push_back(std::move(start));
  }
  return starts;
}

}  // namespace cromt::sim
