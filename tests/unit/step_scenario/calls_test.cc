// What a scenario would call is known before it runs.
#include "agent/step/scenario/calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/step/scenario/functions.h"
#include "agent/step/scenario/parser.h"

namespace cromt::step {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> SitesOf(std::string_view text) {
  std::vector<std::string> out;
  for (const CallSite& site : ListCalls(ParseScenario("s", text).value()))
    out.push_back(std::to_string(site.at.line) + ":" + std::to_string(site.at.column) + " " + site.function +
                  " path=" + site.task_path.value_or("-") + " plugin=" + site.plugin.value_or("-"));
  return out;
}

TEST(Calls, AreListedWithTheTasksAndPluginsTheyName) {
  EXPECT_THAT(
      SitesOf("task-run 'a';\ntask-run \"b\", %( x => 1 );\ntask-run 'text', 'p', %();\n  task-run 'text', 'q';\n"
              "task-run %( task => 't', plugin => 'r' );\nbash 'x';"),
      ElementsAre("1:1 task-run path=a plugin=-", "2:1 task-run path=b plugin=-", "3:1 task-run path=- plugin=p",
                  "4:3 task-run path=- plugin=q", "5:1 task-run path=- plugin=r", "6:1 bash path=- plugin=-"));
}

TEST(Calls, AreFoundWhereverTheyStand) {
  EXPECT_THAT(
      SitesOf("if 1 { task-run 'a' } else { my %s = task-run 'b'; }\nfor 1..2 { task-run 'c' unless 0 }\n"
              "1 || task-run 'd'; 1 ?? task-run('e') !! bash 'f';"),
      ElementsAre("1:8 task-run path=a plugin=-", "1:38 task-run path=b plugin=-", "2:12 task-run path=c plugin=-",
                  "3:6 task-run path=d plugin=-", "3:25 task-run path=e plugin=-", "3:42 bash path=- plugin=-"));
}

TEST(Calls, AreAlwaysMadeWhereNothingDecides) {
  std::vector<std::string> always;
  for (const CallSite& site : ListCalls(
           ParseScenario("s",
                         "task-run 'a'; if 1 { task-run 'b' } else { task-run 'c' };\nmy %s = task-run 'd';\n"
                         "for 1..2 { task-run 'e' };\n1 || task-run 'f'; 1 ?? task-run('g') !! bash 'h'; bash 'i';")
               .value()))
    if (site.always) always.push_back(site.task_path.value_or(site.function));
  EXPECT_THAT(always, ElementsAre("a", "d", "bash"));
}

TEST(Calls, WithComputedNamesHaveNone) {
  EXPECT_THAT(
      SitesOf("my $d = 'x'; task-run \"a/$d\"; task-run $d, $d; task-run $d, %();"),
      ElementsAre("1:14 task-run path=- plugin=-", "1:31 task-run path=- plugin=-", "1:48 task-run path=- plugin=-"));
}

TEST(Calls, FunctionsAreSortedAndTakeWhatTheySay) {
  std::string_view last;
  for (const DslFunction& function : kDslFunctions) {
    EXPECT_LE(function.required, Arity(function)) << function.name;
    EXPECT_EQ(FindDslFunction(function.name), &function);
    if (function.name == "task-run") continue;
    EXPECT_LT(last, function.name);
    last = function.name;
  }
}

}  // namespace
}  // namespace cromt::step
