// A launcher that nobody came back to: what the next agent does with it, and what becomes of its job.
#include "tests/unit/agent/agent_with_launcher.h"

namespace cromt {
namespace {

using LeftLauncherTest = AgentWithLauncher;

TEST_F(LeftLauncherTest, AnAgentThatComesWhileItStopsItsJobsWaitsAndCallsThemLost) {
  StartAgent(seconds(1));
  TaskSpec stubborn;  // it outlives the TERM by its grace
  stubborn.work = Script{.text = "trap '' TERM; touch " + dir_ + "/up; while :; do sleep 0.05; done"};
  stubborn.grace = milliseconds(1500);
  const RunId job = Submit(std::move(stubborn));
  WaitFor("the job runs", [&] { return std::filesystem::exists(dir_ + "/up"); });
  agent_.reset();
  WaitFor("the launcher gives up", [&] { return std::filesystem::exists(launcher::LeftPath(dir_)); });
  StartAgent(seconds(1));
  const AttemptResult result = EndOf(job);
  EXPECT_EQ(result.kind, AttemptResult::Kind::kLost);
  EXPECT_EQ(result.reason, "lost: the launcher died; no agent had come for 1.0s, so it had stopped its jobs and left");
  EXPECT_FALSE(std::filesystem::exists(launcher::LeftPath(dir_))) << "said once";
}

}  // namespace
}  // namespace cromt
