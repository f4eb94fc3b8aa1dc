// Which file an action or task directory means.
#include "agent/step/task/task_dir.h"

#include <gtest/gtest.h>

#include "tests/unit/step/temporary_repository.h"

namespace cromt::step {
namespace {

class TaskDirTest : public ::testing::Test {
 protected:
  std::string ActionPath(const std::string& name) {
    auto action = FindAction(Open(), name);
    return action ? action->path : action.error().message;
  }
  std::string TaskError(const std::string& path) {
    auto task = ReadTaskDir(Open(), path);
    return task ? "found" : task.error().message;
  }
  Repository Open() { return std::move(Repository::Open(files_.path()).value()); }
  TemporaryRepository files_;
};

TEST_F(TaskDirTest, AScenarioGoesBeforeAScriptBeforeATaskDirectory) {
  files_.Write("tasks/a/task.sh", "");
  EXPECT_EQ(ActionPath("a"), "tasks/a");
  for (const char* script : {".tom/a.php", ".tom/a.py", ".tom/a.sh", ".tom/a.bash", ".tom/a.pl", ".tom/a.raku"}) {
    files_.Write(script, "");
    EXPECT_EQ(ActionPath("a"), script);
  }
  EXPECT_EQ(FindAction(Open(), "a")->kind, Action::Kind::kScenario);
}

TEST_F(TaskDirTest, AnActionMayLieInAFolder) {
  files_.Write(".tom/web/deploy.sh", "");
  EXPECT_EQ(ActionPath("web/deploy"), ".tom/web/deploy.sh");
  EXPECT_EQ(FindAction(Open(), "web/deploy")->program.language, Language::kSh);
}

TEST_F(TaskDirTest, AMissingActionIsNamedWithThePlacesSearched) {
  EXPECT_EQ(ActionPath("x"), "action x not found: searched .tom/x.raku, .tom/x.bash (or .sh, .py, .pl …) and tasks/x/");
}

TEST_F(TaskDirTest, HostileNamesAreNoActions) {
  for (const char* name :
       {"", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", ".hidden", "-x", "a b", "a\nb", "ü"})
    EXPECT_TRUE(ActionPath(name).starts_with("action name ")) << ActionPath(name);
  EXPECT_EQ(ActionPath(std::string(2000, 'a')), "action name: too long");
}

TEST_F(TaskDirTest, SymlinksThatLeaveAreRefused) {
  files_.Link("/etc", "tasks");
  EXPECT_EQ(ActionPath("ssl"), "'tasks/ssl' leads out of the repository");
  files_.Link("/etc/passwd", ".tom/p.raku");
  EXPECT_EQ(ActionPath("p"), "'.tom/p.raku' leads out of the repository");
  files_.Write("t/task.bash", "");
  files_.Link("/etc/passwd", "t/hook.bash");
  EXPECT_EQ(TaskError("t"), "'t/hook.bash' leads out of the repository");
}

// Sparrow's order, sh behind bash: each file that is added goes before those that are there.
TEST_F(TaskDirTest, TheFirstFileDecides) {
  const std::vector<std::string> order = {"php", "ps1", "py", "rb", "sh", "bash", "pl", "pl6", "raku"};
  for (const std::string& extension : order) {
    files_.Write("t/task." + extension, "");
    EXPECT_EQ(ReadTaskDir(Open(), "t")->task->file, "t/task." + extension);
  }
  EXPECT_FALSE(ReadTaskDir(Open(), "t")->hook);
  for (const std::string& extension : order) {
    files_.Write("t/job." + extension, "");
    EXPECT_EQ(ReadTaskDir(Open(), "t")->hook->file, "t/job." + extension);
    files_.Write("t/hook." + extension, "");
    EXPECT_EQ(ReadTaskDir(Open(), "t")->hook->file, "t/hook." + extension);
  }
  EXPECT_FALSE(ReadTaskDir(Open(), "t")->check);
  files_.Write("t/task.check", "");
  EXPECT_TRUE(ReadTaskDir(Open(), "t")->check);
}

TEST_F(TaskDirTest, WhatIsNoDirectoryIsAnError) {
  files_.Write("t/readme", "");
  EXPECT_EQ(TaskError("t"), "'t' holds no task.bash (or .sh, .py, .pl …) and no hook");
  EXPECT_EQ(TaskError("t/readme"), "'t/readme' is not a directory");
  EXPECT_EQ(TaskError("none"), "task directory 'none' does not exist");
}

std::string PathOf(std::string_view written) {
  auto path = RelativePath("/srv/r", written);
  return path ? *path : path.error().message;
}

TEST(RelativePathTest, IsRelativeToTheRootAndPlain) {
  EXPECT_EQ(PathOf("tasks/hello"), "tasks/hello");
  EXPECT_EQ(PathOf("./tasks//hello/."), "tasks/hello");
  EXPECT_EQ(PathOf("."), ".");
  EXPECT_EQ(PathOf("./"), ".");
  EXPECT_EQ(PathOf("/srv/r/tasks/a"), "tasks/a");
  EXPECT_EQ(PathOf("/srv/r"), ".");
}

TEST(RelativePathTest, StaysInTheRepository) {
  EXPECT_EQ(PathOf("../x"), "task path '../x' leaves the repository with '..'");
  EXPECT_EQ(PathOf("tasks/../../x"), "task path 'tasks/../../x' leaves the repository with '..'");
  EXPECT_EQ(PathOf("/etc"), "task path '/etc' is absolute; a task lies in the repository");
  EXPECT_EQ(PathOf("/srv/rx"), "task path '/srv/rx' is absolute; a task lies in the repository");
  EXPECT_EQ(PathOf(""), "task path '' is empty");
  EXPECT_EQ(PathOf(std::string_view("a\0b", 3)), "task path 'a\\x00b' holds a NUL character");
}

}  // namespace
}  // namespace cromt::step
