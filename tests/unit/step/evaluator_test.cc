// A scenario and an environment give steps.
#include "agent/step/scenario/evaluator.h"

#include <gtest/gtest.h>

#include "agent/step/scenario/parser.h"

namespace cromt::step {
namespace {

Result<std::vector<Step>> StepsOf(std::string_view text) {
  auto scenario = ParseScenario(".tom/x.raku", text);
  if (!scenario) return tl::unexpected(scenario.error());
  return Evaluate(*scenario, [](const std::string& name) -> std::optional<std::string> {
    if (name == "WORKER") return "A";
    if (name == "EMPTY") return "";
    return std::nullopt;
  });
}

std::string ErrorOf(std::string_view text) {
  auto steps = StepsOf(text);
  return steps ? "accepted" : steps.error().message;
}

RunTask TaskOf(std::string_view text) {
  return std::get<RunTask>(StepsOf(text).value().at(0));
}

TEST(Evaluator, TakesVariablesFromTheEnvironment) {
  RunTask run = TaskOf("task-run 'tasks/hello', %( worker => %*ENV<WORKER>, empty => %*ENV<EMPTY>, no => %*ENV<NO> );");
  EXPECT_EQ(run.name, "tasks/hello");
  EXPECT_EQ(run.path, "tasks/hello");
  EXPECT_EQ(JsonText(run.parameters), R"({"worker":"A","empty":"","no":null})");
}

TEST(Evaluator, SaysAllItsArgumentsInOneLine) {
  auto steps = StepsOf("say 'worker ', %*ENV<WORKER>, 7, %*ENV<NO>;").value();
  EXPECT_EQ(std::get<Say>(steps.at(0)).text, "worker A7(Any)");
}

TEST(Evaluator, KeepsTheNameAsWrittenAndThePathPlain) {
  RunTask run = TaskOf("task-run './tasks//hello/.'");
  EXPECT_EQ(run.name, "./tasks//hello/.");
  EXPECT_EQ(run.path, "tasks/hello");
  EXPECT_EQ(TaskOf("task-run '.'").path, ".");
}

TEST(Evaluator, RefusesPathsThatLeaveTheRepository) {
  EXPECT_EQ(ErrorOf("task-run '../x'"), ".tom/x.raku:1:10: task path '../x' leaves the repository with '..'");
  EXPECT_EQ(ErrorOf("task-run 'tasks/../../x'"),
            ".tom/x.raku:1:10: task path 'tasks/../../x' leaves the repository with '..'");
  EXPECT_EQ(ErrorOf("task-run '/etc'"),
            ".tom/x.raku:1:10: task path '/etc' is absolute; a task lies in the repository");
  EXPECT_EQ(ErrorOf("task-run ''"), ".tom/x.raku:1:10: task path '' is empty");
  EXPECT_EQ(ErrorOf("task-run %*ENV<NO>"),
            ".tom/x.raku:1:10: the path of the task is an environment variable that isn't set");
  EXPECT_EQ(ErrorOf("task-run 'tasks/a@sub'"),
            ".tom/x.raku:1:10: task path 'tasks/a@sub' names a subtask with '@', which is outside what cromt reads "
            "itself yet");
}

TEST(Evaluator, RefusesToSayWhatRakuWouldLayOut) {
  EXPECT_EQ(ErrorOf("say 'a';\nsay [1, 2];"),
            ".tom/x.raku:2:5: say of a list or map is outside what cromt reads itself yet");
}

}  // namespace
}  // namespace cromt::step
