// What lanes, limits, timeouts and retries of a job file become in a plan.
#include <gtest/gtest.h>

#include "core/planner.h"
#include "io/config/job_reader.h"

namespace cromt {
namespace {

Plan PlanOf(const std::string& projects, const PlannerOptions& options = {}) {
  JobFileReading reading = ReadJobFile("projects:\n" + projects, "f");
  EXPECT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  if (!reading.file) return {};
  auto plan = PlanRun(*reading.file, "top", {}, options);
  EXPECT_TRUE(plan) << plan.error().message;
  return plan ? *plan : Plan{};
}

// "q:1" for each group of each task, tasks separated by '|'; a limit of one run only has a '*'.
std::string Groups(const Plan& plan) {
  std::string text;
  for (const PlannedTask& task : plan.tasks) {
    for (uint32_t g : task.groups)
      text += (plan.groups[g].mesh_wide ? "" : "*") + plan.groups[g].name + ":" + std::to_string(plan.groups[g].depth) +
              " ";
    text += "|";
  }
  return text;
}

TEST(PlannerKeys, ALaneIsTheHostsElseTheEntrysElseTheProjects) {
  EXPECT_EQ(Groups(PlanOf("  top: {run: x, queue-id: p, hosts: [{id: a}, {id: b, queue-id: h}],\n"
                          "        before: [{name: d, queue-id: e}]}\n"
                          "  d: {run: x, queue-id: q, hosts: [{id: c}, {id: d, queue-id: h}]}\n")),
            "e:1 |h:1 |p:1 |h:1 |");
}

TEST(PlannerKeys, ALaneOfEachAgentIsNamedByIt) {
  EXPECT_EQ(Groups(PlanOf("  top: {run: x, queue-id: {name: q, scope: agent}, hosts: [{url: 'http://a'}, "
                          "{url: 'http://b'}, {url: 'http://a'}]}\n")),
            "q at a:4000:1 |q at b:4000:1 |q at a:4000:1 |");
}

TEST(PlannerKeys, ParallelIsALimitOfOneInstance) {
  EXPECT_EQ(Groups(PlanOf("  top: {run: x, parallel: 2, hosts: [{id: a}, {id: b}, {id: c}]}\n")),
            "*2 of 'top' at a time:2 |*2 of 'top' at a time:2 |*2 of 'top' at a time:2 |");
  EXPECT_EQ(Groups(PlanOf("  top: {run: x, parallel: 3, hosts: [{id: a}, {id: b}, {id: c}]}\n")), "|||");
  EXPECT_EQ(Groups(PlanOf("  top: {run: x, parallel: 0, hosts: [{id: a}, {id: b}]}\n")), "||");
}

// An `after` entry is an instance each time it is reached, with a limit of its own and the same lane.
TEST(PlannerKeys, RepeatedInstancesShareLanesAndNotLimits) {
  Plan plan = PlanOf(
      "  top: {run: x, after: [{name: a}, {name: a}]}\n"
      "  a: {run: x, parallel: 1, queue-id: q, hosts: [{id: h}, {id: i}]}\n");
  ASSERT_EQ(plan.tasks.size(), 5u);
  EXPECT_EQ(plan.groups.size(), 3u);
  EXPECT_EQ(plan.tasks[1].groups, plan.tasks[2].groups);
  EXPECT_NE(plan.tasks[1].groups, plan.tasks[3].groups);
  EXPECT_EQ(Groups(plan),
            "|*1 of 'a' at a time:1 q:1 |*1 of 'a' at a time:1 q:1 |q:1 *1 of 'a' at a time:1 |"
            "q:1 *1 of 'a' at a time:1 |");
}

TEST(PlannerKeys, TimesAndRetriesFollowThePrecedence) {
  Plan plan = PlanOf(
      "  top:\n"
      "    run: x\n"
      "    timeout: 10\n"
      "    grace: 2s\n"
      "    retries: 3\n"
      "    retry_delay: 5s\n"
      "    retry_backoff: 1.5\n"
      "    log_limit: 3KiB\n"
      "    inherit_env: yes\n"
      "    hosts: [{id: a}, {id: b, timeout: 1m, retries: 0}, {id: c, timeout: 0}]\n");
  const TaskSpec& a = plan.spec(0);
  EXPECT_EQ(a.timeout, Duration(seconds(10)));
  EXPECT_EQ(a.grace, seconds(2));
  EXPECT_EQ(a.retry, (RetryPolicy{3, seconds(5), 1500}));
  EXPECT_EQ(a.log_limit_bytes, 3 << 10);
  EXPECT_TRUE(a.inherit_env);
  EXPECT_EQ(plan.spec(1).timeout, Duration(seconds(60)));
  EXPECT_EQ(plan.spec(1).retry, (RetryPolicy{0, seconds(5), 1500}));
  EXPECT_FALSE(plan.spec(2).timeout);
}

// The same project with other retries is another instance; with the same ones it is one.
TEST(PlannerKeys, OverridesOfAnEntryTellInstancesApart) {
  auto instances = [](const std::string& entries) {
    return PlanOf("  top: {run: x, before: [" + entries + "]}\n  d: {run: x, retries: 2}\n").instances.size();
  };
  EXPECT_EQ(instances("{name: d}, {name: d, retries: 2}"), 2u);
  EXPECT_EQ(instances("{name: d}, {name: d, retries: 3}"), 3u);
  EXPECT_EQ(instances("{name: d, timeout: 5}, {name: d, timeout: 5s}"), 2u);
  EXPECT_EQ(instances("{name: d, queue-id: q}, {name: d, queue-id: {name: q, scope: agent}}"), 3u);
}

TEST(PlannerKeys, ABranchIsWhatIsCloned) {
  EXPECT_EQ(PlanOf("  top: {path: 'https://example.org/r.git', branch: dev, action: x}\n").spec(0).source.ref, "dev");
  EXPECT_EQ(PlanOf("  top: {ref: v1.0, path: 'https://example.org/r.git', action: x}\n").spec(0).source.ref, "v1.0");
  EXPECT_EQ(PlanOf("  top: {branch: HEAD, path: 'https://example.org/r.git', action: x}\n").spec(0).source.ref, "");
}

}  // namespace
}  // namespace cromt
