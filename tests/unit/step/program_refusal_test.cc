// What cromt-step refuses: with exit 1, before anything runs, and a text that says why and where.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "step_process.h"
#include "temporary_repository.h"

namespace cromt::step {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Variables kNoRakudo = {{"PATH", "/nowhere"}};

class Refusal : public ::testing::Test {
 protected:
  void SetUp() override { repository_.Write("tasks/ok/task.bash", "echo ran"); }

  std::string NotesOf(const std::vector<std::string>& actions, const Variables& variables = {}) {
    StepResult result = RunSteps(repository_.path(), actions, variables);
    EXPECT_EQ(result.code, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.marks, IsEmpty());
    return result.notes;
  }
  TemporaryRepository repository_;
};

TEST_F(Refusal, AnUnknownActionNamesThePlacesSearched) {
  EXPECT_EQ(NotesOf({"nope"}),
            "action nope not found: searched .tom/nope.raku, .tom/nope.bash (or .sh, .py, .pl …) and tasks/nope/\n");
}

TEST_F(Refusal, AConstructBeyondTheFirstStepRunsNothing) {
  repository_.Write(".tom/s.raku", "say 'a';\ntask-run 'tasks/ok';\nclass A { }\n");
  EXPECT_EQ(NotesOf({"s"}, kNoRakudo),
            ".tom/s.raku:3:1: 'class' is outside what cromt reads itself yet; rakudo runs it: install rakudo\n");
}

TEST_F(Refusal, AConstructOfALaterActionRunsNothing) {
  repository_.Write(".tom/s.raku", "class A { }");
  EXPECT_EQ(NotesOf({"ok", "s"}, kNoRakudo),
            ".tom/s.raku:1:1: 'class' is outside what cromt reads itself yet; rakudo runs it: install rakudo\n");
}

TEST_F(Refusal, ALaterTaskWithNothingToRunRunsNothing) {
  repository_.Write(".tom/s.raku", "task-run 'tasks/ok';\n  task-run 'tasks/empty';\n");
  repository_.Write("tasks/empty/readme", "");
  EXPECT_EQ(NotesOf({"s"}), ".tom/s.raku:2:3: 'tasks/empty' holds no task.bash (or .sh, .py, .pl …) and no hook\n");
}

TEST_F(Refusal, ACheckOfASubtaskThatCantBeReadRunsNothing) {
  repository_.Write("tasks/t/hook.bash", "run_task a/b\n");
  repository_.Write("tasks/t/tasks/a/b/task.bash", "echo ran\n");
  repository_.Write("tasks/t/tasks/a/b/task.check", "ran\nregexp: [\n");
  repository_.Write("plugins/p/task.bash", "echo ran\n");
  repository_.Write("plugins/p/tasks/c/task.check", "regexp: [\n");
  repository_.Write(".tom/s.raku", "task-run 'tasks/ok';\ntask-run 'tasks/t';\n");
  repository_.Write(".tom/p.raku", "task-run 'tasks/ok';\ntask-run 'p', 'p';\n");
  EXPECT_THAT(NotesOf({"ok", "t"}), HasSubstr("tasks/t/tasks/a/b/task.check:2: "));
  EXPECT_THAT(NotesOf({"s"}), HasSubstr(".tom/s.raku:2:1: tasks/t/tasks/a/b/task.check:2: "));
  EXPECT_THAT(NotesOf({"p"}), HasSubstr("plugins/p/tasks/c/task.check:1: "));
}

TEST_F(Refusal, AFileInThePlaceOfSubtasksIsNobodysBusiness) {
  repository_.Write("tasks/ok/tasks", "a list of things to do");
  EXPECT_EQ(RunSteps(repository_.path(), {"ok"}).out, "ran\n");
}

TEST_F(Refusal, AWayOutOfTheRepositoryRunsNothing) {
  repository_.Link("/etc", "tasks/out");
  repository_.Write(".tom/up.raku", "task-run '../x'");
  repository_.Write(".tom/link.raku", "task-run 'tasks/ok'; task-run 'tasks/out'");
  EXPECT_THAT(NotesOf({"up"}), HasSubstr("leaves the repository"));
  EXPECT_EQ(NotesOf({"link"}), ".tom/link.raku:1:22: 'tasks/out' leads out of the repository\n");
  EXPECT_THAT(NotesOf({"../x"}), HasSubstr("action name '..'"));
}

TEST_F(Refusal, AMissingTaskDirectoryEndsTheScenarioWhereItIsNamed) {
  repository_.Write(".tom/s.raku", "task-run 'tasks/ok';\ntask-run 'tasks/none';\n");
  StepResult result = RunSteps(repository_.path(), {"s"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "ran\n");  // a step before it might have made it
  EXPECT_EQ(result.notes, ".tom/s.raku:2:1: task directory 'tasks/none' does not exist\n");
}

TEST_F(Refusal, AMissingInterpreterIsNamed) {
  StepResult result = RunSteps(repository_.path(), {"ok"}, {{"PATH", "/nowhere"}});
  EXPECT_EQ(result.code, 127);
  EXPECT_EQ(result.notes,
            "tasks/ok/task.bash needs bash, which can't be started: 'bash': No such file or directory; install bash\n");
}

TEST_F(Refusal, ANoteStaysOneLineWhateverTheNameHolds) {
  repository_.Write(".tom/s.raku", "task-run \"tasks/a\\nb\\e[2J\"");
  EXPECT_EQ(NotesOf({"s"}), ".tom/s.raku:1:1: task directory 'tasks/a\\x0ab\\x1b[2J' does not exist\n");
}

TEST_F(Refusal, BadUsageIsExitTwo) {
  EXPECT_EQ(RunSteps(repository_.path(), {}).code, 2);
  EXPECT_EQ(RunSteps(repository_.path(), {"--what", "ok"}).code, 2);
  EXPECT_EQ(RunSteps(repository_.path() + "/none", {"ok"}).code, 1);
}

TEST_F(Refusal, ByHandItIsSaidInText) {
  StepResult result = StepProcess(repository_.path(), {"ok", "nope"}, {}, false).Wait();
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.text, HasSubstr("ran\ncromt: action nope not found: searched"));
}

}  // namespace
}  // namespace cromt::step
