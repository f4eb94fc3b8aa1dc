// Which instance's artifact an `in:` means, and what is refused when planned.
#include <gtest/gtest.h>

#include "core/planner.h"
#include "io/config/job_reader.h"

namespace cromt {
namespace {

// The plan of the project `top`, or why there is none.
Result<Plan> PlanOf(const std::string& projects) {
  JobFileReading reading = ReadJobFile("projects:\n" + projects, "f");
  EXPECT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  return reading.file ? PlanRun(*reading.file, "top", {}, {}) : Fail(ErrorCode::kInvalid, "not read");
}

// "x of a" for each input of the last instance of `project`.
std::string InputsOf(const Result<Plan>& plan, const std::string& project) {
  if (!plan) return plan.error().message;
  std::string text;
  for (const PlannedInstance& instance : plan->instances) {
    if (instance.project != project) continue;
    text.clear();
    for (const PlannedInput& input : instance.inputs)
      text += input.name + " of " + plan->instances[input.producer].project + (input.all_hosts ? ", all hosts;" : ";");
  }
  return text;
}

// a ──▶ top
TEST(ArtifactPlan, OfWhatComesBefore) {
  auto plan = PlanOf(
      "  top: {run: x, artifacts: {in: [x, {file: y, hosts: all}]}, before: [{name: a}]}\n"
      "  a: {run: x, artifacts: {out: [{file: x, path: o}, {file: y, path: p/*}]}}\n");
  EXPECT_EQ(InputsOf(plan, "top"), "x of a;y of a, all hosts;");
  EXPECT_EQ(plan->spec(plan->instances[0].first_task).publishes, (std::vector<ArtifactOut>{{"x", "o"}, {"y", "p/*"}}));
}

// a ──▶ b ──▶ top, and a publishes
TEST(ArtifactPlan, OfWhatComesBeforeThat) {
  EXPECT_EQ(InputsOf(PlanOf("  top: {run: x, artifacts: {in: [x]}, before: [{name: b}]}\n"
                            "  b: {run: x, before: [{name: a}]}\n"
                            "  a: {run: x, artifacts: {out: [{file: x, path: o}]}}\n"),
                     "top"),
            "x of a;");
}

// a ──▶ b ──▶ top; both publish, and b takes what a made
TEST(ArtifactPlan, OfTwoInOrderTheLast) {
  auto plan = PlanOf(
      "  top: {run: x, artifacts: {in: [x]}, before: [{name: b}]}\n"
      "  b: {run: x, before: [{name: a}], artifacts: {in: [x], out: [{file: x, path: o}]}}\n"
      "  a: {run: x, artifacts: {out: [{file: x, path: o}]}}\n");
  EXPECT_EQ(InputsOf(plan, "top"), "x of b;");
  EXPECT_EQ(InputsOf(plan, "b"), "x of a;");
}

// What runs after a project has it too, and so has who waits for the project.
TEST(ArtifactPlan, AfterIsOrderedToo) {
  EXPECT_EQ(InputsOf(PlanOf("  top: {run: x, artifacts: {out: [{file: x, path: o}]}, after: [{name: c}]}\n"
                            "  c: {run: x, artifacts: {in: [x]}}\n"),
                     "c"),
            "x of top;");
  EXPECT_EQ(InputsOf(PlanOf("  top: {run: x, artifacts: {in: [x]}, before: [{name: m}]}\n"
                            "  m: {run: x, after: [{name: c}]}\n"
                            "  c: {run: x, artifacts: {out: [{file: x, path: o}]}}\n"),
                     "top"),
            "x of c;");
}

TEST(ArtifactPlan, NobodyBeforePublishesIt) {
  EXPECT_EQ(InputsOf(PlanOf("  top: {run: x, artifacts: {in: [x]}, before: [{name: a}]}\n  a: {run: x}\n"), "top"),
            "f:2:34: error: nothing before 'top' publishes 'x'; a project that 'top' lists in 'before' must have it in "
            "artifacts: out");
  EXPECT_EQ(InputsOf(PlanOf("  top: {run: x, artifacts: {in: [x]}, after: [{name: a}]}\n"
                            "  a: {run: x, artifacts: {out: [{file: x, path: o}]}}\n"),
                     "top"),
            "f:2:34: error: nothing before 'top' publishes 'x'; 'a' does, but 'top' does not wait for it: list it in "
            "'before'");
}

// a, b ──▶ top
TEST(ArtifactPlan, TwoInNoOrderAreRefused) {
  EXPECT_EQ(InputsOf(PlanOf("  top: {run: x, before: [{name: a}, {name: b}]}\n"
                            "  a: {run: x, artifacts: {out: [{file: x, path: o}]}}\n"
                            "  b: {run: x, artifacts: {out: [{file: x, path: o}]}}\n"),
                     "top"),
            "f:4:3: error: 'a' and 'b' both publish 'x', and neither depends on the other");
  EXPECT_EQ(
      InputsOf(PlanOf("  top: {run: x, before: [{name: a, vars: {A: 1}}, {name: a, vars: {A: 2}}]}\n"
                      "  a: {run: x, artifacts: {out: [{file: x, path: o}]}}\n"),
               "top"),
      "f:3:3: error: 'a' runs twice in no order and publishes 'x' each time: a task that wants it could get either");
}

// A diamond, whose bottom is one instance.
TEST(ArtifactPlan, ADiamondsBottomPublishesOnce) {
  EXPECT_EQ(InputsOf(PlanOf("  top: {run: x, artifacts: {in: [x]}, before: [{name: l}, {name: r}]}\n"
                            "  l: {run: x, before: [{name: a}]}\n  r: {run: x, before: [{name: a}]}\n"
                            "  a: {run: x, artifacts: {out: [{file: x, path: o}]}}\n"),
                     "top"),
            "x of a;");
}

}  // namespace
}  // namespace cromt
