// Which file an action or task directory means.
#include "agent/step/task_dir.h"

#include <gtest/gtest.h>

#include "temporary_repository.h"

namespace cromt::step {
namespace {

class TaskDir : public ::testing::Test {
 protected:
  std::string ActionError(const std::string& name) {
    auto action = FindAction(Open(), name);
    return action ? "found" : action.error().message;
  }
  std::string TaskError(const std::string& path) {
    auto task = FindTask(Open(), path, path);
    return task ? "found" : task.error().message;
  }
  Repository Open() { return std::move(Repository::Open(files_.path()).value()); }
  TemporaryRepository files_;
};

TEST_F(TaskDir, AScenarioGoesBeforeAScriptBeforeATaskDirectory) {
  files_.Write("tasks/a/task.sh", "");
  EXPECT_EQ(FindAction(Open(), "a")->task.title, "task.sh - tasks/a");
  files_.Write(".tom/a.py", "");
  EXPECT_EQ(FindAction(Open(), "a")->task.file, ".tom/a.py");
  files_.Write(".tom/a.sh", "");
  EXPECT_EQ(FindAction(Open(), "a")->task.file, ".tom/a.sh");
  files_.Write(".tom/a.bash", "");
  EXPECT_EQ(FindAction(Open(), "a")->task.title, "a.bash - a");
  files_.Write(".tom/a.raku", "");
  EXPECT_EQ(FindAction(Open(), "a")->scenario, ".tom/a.raku");
}

TEST_F(TaskDir, AnActionMayLieInAFolder) {
  files_.Write(".tom/web/deploy.sh", "");
  EXPECT_EQ(FindAction(Open(), "web/deploy")->task.file, ".tom/web/deploy.sh");
}

TEST_F(TaskDir, AMissingActionIsNamedWithThePlacesSearched) {
  EXPECT_EQ(ActionError("x"),
            "action x not found: searched .tom/x.raku, .tom/x.bash, .tom/x.sh, .tom/x.py and tasks/x/");
}

TEST_F(TaskDir, HostileNamesAreNoActions) {
  for (const char* name :
       {"", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", ".hidden", "-x", "a b", "a\nb", "ü"})
    EXPECT_TRUE(ActionError(name).starts_with("action name ")) << ActionError(name);
  EXPECT_EQ(ActionError(std::string(2000, 'a')), "action name: too long");
}

TEST_F(TaskDir, SymlinksThatLeaveAreRefused) {
  files_.Link("/etc", "tasks");
  EXPECT_EQ(ActionError("ssl"), "'tasks/ssl' leads out of the repository");
  files_.Link("/etc/passwd", ".tom/p.raku");
  EXPECT_EQ(ActionError("p"), "'.tom/p.raku' leads out of the repository");
}

TEST_F(TaskDir, WhatIsNotRunYetIsRefusedByName) {
  for (const char* file : {"hook.bash", "job.pl", "hook.raku", "task.check", "config.yaml", "config.raku",
                           "common.bash", "cpanfile", "requirements.txt", "lib/x.py", "bin/x"}) {
    const std::string name = std::string("t-") + std::string(file).substr(0, std::string(file).find('/'));
    const std::string path = "tasks/" + name;
    files_.Write(path + "/task.bash", "");
    files_.Write(path + "/" + file, "");
    EXPECT_EQ(TaskError(path), "'" + path + "/" + std::string(file).substr(0, std::string(file).find('/')) +
                                   "' is outside what cromt runs itself yet");
  }
}

TEST_F(TaskDir, SparrowsFirstMainFileDecides) {
  files_.Write("t/task.bash", "");
  files_.Write("t/task.pl", "");  // Sparrow would run this one
  EXPECT_EQ(TaskError("t"), "'t/task.pl' is outside what cromt runs itself yet");
  files_.Write("u/task.bash", "");
  files_.Write("u/task.py", "");
  EXPECT_EQ(FindTask(Open(), "u", "u")->file, "u/task.bash");
}

TEST_F(TaskDir, ADirectoryWithoutAMainFileIsAnError) {
  files_.Write("t/readme", "");
  EXPECT_EQ(TaskError("t"), "'t' holds no task.bash, task.sh or task.py");
  EXPECT_EQ(TaskError("t/readme"), "'t/readme' is not a directory");
  EXPECT_EQ(TaskError("none"), "task directory 'none' does not exist");
}

}  // namespace
}  // namespace cromt::step
