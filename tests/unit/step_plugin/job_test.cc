// What a scenario gets of its job: plugins from elsewhere, config(), tags(), the state that tasks leave.
#include "scenario_fixture.h"

namespace cromt::step {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JobOf : public ScenarioTest {};

TEST_F(JobOf, PluginsOfTheRepositoryAndOfTheHost) {
  repository_.Write("plugins/mine/task.bash", "echo \"mine $(config x)\"; pwd");
  repository_.Write("plugins/mine/config.yaml", "x: default\n");
  EXPECT_EQ(Run("task-run 'a title', 'mine';").out, "mine default\n" + repository_.path() + "\n");
  TemporaryRepository host;
  host.Write("theirs/hook.bash", "run_task sub x \"$(config x)\"");
  host.Write("theirs/tasks/sub/task.bash", "echo \"theirs $x\"");
  StepResult result = Run("task-run %( task => 'a title', plugin => 'theirs', parameters => %( x => '1' ) );",
                          {{"CROMT_PLUGIN_DIRS", "/none:" + host.path()}});
  EXPECT_EQ(result.out, "theirs 1\n") << result.notes;
  EXPECT_EQ(result.marks[0], Mark(TaskBegan{"task.bash - a title"}));
}

TEST_F(JobOf, APluginThatIsNowhereIsNamedWithThePlacesSearched) {
  StepResult result = Run("say 'begin';\ntask-run 'fetch', 'curl', %( url => 'x' );\nsay 'never';");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "begin\n");
  EXPECT_EQ(result.notes,
            ".tom/s.raku:2:1: there is no plugin 'curl': it isn't built in, and nothing is at plugins/curl\n");
}

TEST_F(JobOf, APluginThatCanBeNoneIsRefusedBeforeTheFirstStep) {
  StepResult result = Run("say 'begin';\ntask-run 'x', '../../etc';");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.notes, HasSubstr(".tom/s.raku:2:1: the name of a plugin"));
}

TEST_F(JobOf, TheStateThatATaskLeavesComesBack) {
  repository_.Write("plugins/p/task.bash", "update_state key 'the value'");
  EXPECT_EQ(Run("my %s = task-run 'x', 'p'; say %s<key>; say %s<__data__><task-check-err-cnt>;").out, "the value\n0\n");
}

TEST_F(JobOf, WhatAFunctionDoesNotTakeIsNamedWithItsPlace) {
  StepResult result = Run("bash 'echo a';\n  service 'nginx';");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "a\n");
  EXPECT_EQ(result.notes, ".tom/s.raku:2:3: service: it takes an action: %( action => 'start' )\n");
}

// ---- tags() --------------------------------------------------------------------------------------

TEST_F(JobOf, TagsAreThoseOfTheOptionOrOfTheVariable) {
  const std::string scenario = "say tags()<a>; bash 'echo \"$SP6_TAGS\"';";
  EXPECT_EQ(Run(scenario, {{"SP6_TAGS", "a=1"}}).out, "1\na=1\n");
  options_ = {"--tags=a=2,b"};
  EXPECT_EQ(Run(scenario, {{"SP6_TAGS", "a=1"}}).out, "2\na=2,b\n");
  options_ = {"--tags", "a=$(touch INJECTED)"};
  EXPECT_EQ(Run(scenario).out, "$(touch INJECTED)\na=$(touch INJECTED)\n");
}

// ---- config() ------------------------------------------------------------------------------------

class Config : public JobOf {
 protected:
  void SetUp() override {
    repository_.Write(".tom/env/config.raku", "%( name => 'default', map => %( a => 1 ) )");
    repository_.Write(".tom/env/config.prod.raku", "%( name => 'prod', map => %( b => 2 ) )");
    repository_.Write(".tom/env/config.any.raku", "%( name => 'any', map => %( a => 0, c => 3 ), only => 'any' )");
  }
  const std::string scenario_ = "my %m = config()<map>; say config()<name>; say config()<only>; say %m<a>; say %m<c>;";
};

TEST_F(Config, IsMixedIntoTheCommonOneAndSaysSo) {
  EXPECT_EQ(Run(scenario_).out,
            "load configuration from .tom/env/config.raku\n"
            "mix in common configuration from .tom/env/config.any.raku\n"
            "default\nany\n1\n3\n");
}

TEST_F(Config, OfAnEnvironment) {
  options_ = {"--env=prod"};
  EXPECT_EQ(Run(scenario_).out,
            "load configuration from .tom/env/config.prod.raku\n"
            "mix in common configuration from .tom/env/config.any.raku\n"
            "prod\nany\n0\n3\n");
  options_ = {"--env", "default"};
  EXPECT_THAT(Run(scenario_).out, HasSubstr("load configuration from .tom/env/config.raku\n"));
  options_ = {};
  repository_.Write(".tom/env/current", "prod\n");
  EXPECT_THAT(Run(scenario_).out, HasSubstr("load configuration from .tom/env/config.prod.raku\n"));
}

TEST_F(Config, OfAnEnvironmentWithoutAFileIsTheCommonOneAlone) {
  options_ = {"--env=none"};
  EXPECT_EQ(Run("say config()<name>;").out, "mix in common configuration from .tom/env/config.any.raku\nany\n");
  std::filesystem::remove_all(Path(".tom/env"));
  EXPECT_EQ(Run("say 'x';").out, "x\n");
  repository_.Write("other.raku", "%( name => 'other' )");
  EXPECT_EQ(Run("say config()<name>;", {{"SP6_CONFIG", "other.raku"}}).out,
            "load configuration from other.raku\nother\n");
}

TEST_F(Config, OneThatCannotBeReadIsRefusedBeforeTheFirstStep) {
  repository_.Write(".tom/env/config.raku", "%( name => 'x', ");
  StepResult result = Run("say 'x';");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.notes, ::testing::StartsWith(".tom/env/config.raku:1:"));
}

TEST_F(Config, NoEnvironmentLeadsElsewhere) {
  repository_.Write("config.x.raku", "%( name => 'outside' )");
  for (const char* name : {"../../config.x", "a/b", "..", "-x"}) {
    options_ = {std::string("--env=") + name};
    StepResult result = Run("say 'x';");
    EXPECT_EQ(result.code, 2) << name;
    EXPECT_EQ(result.out, "");
  }
  options_ = {};
  repository_.Write(".tom/env/current", "../../config.x");
  EXPECT_THAT(Run("say 'x';").notes, HasSubstr("the environment in .tom/env/current"));
}

}  // namespace
}  // namespace cromt::step
