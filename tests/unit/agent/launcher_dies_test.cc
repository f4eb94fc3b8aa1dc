// A launcher that dies while its agent decides.
#include <signal.h>

#include <fstream>
#include <sstream>

#include "tests/unit/agent/agent_with_launcher.h"

namespace cromt {
namespace {

class LauncherDiesTest : public AgentWithLauncher {
 protected:
  // It needs no workspace, which is cleaned as it is called lost.
  static TaskSpec In(const std::string& directory, std::vector<std::string> command) {
    TaskSpec spec;
    spec.work = Command{std::move(command)};
    spec.source.directory = directory;
    return spec;
  }
  // Of this agent; 0 = there is none.
  pid_t Launcher() const {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline");
      std::ostringstream command;
      command << file.rdbuf();
      if (command.str().find("cromt-launcher") != std::string::npos && command.str().find(dir_) != std::string::npos)
        return static_cast<pid_t>(std::stoi(entry.path().filename().string()));
    }
    return 0;
  }
};

// Seed 210018098 of the simulator: the job came in the same step as the news that the launcher is gone. It was called
// lost, and the next launcher got the order.
TEST_F(LauncherDiesTest, WhatItWasToStartIsNotStartedByTheNext) {
  StartAgent();
  EXPECT_EQ(EndOf(Submit(In(dir_, {"true"}))).kind, AttemptResult::Kind::kExited);
  const pid_t launcher = Launcher();
  ASSERT_NE(launcher, 0);

  std::promise<void> busy, dead, answered;
  agent_->Post(agent_input::Inspect{[&](const AgentQueue&) {
    busy.set_value();
    dead.get_future().wait();
  }});
  busy.get_future().wait();
  ASSERT_EQ(::kill(launcher, SIGKILL), 0);
  WaitFor("the launcher is dead", [&] { return Launcher() != launcher; });
  const RunId lost = Submit(In(dir_, {"touch", "ran"}), [&](Result<RunId>) { answered.set_value(); });
  dead.set_value();
  answered.get_future().wait();
  EXPECT_EQ(EndOf(lost).reason, "lost: the launcher died");
  EXPECT_EQ(EndOf(Submit(In(dir_, {"true"}))).kind,
            AttemptResult::Kind::kExited);  // it has been asked for this one after the other
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/ran"));
}

}  // namespace
}  // namespace cromt
