// An agent of a directory of its own, with the real launcher.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "agent/agent.h"

namespace cromt {

class AgentWithLauncher : public testing::Test {
 protected:
  AgentWithLauncher() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cromt-agent-XXXXXX").string();
    dir_ = mkdtemp(pattern.data());
  }
  ~AgentWithLauncher() override {
    if (agent_) agent_->ShutDownLauncher();
    agent_.reset();
    std::error_code gone;  // the launcher takes its socket away as it ends, maybe in between
    std::filesystem::remove_all(dir_, gone);
  }

  void StartAgent(Duration orphan_timeout = std::chrono::minutes(1)) {
    AgentOptions options;
    options.launcher.orphan_timeout = orphan_timeout;
    StartAgent(std::move(options));
  }
  void StartAgent(AgentOptions options) {
    options.data_dir = dir_;
    options.slots = 1;
    options.program_dir = Programs();
    auto agent = Agent::Start(std::move(options));
    ASSERT_TRUE(agent) << agent.error().message;
    agent_ = std::move(*agent);
  }

  // `answered`: on the supervisor's thread.
  RunId Submit(TaskSpec spec, std::function<void(Result<RunId>)> answered) {
    spec.name = "job";
    spec.project = "p";
    const RunId job = agent_->NewJobId();
    agent_->Post(agent_input::Tell{
        queue_event::JobSubmitted{job, RequestId(job.text()), std::make_shared<const TaskSpec>(std::move(spec))},
        std::move(answered)});
    return job;
  }
  RunId Submit(TaskSpec spec) {
    std::promise<Result<RunId>> answer;
    RunId job = Submit(std::move(spec), [&](Result<RunId> result) { answer.set_value(std::move(result)); });
    const Result<RunId> queued = answer.get_future().get();
    EXPECT_TRUE(queued) << queued.error().message;
    return job;
  }

  // Waits for it.
  AttemptResult EndOf(const RunId& job) {
    std::optional<AttemptResult> end;
    WaitFor("the end of " + job.text(), [&] {
      std::promise<void> looked;
      agent_->Post(agent_input::Inspect{[&](const AgentQueue& queue) {
        for (const QueuedAttempt* one : queue.Jobs())
          if (one->id.run == job && one->phase == QueuedAttempt::Phase::kEnded) end = one->result;
        looked.set_value();
      }});
      looked.get_future().wait();
      return end.has_value();
    });
    return end.value_or(AttemptResult{});
  }

  template <class Condition>
  void WaitFor(const std::string& what, const Condition& condition) {
    constexpr std::chrono::seconds kCap{30};
    const auto deadline = std::chrono::steady_clock::now() + kCap;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << what;
      ::poll(nullptr, 0, 2);
    }
  }

  std::string dir_;
  std::unique_ptr<Agent> agent_;

 private:
  static std::string Programs() {
    if (const char* bin = std::getenv("CROMT_BIN")) return bin;
    return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../bin").string();
  }
};

}  // namespace cromt
