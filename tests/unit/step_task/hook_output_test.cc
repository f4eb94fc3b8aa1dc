// What the lines of a hook ask for.
#include "agent/step/task/hook_output.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cromt::step {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Text(const HookRequest& request) {
  if (std::holds_alternative<IgnoreError>(request)) return "ignore";
  if (std::holds_alternative<IgnoreCheckError>(request)) return "ignore check";
  const auto& run = std::get<RunSubtask>(request);
  return fmt::format("run {} {}", run.name, JsonText(run.variables));
}

std::vector<std::string> Read(std::string_view text) {
  auto requests = ReadHookOutput(text);
  if (!requests) return {"error: " + requests.error().message};
  std::vector<std::string> texts;
  for (const HookRequest& request : *requests) texts.push_back(Text(request));
  return texts;
}

TEST(HookOutput, SubtasksInTheirOrder) {
  EXPECT_THAT(Read("task: a\nnoise\ntask: b c\n  the task:   d\n"), ElementsAre("run a {}", "run b {}", "run d {}"));
}

TEST(HookOutput, VariablesGoToTheNextSubtaskOnly) {
  EXPECT_THAT(Read("task_var_bash: name  a b \ntask_var_bash: empty\ntask: a\ntask: b\n"),
              ElementsAre(R"(run a {"name":"a b ","empty":""})", "run b {}"));
  EXPECT_THAT(Read("task_var_json_begin\n{\"x\": [1,\n\"two\"], \"y\": null}\ntask_var_json_end\ntask: a\ntask: b"),
              ElementsAre(R"(run a {"x":[1,"two"],"y":null})", "run b {}"));
  EXPECT_THAT(Read("task_var_json_begin{\"x\":true}task_var_json_end\ntask: a"), ElementsAre(R"(run a {"x":true})"));
  EXPECT_THAT(Read("task_var_json_begin\n[]\ntask_var_json_end\ntask: a"), ElementsAre("run a {}"));
}

TEST(HookOutput, AVariableThatNamesATaskIsNone) {
  EXPECT_THAT(Read("task_var_json_begin\n{\"x\": \"task: evil\"}\ntask_var_json_end\ntask: a"),
              ElementsAre(R"(run a {"x":"task: evil"})"));
  EXPECT_THAT(Read("task_var_bash: x task: evil\ntask: a"), ElementsAre(R"(run a {"x":"task: evil"})"));
}

TEST(HookOutput, ErrorsMayBeIgnored) {
  EXPECT_THAT(Read("ignore_error:\ntask: a\nignore_task_error:\nignore_task_check_error:\n"),
              ElementsAre("ignore", "run a {}", "ignore", "ignore check"));
}

TEST(HookOutput, NothingIsAsked) {
  EXPECT_THAT(Read(""), IsEmpty());
  EXPECT_THAT(Read("task:\ntask: \ntask:a\nmytask\ntask_var_bash:\n"), IsEmpty());
}

TEST(HookOutput, WhatIsNoJsonIsSaid) {
  EXPECT_THAT(Read("task_var_json_begin\n{\ntask_var_json_end\ntask: a"),
              ElementsAre("error: the variables for task 'a': it is not JSON"));
  EXPECT_THAT(Read("task_var_json_begin\n{\ntask_var_json_end\ntask: a\xAE"),
              ElementsAre("error: the variables for task 'a\\xae': it is not JSON"));
  EXPECT_THAT(Read("task_var_json_begin\n7\ntask_var_json_end\ntask: a"),
              ElementsAre("error: the variables for task 'a' are no JSON object"));
  EXPECT_THAT(Read("task_var_json_begin\n" + std::string(5000, '[') + "\ntask_var_json_end\ntask: a"),
              ElementsAre(HasSubstr("JSON of more than 64 levels")));
}

TEST(HookOutput, IsBounded) {
  std::string endless;
  for (size_t i = 0; i <= kMaxHookRequests; ++i) endless += "task: a\n";
  EXPECT_THAT(Read(endless), ElementsAre("error: a hook asks for more than 10000 things"));
  std::string variables;
  for (size_t i = 0; i <= kMaxHookRequests; ++i) variables += fmt::format("task_var_bash: v{} x\n", i);
  EXPECT_THAT(Read(variables), ElementsAre("error: a hook sets more than 10000 variables"));
}

}  // namespace
}  // namespace cromt::step
