// Tasks in Go. The toolchain is large, so these run a stand-in for it, which builds a shell script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "step_process.h"
#include "temporary_repository.h"

namespace cromt::step {
namespace {

using ::testing::HasSubstr;

class Go : public ::testing::Test {
 protected:
  Go() {
    // go build -o TO FILE, in the folder of FILE.
    repository_.Write("fake/go",
                      "#!/bin/sh\n[ \"$1 $2\" = 'build -o' ] || exit 9\n[ -f \"${4##*/}\" ] || exit 8\n"
                      "grep -q broken \"$4\" && { echo 'task.go:1:1: syntax error' >&2; exit 1; }\n"
                      "sed s,package,#, \"$4\" >\"$3\" && chmod +x \"$3\"\n");
    repository_.MakeExecutable("fake/go");
  }
  StepResult Run(const std::string& path) {
    return RunSteps(repository_.path(), {"t"}, {{"PATH", repository_.path() + path + ":/usr/bin:/bin"}});
  }

  TemporaryRepository repository_;
};

TEST_F(Go, TaskIsBuiltAndRunInTheRepository) {
  repository_.Write("tasks/t/config.yaml", "name: worker\n");
  repository_.Write("tasks/t/task.go",
                    "#!/bin/sh\ncat \"$cache_root_dir/config.json\"; echo; [ -d tasks/t ] && exit 3\n");
  StepResult result = Run("/fake");
  EXPECT_THAT(result.out, HasSubstr(R"("name":"worker")")) << result.err << result.notes;
  EXPECT_EQ(result.code, 3) << "the program's own";
}

TEST_F(Go, HookAndTaskAreTwoPrograms) {
  repository_.Write("tasks/t/hook.go", "#!/bin/sh\n");
  repository_.Write("tasks/t/task.go", "#!/bin/sh\necho task\n");
  StepResult result = Run("/fake");
  EXPECT_EQ(result.out, "task\n") << result.err << result.notes;
  EXPECT_EQ(result.code, 0);
}

TEST_F(Go, WhatDoesNotBuildFailsWithTheCompilersWords) {
  repository_.Write("tasks/t/task.go", "broken\n");
  StepResult result = Run("/fake");
  EXPECT_EQ(result.err, "task.go:1:1: syntax error\n");
  EXPECT_EQ(result.code, 1);
}

TEST_F(Go, MissingToolchainIsNamed) {
  repository_.Write("tasks/t/task.go", "package main\n");
  repository_.Link("/bin/sh", "shell/sh");
  StepResult result = RunSteps(repository_.path(), {"t"}, {{"PATH", repository_.path() + "/shell"}});
  EXPECT_EQ(result.err, "task.go needs go, which is not installed; install golang-go\n");
  EXPECT_EQ(result.code, 127);
}

}  // namespace
}  // namespace cromt::step
