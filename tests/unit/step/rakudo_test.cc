// Scenarios beyond what cromt reads itself, run by the real rakudo; and the two options that change what is shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "step_process.h"
#include "temporary_repository.h"

namespace cromt::step {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class UnderRakudo : public ::testing::Test {
 protected:
  void SetUp() override {
    repository_.Write("tasks/t/task.bash", "echo \"task $(config name)\"; update_state key \"$(config name)!\"\n");
  }
  void Scenario(std::string_view text) {
    // A class is what no version of ours will read.
    repository_.Write(".tom/s.raku", std::string("class Out { method side { 'outside' } }\n").append(text));
  }
  StepResult Run(const Variables& variables = {}) {
    Variables all = {{"HOME", repository_.path()}};
    all.insert(variables.begin(), variables.end());
    return RunSteps(repository_.path(), {"s"}, all);
  }
  TemporaryRepository repository_;
};

TEST_F(UnderRakudo, TasksRunInTheirPlaceAndLeaveTheirState) {
  Scenario("say Out.side;\nmy %s = task-run 'tasks/t', %(name => 'a \"b\"');\nsay %s<key>;\nbash 'echo from bash';\n");
  StepResult result = Run();
  EXPECT_EQ(result.out, "outside\ntask a \"b\"\na \"b\"!\nfrom bash\n") << result.err << result.notes;
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.marks.at(0), Mark(TaskBegan{"task.bash - tasks/t"}));
}

TEST_F(UnderRakudo, AFailedTaskEndsIt) {
  repository_.Write("tasks/bad/task.bash", "exit 7\n");
  Scenario("task-run 'tasks/bad';\nsay 'never';\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 7);
  EXPECT_EQ(result.out, "");
}

TEST_F(UnderRakudo, ItsOwnEndIsTheJobs) {
  Scenario("exit 9;\n");
  EXPECT_EQ(Run().code, 9);
  Scenario("die 'enough';\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("enough"));
}

TEST_F(UnderRakudo, ItKnowsConfigTagsAndSystem) {
  repository_.Write(".tom/env/config.raku", "%( db => %( host => 'h' ) )\n");
  Scenario("say config()<db><host>, ' ', tags()<a>, ' ', os().chars > 0;\n");
  StepResult result = Run({{"SP6_TAGS", "a=1"}});
  EXPECT_THAT(result.out, HasSubstr("h 1 True\n")) << result.err << result.notes;
}

TEST_F(UnderRakudo, AMistakeInACallHasItsLine) {
  Scenario("\ntask-run 'tasks/none';\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.notes, ".tom/s.raku:3:1: task directory 'tasks/none' does not exist\n");
}

TEST_F(UnderRakudo, DefaultsOfATaskMayNeedIt) {
  repository_.Write("tasks/t/config.raku", "my @l = <a b>; %( name => @l.join('-').uc, more => %( n => 1 + 1 ) )\n");
  repository_.Write("tasks/t/task.bash", "echo \"$(config name) $(config more.n)\"\n");
  StepResult result = RunSteps(repository_.path(), {"t"}, {{"HOME", repository_.path()}});
  EXPECT_EQ(result.out, "A-B 2\n") << result.err << result.notes;
  Scenario("task-run 'tasks/t';\n");  // asked for by a scenario that rakudo runs itself
  EXPECT_EQ(Run().out, "A-B 2\n");
  repository_.Write("tasks/t/config.raku", "die 'no value'.lc;\n");
  result = RunSteps(repository_.path(), {"t"}, {{"HOME", repository_.path()}});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.err, HasSubstr("no value"));
  EXPECT_EQ(result.notes, "tasks/t: tasks/t/config.raku: rakudo could not evaluate it: exit code 1\n");
  repository_.Write("tasks/t/config.raku", "'text'.uc\n");
  EXPECT_EQ(RunSteps(repository_.path(), {"t"}, {{"HOME", repository_.path()}}).notes,
            "tasks/t: tasks/t/config.raku: the configuration is no map\n");
}

TEST_F(UnderRakudo, TheConfigurationOfScenariosMayNeedIt) {
  repository_.Write(".tom/env/config.raku", "%( name => 'x'.uc )\n");
  repository_.Write(".tom/native.raku", "say config()<name>;\n");
  StepResult result = RunSteps(repository_.path(), {"native"}, {{"HOME", repository_.path()}});
  EXPECT_EQ(result.out, "load configuration from .tom/env/config.raku\nX\n") << result.err << result.notes;
  EXPECT_THAT(
      RunSteps(repository_.path(), {"native"}, {{"PATH", "/nowhere"}}).notes,
      HasSubstr("config.raku:1:15: the method .uc is outside what cromt reads itself yet; rakudo runs it: install"));
}

TEST_F(UnderRakudo, WithoutRakudoNothingRuns) {
  repository_.Write(".tom/first.raku", "say 'ran';\n");
  Scenario("say 'never';\n");
  StepResult result = RunSteps(repository_.path(), {"first", "s"}, {{"PATH", "/nowhere"}});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.notes,
            ".tom/s.raku:1:1: 'class' is outside what cromt reads itself yet; rakudo runs it: install rakudo\n");
}

TEST_F(UnderRakudo, WhatManyTasksLeftBehindDoesNotCostItsOwnOutput) {
  repository_.Write("tasks/leaves/task.bash", "sleep 60 & echo $! >>pids\n");
  Scenario("for 1..33 { task-run 'tasks/leaves' }\nsay 'still heard';\n");
  StepResult result = Run();
  EXPECT_EQ(result.out, "still heard\n") << result.notes;
  std::ifstream pids(repository_.path() + "/pids");
  int left = 0;
  for (pid_t pid; pids >> pid; ++left) EXPECT_EQ(::kill(pid, SIGKILL), 0);
  EXPECT_EQ(left, 33);
}

TEST_F(UnderRakudo, AHostWithTomAloneRunsTheOriginal) {
  repository_.Write("bin/tom", "#!/bin/sh\necho \"tom $*\"; exit 3\n");
  repository_.MakeExecutable("bin/tom");
  Scenario("say 'never';\n");
  StepResult result = RunSteps(repository_.path(), {"--env", "prod", "s"}, {{"PATH", repository_.path() + "/bin"}});
  EXPECT_EQ(result.out, "tom --no_index_update --env=prod s\n") << result.notes;
  EXPECT_EQ(result.code, 3);
}

// ---- --quiet and --dump_task ------------------------------------------------------------------

TEST(Options, QuietShowsNoHeadings) {
  TemporaryRepository repository;
  repository.Write("tasks/t/task.bash", "echo out; echo err >&2\n");
  StepResult result = StepProcess(repository.path(), {"--quiet", "t"}, {}, false).Wait();
  EXPECT_EQ(result.text, "out\nerr\n");
  EXPECT_EQ(RunSteps(repository.path(), {"--quiet", "t"}).marks.at(0),
            Mark(TaskBegan{.title = "task.bash - tasks/t", .quiet = true}));
}

TEST(Options, TomYamlOfTheHomeHasThoseOfAllJobs) {
  TemporaryRepository repository, home;
  repository.Write("tasks/t/task.bash", "echo out\n");
  repository.Write(".tom/env/config.raku", "%( x => 'default' )");
  repository.Write(".tom/env/config.prod.raku", "%( x => 'prod' )");
  repository.Write(".tom/s.raku", "say config()<x>, ' ', tags()<a>; task-run 'tasks/t';");
  home.Write("tom.yaml", "profiles: [some-profile]\noptions:\n  quiet: true\n  env: prod\n  tags: a=1\n");
  const Variables variables = {{"HOME", home.path()}};
  EXPECT_EQ(StepProcess(repository.path(), {"s"}, variables, false).Wait().text,
            "load configuration from .tom/env/config.prod.raku\nprod 1\nout\n");
  EXPECT_EQ(RunSteps(repository.path(), {"--env", "default", "--tags", "a=2", "s"}, variables).out,
            "load configuration from .tom/env/config.raku\ndefault 2\nout\n");
  home.Write("options.yaml", "options: {tags: a=3}\n");
  TemporaryRepository linked;
  linked.Link(home.path() + "/options.yaml", "tom.yaml");
  EXPECT_THAT(RunSteps(repository.path(), {"s"}, {{"HOME", linked.path()}}).out, HasSubstr("default 3\n"));
  home.Write("tom.yaml", "options: {quiet: [\n");
  StepResult result = RunSteps(repository.path(), {"s"}, variables);
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.notes, HasSubstr("/tom.yaml:"));
  EXPECT_EQ(result.out, "");
}

TEST(Options, DumpTaskShowsTheProgram) {
  TemporaryRepository repository;
  repository.Write("tasks/t/task.bash", "# a task\necho out\n");
  EXPECT_EQ(
      StepProcess(repository.path(), {"--dump_task", "t"}, {}, false).Wait().text,
      "[dump code: task.bash]\n[1] # a task\n[2] echo out\n[task run: task.bash - tasks/t]\n[task stdout]\nout\n");
}

}  // namespace
}  // namespace cromt::step
