// Scenarios beyond what cromt reads itself, run by the real rakudo; and the two options that change what is shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST_F(UnderRakudo, WithoutRakudoNothingRuns) {
  repository_.Write(".tom/first.raku", "say 'ran';\n");
  Scenario("say 'never';\n");
  StepResult result = RunSteps(repository_.path(), {"first", "s"}, {{"PATH", "/nowhere"}});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.notes,
            ".tom/s.raku:1:1: 'class' is outside what cromt reads itself yet; rakudo runs it: install rakudo\n");
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

TEST(Options, DumpTaskShowsTheProgram) {
  TemporaryRepository repository;
  repository.Write("tasks/t/task.bash", "# a task\necho out\n");
  EXPECT_EQ(
      StepProcess(repository.path(), {"--dump_task", "t"}, {}, false).Wait().text,
      "[dump code: task.bash]\n[1] # a task\n[2] echo out\n[task run: task.bash - tasks/t]\n[task stdout]\nout\n");
}

}  // namespace
}  // namespace cromt::step
