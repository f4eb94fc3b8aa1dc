// Tasks and hooks in every language, run by their real interpreters: parameters, places, subtasks, state.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "step_process.h"
#include "temporary_repository.h"

namespace cromt::step {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The same programs in each language. `task` prints, a line each: a parameter of the caller, a default of config.yaml,
// a variable of its own as subtask, root_dir and task_dir relative to the repository, and what lib/ holds where the
// language looks there. `hook` runs the subtask `sub` with two variables, one of them hostile, and says a line itself.
// `state` leaves a state.
struct Programs {
  std::string_view language;
  std::string_view extension;
  std::string_view task;
  std::string_view hook;
  std::string_view state;
};

void PrintTo(const Programs& programs, std::ostream* out) {
  *out << programs.language;
}

constexpr Programs kPrograms[] = {
    {"bash", "bash",
     "echo \"$(config given)\"; echo \"$(config deep.er)\"; echo \"$(task_var v)|$v\"; echo \"${root_dir#$PWD/}\"; "
     "echo \"${task_dir#$PWD/}\"\n",
     "run_task sub v 'a \"b\" $(c)' w \"x\ny\"; set_stdout from the hook\n", "update_state key 'a \"b\"'\n"},
    {"sh", "sh",
     "echo \"$(config given)\"; echo \"$(config deep.er)\"; echo \"$(task_var v)|$(task_var v)\"; echo "
     "\"${root_dir#$PWD/}\"; "
     "echo \"${task_dir#$PWD/}\"\n",
     "run_task sub v 'a \"b\" $(c)' w \"x\ny\"; set_stdout from the hook\n", "update_state key 'a \"b\"'\n"},
    {"python", "py",
     "from sparrow6lib import *\n"
     "print(config()['given']); print(config()['deep']['er']); v = task_var('v') or ''; print(v + '|' + v)\n"
     "print(os.path.relpath(root_dir())); print(os.path.relpath(task_dir()))\n",
     "from sparrow6lib import *\nrun_task('sub', {'v': 'a \"b\" $(c)', 'w': 'x\\ny'}); set_stdout('from the hook')\n",
     "from sparrow6lib import *\nupdate_state({'key': 'a \"b\"'})\n"},
    {"perl", "pl",
     "use Cwd; my $here = getcwd; my $v = task_var('v') // ''; sub short { my $path = shift; $path =~ "
     "s/^\\Q$here\\E\\///; $path }\n"
     "print config()->{given}, \"\\n\", config()->{deep}{er}, \"\\n$v|$v\\n\", short(root_dir()), \"\\n\", "
     "short(task_dir()), \"\\n\";\n",
     "run_task('sub', {v => 'a \"b\" $(c)', w => \"x\\ny\"}); set_stdout('from the hook');\n",
     "update_state({key => 'a \"b\"'});\n"},
    {"ruby", "rb",
     "v = task_var('v')\nputs config['given'], config['deep']['er'], \"#{v}|#{v}\"\n"
     "puts root_dir.sub(\"#{Dir.pwd}/\", ''), task_dir.sub(\"#{Dir.pwd}/\", '')\n",
     "run_task 'sub', {'v' => 'a \"b\" $(c)', 'w' => \"x\\ny\"}\nset_stdout 'from the hook'\n",
     "update_state({'key' => 'a \"b\"'})\n"},
    {"php", "php",
     "<?php\n$v = task_var('v');\necho config()['given'], \"\\n\", config()['deep']['er'], \"\\n$v|$v\\n\";\n"
     "foreach ([root_dir(), task_dir()] as $dir) echo str_replace(getcwd() . '/', '', $dir), \"\\n\";\n",
     "<?php\nrun_task('sub', ['v' => 'a \"b\" $(c)', 'w' => \"x\\ny\"]); set_stdout('from the hook');\n",
     "<?php\nupdate_state(['key' => 'a \"b\"']);\n"},
    {"raku", "raku",
     "my $v = task_var('v') // '';\nsay config()<given>; say config()<deep><er>; say \"$v|$v\";\n"
     "say root_dir().IO.relative; say task_dir().IO.relative;\n",
     "run_task 'sub', %(v => 'a \"b\" $(c)', w => \"x\\ny\"); set_stdout 'from the hook';\n",
     "update_state %(key => 'a \"b\"');\n"},
};

class Languages : public ::testing::TestWithParam<Programs> {
 protected:
  void SetUp() override {
    repository_.Write("tasks/t/config.yaml", "given: default\ndeep: {er: 7, other: x}\n");
    repository_.Write(".tom/s.raku", "task-run 'tasks/t', %(given => 'a  b');\n");
  }
  void Task(const std::string& stem, std::string_view text) {
    repository_.Write(fmt::format("tasks/t/{}.{}", stem, GetParam().extension), text);
  }
  StepResult Run() { return RunSteps(repository_.path(), {"s"}, {{"HOME", repository_.path()}}); }
  TemporaryRepository repository_;
};

TEST_P(Languages, ATaskKnowsItsParametersAndPlaces) {
  Task("task", GetParam().task);
  StepResult result = Run();
  EXPECT_EQ(result.out, "a  b\n7\n|\ntasks/t\ntasks/t\n") << result.err << result.notes;
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.marks, ElementsAre(Mark(TaskBegan{fmt::format("task.{} - tasks/t", GetParam().extension)}),
                                        Mark(TaskEnded{.name = "tasks/t"})));
}

TEST_P(Languages, AHookRunsSubtasksWithVariables) {
  Task("hook", GetParam().hook);
  Task("tasks/sub/task", GetParam().task);
  repository_.Write("tasks/t/task.sh", "echo main\n");
  StepResult result = Run();
  EXPECT_EQ(result.out, "a  b\n7\na \"b\" $(c)|a \"b\" $(c)\ntasks/t\ntasks/t/tasks/sub\nfrom the hook\nmain\n")
      << result.err << result.notes;
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.marks, Contains(Mark(SectionBegan{"hook stdout"})));
}

TEST_P(Languages, AVariableKeepsItsLines) {
  Task("hook", GetParam().hook);
  repository_.Write("tasks/t/tasks/sub/task.bash", "printf '[%s]' \"$w\"\n");
  EXPECT_THAT(Run().out, HasSubstr("[x\ny]"));
}

TEST_P(Languages, StateReachesTheScenario) {
  Task("task", GetParam().state);
  repository_.Write(".tom/s.raku", "my %s = task-run 'tasks/t';\nsay %s<key>;\n");
  StepResult result = Run();
  EXPECT_EQ(result.out, "a \"b\"\n") << result.err << result.notes;
}

TEST_P(Languages, TheExitCodeIsThePrograms) {
  const std::string_view language = GetParam().language;
  Task("task", language == "php" ? "<?php exit(7);" : language == "python" ? "raise SystemExit(7)" : "exit 7");
  EXPECT_EQ(Run().code, 7);
}

INSTANTIATE_TEST_SUITE_P(Each, Languages, ::testing::ValuesIn(kPrograms),
                         [](const auto& test) { return std::string(test.param.language); });

}  // namespace
}  // namespace cromt::step
