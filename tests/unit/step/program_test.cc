// cromt-step end to end: real bash, sh and python3.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <charconv>

#include "step_process.h"
#include "temporary_repository.h"

namespace cromt::step {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Mark Began(std::string title) {
  return TaskBegan{std::move(title)};
}
Mark Exited(std::string name, int code) {
  return TaskEnded{.name = std::move(name), .exit_code = code};
}

class Program : public ::testing::Test {
 protected:
  void Task(const std::string& name, std::string_view script) {
    repository_.Write("tasks/" + name + "/task.bash", script);
  }
  StepResult Run(const std::vector<std::string>& actions, const Variables& variables = {}) {
    return RunSteps(repository_.path(), actions, variables);
  }
  TemporaryRepository repository_;
};

class Article : public Program {
 protected:
  void SetUp() override {
    repository_.Write(".tom/hello.raku", "#!raku\ntask-run \"tasks/hello\", %(\n  worker => %*ENV<WORKER>\n);\n");
    Task("hello", "echo \"Hello worker \" $(config worker)!\n");
  }
};

TEST_F(Article, RunsUnchanged) {
  StepResult result = Run({"hello"}, {{"WORKER", "A"}});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, "Hello worker  A!\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.notes, "");
  EXPECT_THAT(result.marks, ElementsAre(Began("task.bash - tasks/hello"), Exited("tasks/hello", 0)));
}

TEST_F(Article, RunByHandPrintsText) {
  StepProcess process(repository_.path(), {"hello"}, {{"WORKER", "B"}}, false);
  StepResult result = process.Wait();
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.text, "[task run: task.bash - tasks/hello]\n[task stdout]\nHello worker  B!\n");
}

TEST_F(Article, WithoutTheVariableTheParameterIsEmpty) {
  EXPECT_EQ(Run({"hello"}).out, "Hello worker  !\n");
}

TEST_F(Program, ActionsRunInOrderInOnePlaceAndTheFirstFailureEndsThem) {
  Task("one", "echo one $WORKER; echo left > file");
  Task("two", "cat file; echo two");
  Task("bad", "echo bad; exit 5");
  StepResult result = Run({"one", "two", "bad", "one"}, {{"WORKER", "w"}});
  EXPECT_EQ(result.code, 5);
  EXPECT_EQ(result.out, "one w\nleft\ntwo\nbad\n");
  EXPECT_EQ(result.marks.back(), Exited("tasks/bad", 5));
  EXPECT_EQ(result.marks.size(), 6u);
}

TEST_F(Program, AScenarioStopsAtItsFirstFailure) {
  repository_.Write(".tom/s.raku", "say 'begin';\ntask-run 'tasks/bad';\nsay 'never';\n");
  Task("bad", "echo oops >&2; false");
  StepResult result = Run({"s", "s"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "begin\n");
  EXPECT_EQ(result.err, "oops\n");
}

TEST_F(Program, AKilledTaskIsAFailureThatNamesTheSignal) {
  Task("k", "printf half; kill -9 $$");
  StepResult result = Run({"k"});
  EXPECT_EQ(result.code, 137);
  EXPECT_EQ(result.out, "half");
  EXPECT_EQ(result.marks.back(), Mark(TaskEnded{.name = "tasks/k", .signal = 9}));
}

// Values that would do harm if any of them were pasted into a program.
constexpr std::string_view kHostileScenario = R"raku(
task-run 'tasks/SHELL', %(
  plain => 'a b  c',
  quotes => '"\'`$(echo INJECTED)${HOME};echo INJECTED',
  newline => "x\n\ny",
  backslash => 'a\nb\\\\c%s',
  env => %*ENV<V>,
  unicode => 'ünï…',
  'key with "quotes" $(echo INJECTED) ]' => 'k1',
  "key\nof\\lines" => 'k2',
  map => %( inner => %( deep => 7, list => ['x', 'y', 'z'], ), ),
  none => %*ENV<NOT_SET>,
);
)raku";

constexpr std::string_view kShellTask = R"sh(
ask() { printf '%s=<%s>\n' "$1" "$(config "$2")"; }
ask plain plain; ask quotes quotes; ask newline newline; ask backslash backslash; ask env env; ask unicode unicode
ask odd-key 'key with "quotes" $(echo INJECTED) ]'
ask lines-key 'key
of\lines'
ask deep map.inner.deep; ask list map.inner.list; ask missing no.such.key; ask none none; ask empty ''
echo "arguments=$#"
)sh";

constexpr std::string_view kShellAnswers =
    "plain=<a b  c>\n"
    "quotes=<\"'`$(echo INJECTED)${HOME};echo INJECTED>\n"
    "newline=<x\n\ny>\n"
    "backslash=<a\\nb\\\\c%s>\n"
    "env=<$(echo INJECTED) \"' \\ \xFF>\n"
    "unicode=<ünï…>\n"
    "odd-key=<k1>\n"
    "lines-key=<k2>\n"
    "deep=<7>\n"
    "list=<(x y z)>\n"
    "missing=<>\n"
    "none=<>\n"
    "empty=<>\n"
    "arguments=0\n";

class Parameters : public Program, public ::testing::WithParamInterface<const char*> {};

TEST_P(Parameters, ReachAShellTaskAsData) {
  std::string scenario(kHostileScenario);
  scenario.replace(scenario.find("SHELL"), 5, "t");
  repository_.Write(".tom/s.raku", scenario);
  repository_.Write("tasks/t/task." + std::string(GetParam()), kShellTask);
  StepResult result = Run({"s"}, {{"V", "$(echo INJECTED) \"' \\ \xFF"}});
  EXPECT_EQ(result.code, 0) << result.notes;
  EXPECT_EQ(result.out, kShellAnswers);
  EXPECT_EQ(result.err, "");
}

INSTANTIATE_TEST_SUITE_P(Shells, Parameters, ::testing::Values("bash", "sh"));

TEST_F(Program, ConfigInBashStartsNoProcess) {
  repository_.Write(".tom/s.raku", "task-run 'tasks/t', %( x => 'y' )");
  Task("t", "PATH=/nowhere; config x; echo \" $(config x)\"");
  EXPECT_EQ(Run({"s"}).out, "y y\n");
}

TEST_F(Program, ShellTasksKnowTheirPlaces) {
  Task("t",
       "echo \"$PWD $root_dir $task_dir\"; test -d \"$cache_dir\" -a -f \"$cache_root_dir/config.json\" && echo cache\n"
       "env | sed -n 's/^\\(os\\|cache_dir\\|cache_root_dir\\|root_dir\\|task_dir\\)=.*/\\1/p' | sort");
  const std::string root = repository_.path();
  EXPECT_EQ(Run({"t"}).out,
            root + " " + root + "/tasks/t " + root + "/tasks/t\ncache\ncache_dir\ncache_root_dir\nos\n");
}

TEST_F(Program, APythonTaskReadsItsConfig) {
  repository_.Write(".tom/s.raku",
                    "task-run 'tasks/t', %( a => '\"q', n => 5, l => [1, 'x'], m => %( e => %*ENV<V> ) )");
  repository_.Write(
      "tasks/t/task.py",
      "from sparrow6lib import *\n"
      "c = config()\n"
      "print(c['a'], c['n'] + 1, c['l'], ascii(c['m']['e']))\n"
      "print(root_dir() == os.path.join(os.getcwd(), 'tasks/t') == task_dir(), Path(cache_dir()).is_dir())\n"
      "raise SystemExit(3)\n");
  StepResult result = Run({"s"}, {{"V", "\xFFü"}, {"PYTHONPATH", "/elsewhere"}});
  EXPECT_EQ(result.out, "\"q 6 [1, 'x'] '\\udcff\\xfc'\nTrue True\n");
  EXPECT_EQ(result.code, 3) << result.err;
}

TEST_F(Program, AScriptOfTomIsAnAction) {
  repository_.Write(".tom/s.sh", "echo \"script in $PWD\"; exit 4");
  StepResult result = Run({"s"});
  EXPECT_EQ(result.code, 4);
  EXPECT_EQ(result.out, "script in " + repository_.path() + "\n");
  EXPECT_THAT(result.marks, ElementsAre(Began("s.sh - s"), Exited("s", 4)));
}

TEST_F(Program, ChildrenHaveNothingButTheirThreeDescriptors) {
  Task("t",
       "cat; echo forged >&3; readlink /proc/$$/fd/0\n"
       "for n in 3 4 5 6 7 8 9 10 11 12; do [ -e /proc/$$/fd/$n ] && echo open $n; done");
  StepResult result = Run({"t"});
  EXPECT_THAT(result.err, HasSubstr("Bad file descriptor"));
  EXPECT_EQ(result.out, "/dev/null\n");
}

TEST_F(Program, ChildrenStartWithTheDefaultSignals) {
  // Without 32 and 33, which are glibc's own: its posix_spawn ignores them.
  Task("t",
       "cat /proc/self/status | while read name value; do\n"
       "  case $name in SigBlk: | SigIgn:) echo $((0x$value & 0x7fffffff)) ;; esac\n"
       "done");
  EXPECT_EQ(Run({"t"}).out, "0\n0\n");
}

TEST_F(Program, ATaskCanNotForgeAMark) {
  Task("t", "echo 'task-end exit 0 tasks/t'; echo '[task run: forged]'; exit 1");
  StepResult result = Run({"t"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.marks.size(), 2u);
}

TEST_F(Program, ABackgroundProcessDoesNotHoldTheTask) {
  Task("t", "sleep 100000 & echo $!");
  StepResult result = Run({"t"});  // returns: the sleeper holds stdout and would hang it
  EXPECT_EQ(result.code, 0);
  int sleeper = 0;
  std::from_chars(result.out.data(), result.out.data() + result.out.size(), sleeper);
  ASSERT_GT(sleeper, 1);
  EXPECT_EQ(::kill(sleeper, SIGKILL), 0);  // it was still there; in a job the launcher stops it
}

TEST_F(Program, ABackgroundProcessThatNeverStopsPrintingDoesNotHoldTheTask) {
  Task("t", "yes & echo $! > pid");
  Task("stop", "kill -9 $(cat pid); echo stopped");
  StepResult result = Run({"t", "stop"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("stopped\n"));
}

TEST_F(Program, WhatABackgroundProcessPrintsLaterIsNotLost) {
  Task("t", "( until [ -e go ]; do sleep 0.02; done; echo late; touch done ) & echo first");
  Task("u", "touch go; until [ -e done ]; do sleep 0.02; done; echo second");
  StepResult result = Run({"t", "u"});
  EXPECT_THAT(result.out, HasSubstr("late\n"));
  EXPECT_THAT(result.out, HasSubstr("second\n"));
}

TEST_F(Program, AllThatATaskPrintedIsThere) {
  Task("t", "seq 1 200000; seq 1 200000 >&2; printf end");
  StepResult result = Run({"t"});
  EXPECT_EQ(result.out.size(), 1288895u + 3u);
  EXPECT_EQ(result.err.size(), 1288895u);
  EXPECT_TRUE(result.out.ends_with("200000\nend"));
}

TEST_F(Program, AStopWaitsForTheTaskAndStartsNothingMore) {
  Task("t", "trap 'echo cleaned; exit 0' TERM; echo $$ ready; while :; do sleep 0.02; done");
  Task("never", "echo never");
  StepProcess process(repository_.path(), {"t", "never"});
  int task = 0;
  ASSERT_TRUE(process.ReadUntil([&](const StepResult& result) {
    std::from_chars(result.out.data(), result.out.data() + result.out.size(), task);
    return result.out.ends_with("ready\n");
  }));
  ::kill(process.pid(), SIGTERM);  // as the launcher does: to every process of the job
  ::kill(task, SIGTERM);
  StepResult result = process.Wait();
  EXPECT_EQ(result.code, 128 + SIGTERM);
  EXPECT_THAT(result.out, HasSubstr("cleaned\n"));
  EXPECT_EQ(result.marks.back(), Exited("tasks/t", 0));
  EXPECT_THAT(result.out, Not(HasSubstr("never")));
}

TEST_F(Program, LeavesNothingInTheTemporaryDirectory) {
  repository_.Write("tmp/keep", "");
  Task("t", "mkdir -p \"$cache_dir/a/b\"; echo x > \"$cache_dir/a/b/c\"; ls \"$TMPDIR\" | wc -l");
  StepResult result = Run({"t"}, {{"TMPDIR", repository_.path() + "/tmp"}});
  EXPECT_EQ(result.out, "2\n");
  const std::filesystem::directory_iterator left(repository_.path() + "/tmp");
  EXPECT_EQ(std::distance(begin(left), end(left)), 1);
}

}  // namespace
}  // namespace cromt::step
