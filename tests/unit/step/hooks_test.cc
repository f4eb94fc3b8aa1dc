// Hooks, subtasks and defaults as the original has them, and what a hostile one can't do.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/step/task/task_runner.h"
#include "step_process.h"
#include "temporary_repository.h"

namespace cromt::step {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Hooks : public ::testing::Test {
 protected:
  void Write(const std::string& path, std::string_view text) { repository_.Write("tasks/t/" + path, text); }
  StepResult Run() { return RunSteps(repository_.path(), {"t"}); }
  TemporaryRepository repository_;
};

TEST_F(Hooks, SubtasksThenItsOwnOutputThenTheTask) {
  Write("hook.bash", "echo hidden; run_task a; echo hidden >&2; run_task b; set_stdout one; set_stdout two\n");
  Write("tasks/a/task.bash", "echo a\n");
  Write("tasks/b/task.bash", "echo b\n");
  Write("task.bash", "echo main\n");
  StepResult result = Run();
  EXPECT_EQ(result.out, "a\nb\none\ntwo\nmain\n");
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.marks, ElementsAre(Mark(TaskBegan{"task.bash - tasks/t"}), Mark(TaskEnded{.name = "tasks/t"}),
                                        Mark(TaskBegan{"task.bash - tasks/t"}), Mark(TaskEnded{.name = "tasks/t"}),
                                        Mark(SectionBegan{"hook stdout"}), Mark(TaskBegan{"task.bash - tasks/t"}),
                                        Mark(TaskEnded{.name = "tasks/t"})));
}

TEST_F(Hooks, ByHandTheyStandUnderTheirHeadings) {
  Write("hook.bash", "set_stdout one\n");
  Write("task.bash", "echo main\n");
  EXPECT_EQ(StepProcess(repository_.path(), {"t"}, {}, false).Wait().text,
            "[hook stdout]\none\n[task run: task.bash - tasks/t]\n[task stdout]\nmain\n");
}

TEST_F(Hooks, SubtasksHaveHooksOfTheirOwn) {
  Write("hook.bash", "run_task a\n");
  Write("tasks/a/hook.bash", "run_task b/c\n");  // subtasks are all found below the root
  Write("tasks/b/c/task.bash", "echo deep\n");
  EXPECT_EQ(Run().out, "deep\n");
}

TEST_F(Hooks, OneThatFailsRunsNothing) {
  Write("hook.bash", "run_task a; echo said; echo complained >&2; exit 3\n");
  Write("tasks/a/task.bash", "echo a\n");
  Write("task.bash", "echo main\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 101);
  EXPECT_THAT(result.out, HasSubstr("said\ncomplained\n"));
  EXPECT_THAT(result.out, Not(HasSubstr("main")));
  EXPECT_THAT(result.marks, ElementsAre(Mark(TaskEnded{.name = "tasks/t", .exit_code = 3, .is_hook = true}),
                                        Mark(SectionBegan{"hook stdout"}), Mark(SectionBegan{"hook stderr"})));
}

TEST_F(Hooks, AnIgnoredErrorIsSaidByNobody) {
  Write("hook.bash", "ignore_error; run_task bad; run_task good\n");
  Write("tasks/bad/task.bash", "echo bad; exit 3\n");
  Write("tasks/good/task.bash", "echo good\n");
  Write("task.bash", "exit 4\n");
  StepResult result = Run();
  EXPECT_EQ(result.out, "bad\ngood\n");
  EXPECT_EQ(result.code, 4);  // it counts for one task
  EXPECT_THAT(result.marks, Not(Contains(Mark(TaskEnded{.name = "tasks/t", .exit_code = 3}))));
}

TEST_F(Hooks, AFailedSubtaskEndsTheJob) {
  Write("hook.bash", "run_task bad; run_task good\n");
  Write("tasks/bad/task.bash", "exit 3\n");
  Write("tasks/good/task.bash", "echo good\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.out, "");
}

TEST_F(Hooks, DefaultsLieUnderTheParametersDeeply) {
  Write("config.yaml", "a: {x: 1, y: 2}\nlist: [1, 2]\nport: 80\n");
  Write("task.bash", "echo $(config a.x) $(config a.y) \"$(config list)\" $(config port)\n");
  repository_.Write(".tom/s.raku", "task-run 'tasks/t', %(a => %(y => 3), list => ['z']);\n");
  EXPECT_EQ(RunSteps(repository_.path(), {"s"}).out, "1 3 (z) 80\n");
  EXPECT_EQ(Run().out, "1 2 (1 2) 80\n");
}

TEST_F(Hooks, DefaultsMayBeInRaku) {
  Write("config.raku", "%( a => %( x => 1, home => %*ENV<HOME> ), list => [1, 2] )\n");
  Write("config.yaml", "a: other\n");
  Write("task.bash", "echo $(config a.x) $(config a.home) $(config list)\n");
  EXPECT_EQ(RunSteps(repository_.path(), {"t"}, {{"HOME", "/h"}}).out, "1 /h (1 2)\n");
  Write("config.raku", "class A { }\n");
  StepResult result = RunSteps(repository_.path(), {"t"}, {{"PATH", "/nowhere"}});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.notes,
            "tasks/t: tasks/t/config.raku:1:1: 'class' is outside what cromt reads itself yet; rakudo runs it: install "
            "rakudo\n");
}

TEST_F(Hooks, ASubtaskCanBeNamedByAScenario) {
  Write("config.yaml", "k: v\n");
  Write("tasks/sub/task.bash", "echo $(config k) ${root_dir##*/} ${task_dir##*/}\n");
  repository_.Write(".tom/s.raku", "task-run 'tasks/t@tasks/sub';\n");
  EXPECT_EQ(RunSteps(repository_.path(), {"s"}).out, "v t sub\n");
}

TEST_F(Hooks, WhatLibAndBinHoldIsFound) {
  Write("bin/hello", "#!/bin/sh\necho from bin\n");
  Write("lib/own.py", "TEXT = 'from lib'\n");
  repository_.MakeExecutable("tasks/t/bin/hello");
  Write("hook.bash", "run_task b; run_task p\n");
  Write("tasks/b/task.bash", "hello\n");
  Write("tasks/p/task.py", "import own\nprint(own.TEXT)\n");
  EXPECT_EQ(Run().out, "from bin\nfrom lib\n");
}

TEST_F(Hooks, CommonCodeIsThere) {
  Write("common.bash", "greet() { echo hello $1; }\n");
  Write("tasks/a/common.bash", "name=a\n");
  Write("tasks/a/task.bash", "greet $name\n");
  Write("hook.bash", "run_task a\n");
  EXPECT_EQ(Run().out, "hello a\n");
}

// ---- Hostile ones -------------------------------------------------------------------------------

TEST_F(Hooks, ASubtaskOfItselfEndsAtABound) {
  Write("tasks/a/hook.bash", "run_task a\n");
  Write("hook.bash", "run_task a\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.notes, "tasks/t: subtasks lie more than 32 deep in each other\n");
}

TEST_F(Hooks, OneThatPrintsForEverIsKilled) {
  Write("hook.bash", "while :; do echo task: a; done\n");
  Write("tasks/a/task.bash", "echo a\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.notes, "tasks/t: it printed more than 4194304 bytes and was killed\n");
}

TEST_F(Hooks, ASubtaskLiesInTheRepository) {
  Write("hook.bash", "echo task: ../../../etc\n");
  EXPECT_EQ(Run().notes,
            "tasks/t: tasks/t/hook.bash: task path 'tasks/../../../etc' leaves the repository with '..'\n");
  Write("hook.bash", "echo task: out\n");
  repository_.Link("/etc", "tasks/t/tasks/out");
  EXPECT_EQ(Run().notes, "tasks/t: 'tasks/t/tasks/out' leads out of the repository\n");
  Write("hook.bash", "echo task: none\n");
  EXPECT_EQ(Run().notes, "tasks/t: task directory 'tasks/t/tasks/none' does not exist\n");
}

// What an earlier task left running must not speak for a hook.
TEST_F(Hooks, ABackgroundProcessIsNoHook) {
  repository_.Write("tasks/left/task.bash",
                    "{ until [ -e go ]; do sleep 0.01; done; echo task: evil; touch said; } & echo left\n");
  Write("hook.bash", "touch go; until [ -e said ]; do sleep 0.01; done; sleep 0.05\n");
  Write("tasks/evil/task.bash", "echo evil\n");
  Write("task.bash", "echo main\n");
  StepResult result = RunSteps(repository_.path(), {"left", "t"});
  EXPECT_EQ(result.out, "left\ntask: evil\nmain\n");
}

TEST_F(Hooks, StateThatIsNoStateIsSaid) {
  Write("task.bash", "echo '{' >$cache_root_dir/state.json\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.notes, "tasks/t: the state that it left: it is not JSON\n");
  Write("task.bash", "mkfifo $cache_root_dir/state.json\n");
  EXPECT_THAT(Run().notes, HasSubstr("is not a regular file"));
  Write("task.bash", "ln -s /etc/passwd $cache_root_dir/state.json\n");
  EXPECT_EQ(Run().code, 1);
}

TEST_F(Hooks, BrokenDefaultsRunNothing) {
  Write("config.yaml", "a: 1\na: 2\n");
  Write("task.bash", "echo ran\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.notes, "tasks/t: tasks/t/config.yaml:2:1: error: duplicate key 'a'; the first is at 1:1\n");
  EXPECT_THAT(result.marks, IsEmpty());
}

}  // namespace
}  // namespace cromt::step
