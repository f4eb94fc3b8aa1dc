#include "agent/step/scenario/task_path.h"

#include <gtest/gtest.h>

namespace cromt::step {
namespace {

std::string PathOf(std::string_view written) {
  auto path = TaskPath(written);
  return path ? *path : path.error().message;
}

TEST(TaskPath, IsRelativeToTheRootAndPlain) {
  EXPECT_EQ(PathOf("tasks/hello"), "tasks/hello");
  EXPECT_EQ(PathOf("./tasks//hello/."), "tasks/hello");
  EXPECT_EQ(PathOf("."), ".");
  EXPECT_EQ(PathOf("./"), ".");
}

TEST(TaskPath, StaysInTheRepository) {
  EXPECT_EQ(PathOf("../x"), "task path '../x' leaves the repository with '..'");
  EXPECT_EQ(PathOf("tasks/../../x"), "task path 'tasks/../../x' leaves the repository with '..'");
  EXPECT_EQ(PathOf("/etc"), "task path '/etc' is absolute; a task lies in the repository");
  EXPECT_EQ(PathOf(""), "task path '' is empty");
  EXPECT_EQ(PathOf(std::string_view("a\0b", 3)), "task path 'a\\x00b' holds a NUL character");
  EXPECT_EQ(PathOf("tasks/a@sub"),
            "task path 'tasks/a@sub' names a subtask with '@', which is outside what cromt reads itself yet");
}

}  // namespace
}  // namespace cromt::step
