// A launcher that dies while its agent decides.
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "agent/launcher/process_table.h"
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

// Seed 900025502 of the simulator: the agent's directory was removed, and then its launcher died, which left a job. The
// next agent of that name took up tasks of its lane.
TEST_F(LauncherDiesTest, WhatAnEarlierInstallationOfThisAgentHasLeftIsStopped) {
  std::promise<std::string> told;
  auto start = [&](const std::string& name) {
    AgentOptions options{.name = name};
    options.launcher.cgroup = "none";
    options.warn = [&told](const std::string& text) {
      if (text.find("earlier installation") != std::string::npos) told.set_value(text);
    };
    StartAgent(std::move(options));
  };
  auto lives = [](pid_t pid) {
    const auto all = launcher::ReadAllProcesses();
    return std::ranges::any_of(all, [&](const auto& process) { return process.pid == pid && !process.zombie; });
  };
  start("web1");
  Submit(In(dir_, {"sh", "-c", "echo $$ >pid.new; mv pid.new pid; exec sleep 300"}));
  WaitFor("the job runs", [&] { return std::filesystem::exists(dir_ + "/pid"); });
  pid_t job = 0;
  std::ifstream(dir_ + "/pid") >> job;
  ASSERT_GT(job, 1);
  auto removed = [&] {
    agent_.reset();
    const pid_t launcher = Launcher();
    if (launcher != 0) ::kill(launcher, SIGKILL);
    WaitFor("the launcher is dead", [&] { return Launcher() == 0; });
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) std::filesystem::remove_all(entry.path());
  };
  removed();
  EXPECT_TRUE(lives(job));
  start("web2");  // of another agent it is nothing
  EXPECT_EQ(EndOf(Submit(In(dir_, {"true"}))).kind, AttemptResult::Kind::kExited);
  EXPECT_TRUE(lives(job));
  removed();
  start("web1");
  EXPECT_EQ(told.get_future().get(),
            "an earlier installation of this agent is gone: a process that it left running was stopped");
  EXPECT_FALSE(lives(job));
}

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
