// A launcher that nobody came back to: what the next agent does with it, and what becomes of its job.
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>

#include "agent/agent.h"

namespace cromt {
namespace {

constexpr std::chrono::seconds kCap{30};

std::string Programs() {
  if (const char* bin = std::getenv("CROMT_BIN")) return bin;
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../bin").string();
}

class LeftLauncherTest : public testing::Test {
 protected:
  LeftLauncherTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cromt-left-XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
  }
  ~LeftLauncherTest() override {
    if (agent_) agent_->ShutDownLauncher();
    agent_.reset();
    std::error_code gone;  // the launcher takes its socket away as it ends, maybe in between
    std::filesystem::remove_all(dir_, gone);
  }

  void StartAgent() {
    AgentOptions options{.data_dir = dir_, .slots = 1, .program_dir = Programs()};
    options.launcher.orphan_timeout = seconds(1);
    auto agent = Agent::Start(std::move(options));
    ASSERT_TRUE(agent) << agent.error().message;
    agent_ = std::move(*agent);
  }

  // A job that outlives the TERM by its grace.
  RunId Submit() {
    TaskSpec spec{.name = "stubborn", .project = "p"};
    spec.work = Script{.text = "trap '' TERM; touch " + dir_ + "/up; while :; do sleep 0.05; done"};
    spec.grace = milliseconds(1500);
    const RunId job = agent_->NewJobId();
    std::promise<Result<RunId>> answer;
    agent_->Post(agent_input::Tell{
        queue_event::JobSubmitted{job, RequestId("request"), std::make_shared<const TaskSpec>(std::move(spec))},
        [&](Result<RunId> result) { answer.set_value(std::move(result)); }});
    const Result<RunId> queued = answer.get_future().get();
    EXPECT_TRUE(queued) << queued.error().message;
    return job;
  }

  // The job's end; nothing while it has none.
  std::optional<AttemptResult> End() {
    std::promise<std::optional<AttemptResult>> answer;
    agent_->Post(agent_input::Inspect{[&](const AgentQueue& queue) {
      const auto jobs = queue.Jobs();
      const bool ended = jobs.size() == 1 && jobs[0]->phase == QueuedAttempt::Phase::kEnded;
      answer.set_value(ended ? std::optional(jobs[0]->result) : std::nullopt);
    }});
    return answer.get_future().get();
  }

  template <class Condition>
  void WaitFor(const std::string& what, const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kCap;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << what;
      ::poll(nullptr, 0, 2);
    }
  }

  std::string dir_;
  std::unique_ptr<Agent> agent_;
};

TEST_F(LeftLauncherTest, AnAgentThatComesWhileItStopsItsJobsWaitsAndCallsThemLost) {
  StartAgent();
  Submit();
  WaitFor("the job runs", [&] { return std::filesystem::exists(dir_ + "/up"); });
  agent_.reset();
  WaitFor("the launcher gives up", [&] { return std::filesystem::exists(launcher::LeftPath(dir_)); });
  StartAgent();
  WaitFor("the job's end", [&] { return End().has_value(); });
  const AttemptResult result = *End();
  EXPECT_EQ(result.kind, AttemptResult::Kind::kLost);
  EXPECT_EQ(result.reason, "lost: the launcher died; no agent had come for 1.0s, so it had stopped its jobs and left");
  EXPECT_FALSE(std::filesystem::exists(launcher::LeftPath(dir_))) << "said once";
}

}  // namespace
}  // namespace cromt
