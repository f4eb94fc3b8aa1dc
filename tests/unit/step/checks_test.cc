// task.check, end to end: what is shown, what fails, and code blocks by their real interpreters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "step_process.h"
#include "temporary_repository.h"

namespace cromt::step {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Checks : public ::testing::Test {
 protected:
  void Write(const std::string& path, std::string_view text) { repository_.Write("tasks/t/" + path, text); }
  StepResult Run() { return RunSteps(repository_.path(), {"t"}, {{"HOME", repository_.path()}}); }
  // What it shows to somebody who runs it by hand.
  std::string Text() {
    return StepProcess(repository_.path(), {"t"}, {{"HOME", repository_.path()}}, false).Wait().text;
  }
  // The lines below the heading of the check.
  static std::vector<std::string> Report(const StepResult& result) {
    std::vector<std::string> lines;
    for (const Mark& mark : result.marks)
      if (const auto* line = std::get_if<OwnLine>(&mark)) lines.push_back(line->text);
    return lines;
  }
  TemporaryRepository repository_;
};

TEST_F(Checks, WhatHoldsIsShown) {
  Write("task.bash", "echo hello; echo count 42\n");
  Write("task.check", "hello\nregexp: \"count\" \\s+ (\\d+)\n");
  EXPECT_EQ(Text(),
            "[task run: task.bash - tasks/t]\n[task stdout]\nhello\ncount 42\n[task check]\n"
            "stdout match <hello> True\nstdout match <\"count\" \\s+ (\\d+)> True\n");
  EXPECT_EQ(Run().code, 0);
}

TEST_F(Checks, WhatDoesNotHoldFailsTheJobWithTwo) {
  Write("task.bash", "echo hello\n");
  Write("task.check", "good bye\nhello\n");
  repository_.Write(".tom/s.raku", "task-run 'tasks/t'; say 'never';\n");
  StepResult result = RunSteps(repository_.path(), {"s"});
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.out, "hello\n");
  EXPECT_THAT(Report(result), ElementsAre("stdout match <good bye> False", "stdout match <hello> True",
                                          "=================", "TASK CHECK FAIL"));
}

TEST_F(Checks, WhatAHookSaysIsChecked) {
  Write("hook.bash", "set_stdout from the hook\n");
  Write("task.bash", "echo main\n");
  Write("task.check", "begin:\nfrom the hook\nmain\nend:\n");
  EXPECT_EQ(Run().code, 0);
}

TEST_F(Checks, AFailureMayBeIgnored) {
  Write("hook.bash", "ignore_task_check_error; run_task a; run_task b\n");
  for (const char* task : {"a", "b"}) {
    Write(std::string("tasks/") + task + "/task.bash", "echo hello\n");
    Write(std::string("tasks/") + task + "/task.check", "good bye\n");
  }
  StepResult result = Run();
  EXPECT_EQ(result.code, 2);  // once
  EXPECT_THAT(Report(result), ElementsAre("stdout match <good bye> False", "stdout match <good bye> False",
                                          "=================", "TASK CHECK FAIL"));
}

TEST_F(Checks, AFailedTaskIsNotChecked) {
  Write("task.bash", "echo hello; exit 3\n");
  Write("task.check", "good bye\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(Report(result), IsEmpty());
}

struct Block {
  const char* language;
  const char* code;  // prints the first capture of the last rule
};

TEST_F(Checks, CodeBlocksSeeTheCaptures) {
  Write("task.bash", "echo count 42; echo count 43\n");
  for (const Block& block : {Block{"perl", "print capture()->[0], \" \", scalar @{captures()}, \"\\n\";"},
                             Block{"python", "from sparrow6lib import *\nprint(capture()[0], len(captures()))"},
                             Block{"ruby", "puts \"#{capture[0]} #{captures.length}\""},
                             Block{"php", "echo capture()[0], ' ', count(captures()), \"\\n\";"},
                             Block{"raku", "say capture()[0], ' ', captures().elems;"},
                             Block{"bash", "echo 42 $(grep -c . $cache_root_dir/matched.txt)"}}) {
    Write("task.check", std::string("regexp: \"count\" \\s (\\d+)\ncode: <<CODE\n!") + block.language + "\n" +
                            block.code + "\nCODE\n");
    StepResult result = Run();
    EXPECT_THAT(Report(result), ElementsAre(HasSubstr("True"), "42 2")) << block.language << result.err << result.notes;
    EXPECT_EQ(result.code, 0);
  }
}

TEST_F(Checks, GeneratorsPrintRules) {
  Write("config.yaml", "word: hello\n");
  Write("task.bash", "echo hello\n");
  Write("task.check", "generator: <<CODE\n!bash\necho $(config word); echo note: done\nCODE\n");
  StepResult result = Run();
  EXPECT_THAT(Report(result), ElementsAre("stdout match <hello> True", "done"));
  EXPECT_EQ(result.code, 0);
}

TEST_F(Checks, CodeThatFailsIsSaidWithItsLine) {
  Write("task.bash", "echo hello\n");
  Write("task.check", "hello\ncode: <<CODE\n!bash\necho oops >&2; exit 3\nCODE\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 2);
  EXPECT_EQ(result.err, "oops\n");
  EXPECT_EQ(result.notes, "tasks/t: tasks/t/task.check:2: the code ended with exit code 3\n");
}

TEST_F(Checks, AnotherSourceLiesInTheRepositoryOrTheCache) {
  repository_.Write("report.txt", "from a file\n");
  Write("task.bash", "echo hello; echo own file >$cache_dir/own\n");
  Write("task.check", "source: report.txt\nfrom a file\n");
  EXPECT_EQ(Run().code, 0);
  Write("task.check", "generator: <<CODE\n!bash\necho source: $cache_dir/own; echo own file\nCODE\n");
  EXPECT_EQ(Run().code, 0);
  Write("task.check", "source: /etc/passwd\nroot\n");
  StepResult result = Run();
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.notes, HasSubstr("is absolute; a task lies in the repository"));
}

TEST_F(Checks, OneThatCanNotBeReadRunsNothing) {
  repository_.Write(".tom/s.raku", "task-run 'tasks/ok';\ntask-run 'tasks/t';\n");
  repository_.Write("tasks/ok/task.bash", "echo ran\n");
  Write("task.bash", "echo hello\n");
  Write("task.check", "hello\nregexp: <before a> b\n");
  StepResult result = RunSteps(repository_.path(), {"s"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.notes, HasSubstr(".tom/s.raku:2:1: tasks/t/task.check:2: "));
}

}  // namespace
}  // namespace cromt::step
