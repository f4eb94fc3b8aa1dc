// A scenario and a world give calls.
#include "agent/step/scenario/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/step/scenario/parser.h"
#include "tests/unit/step_scenario/fake_host.h"

namespace cromt::step {
namespace {

using ::testing::ElementsAre;

TEST(Interpreter, TakesVariablesFromTheEnvironment) {
  FakeHost host;
  host.environment = {{"WORKER", "A"}, {"EMPTY", ""}};
  auto scenario = ParseScenario(".tom/x.raku",
                                "task-run 'tasks/hello', %( worker => %*ENV<WORKER>, empty => %*ENV<EMPTY>, no => "
                                "%*ENV<NO> );\nsay 'worker ', %*ENV<WORKER>, 7, %*ENV<NO>;");
  EXPECT_EQ(RunScenario(scenario.value(), host).exit_code, 0);
  EXPECT_THAT(host.log,
              ElementsAre(R"(task-run "tasks/hello" {"worker":"A","empty":"","no":null})", "say: worker A7(Any)"));
}

}  // namespace
}  // namespace cromt::step
