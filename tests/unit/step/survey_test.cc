#include "agent/step/survey.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>

#include "temporary_repository.h"

namespace cromt::step {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SurveyTest : public ::testing::Test {
 protected:
  Survey Look() {
    auto opened = Repository::Open(repository_.path());
    EXPECT_TRUE(opened) << opened.error().message;
    auto survey = SurveyRepository(*opened);
    EXPECT_TRUE(survey) << survey.error().message;
    return std::move(*survey);
  }

  TemporaryRepository repository_;
};

TEST_F(SurveyTest, FindsScenariosAndTasksOfAllFolders) {
  repository_.Write(".tom/b.raku", "bash 'true';\n");
  repository_.Write(".tom/deep/a.raku", "bash 'true';\n");
  repository_.Write(".tom/env/config.raku", "{ a => 1 }\n");
  repository_.Write("tasks/one/task.bash", "true\n");
  repository_.Write("tasks/one/two/hook.bash", "true\n");
  repository_.Write("tasks/notes/readme.md", "no task\n");
  repository_.Write("plugins/three/task.pl", "1\n");
  const Survey survey = Look();
  ASSERT_EQ(survey.scenarios.size(), 2u);
  EXPECT_EQ(survey.scenarios[0].path, ".tom/b.raku");
  EXPECT_EQ(survey.scenarios[1].path, ".tom/deep/a.raku");
  EXPECT_EQ(survey.tasks, 3u);
  EXPECT_THAT(survey.diagnostics, IsEmpty());
}

TEST_F(SurveyTest, SaysPlaceAndReasonOfWhatItCantRead) {
  repository_.Write(".tom/a.raku", "bash 'true';\n  EVALFILE 'x';\n");
  repository_.Write(".tom/env/config.raku", "{ a => \n");
  repository_.Write("tasks/checked/task.bash", "true\n");
  repository_.Write("tasks/checked/task.check", "ok\nregexp: [\n");
  repository_.Write("tasks/old/task.tcl", "puts x\n");
  const Survey survey = Look();
  ASSERT_EQ(survey.scenarios.size(), 1u);
  EXPECT_EQ(survey.scenarios[0].interpreter, Interpreter::kRakudo);
  EXPECT_EQ(survey.tasks, 0u);
  ASSERT_EQ(survey.diagnostics.size(), 4u);
  EXPECT_EQ(survey.diagnostics[0].file, ".tom/a.raku");
  EXPECT_EQ(survey.diagnostics[0].severity, Severity::kNote);
  EXPECT_EQ(survey.diagnostics[0].at, (cromt::Position{2, 3}));
  EXPECT_EQ(survey.diagnostics[1].file, ".tom/env/config.raku");
  EXPECT_EQ(survey.diagnostics[1].severity, Severity::kError);
  EXPECT_EQ(survey.diagnostics[2].file, "tasks/checked/task.check");
  EXPECT_EQ(survey.diagnostics[2].at.line, 2u);
  EXPECT_EQ(survey.diagnostics[3].file, "tasks/old");
  EXPECT_THAT(survey.diagnostics[3].message, HasSubstr("holds no task.bash"));
}

TEST_F(SurveyTest, NothingOutsideIsLookedAt) {
  repository_.Link("/etc", "tasks/etc");
  repository_.Link("/etc/passwd", ".tom/x.raku");
  const Survey survey = Look();
  EXPECT_THAT(survey.scenarios, IsEmpty());
  EXPECT_EQ(survey.tasks, 0u);
  EXPECT_THAT(survey.diagnostics, IsEmpty());
}

// tests/data/tom is written in the shapes of the scenarios that people have published; rakudo/ holds those beyond what
// cromt reads itself, one for each reason that was seen more than once.
TEST_F(SurveyTest, TellsTheShareOfTheCollectionThatNeedsNoRakudo) {
  const auto collection = std::filesystem::path(std::getenv("CROMT_SOURCE")) / "tests/data/tom";
  std::filesystem::create_directories(repository_.path());
  std::filesystem::copy(collection, repository_.path() + "/.tom", std::filesystem::copy_options::recursive);
  const Survey survey = Look();
  std::map<Interpreter, int> counts;
  for (const SurveyedScenario& scenario : survey.scenarios) {
    ++counts[scenario.interpreter];
    EXPECT_EQ(scenario.interpreter,
              scenario.path.starts_with(".tom/rakudo/") ? Interpreter::kRakudo : Interpreter::kCromt)
        << scenario.path;
  }
  EXPECT_EQ(counts[Interpreter::kCromt], 14);
  EXPECT_EQ(counts[Interpreter::kRakudo], 7);
  EXPECT_EQ(counts[Interpreter::kNone], 0);
  std::cout << "share: " << counts[Interpreter::kCromt] << " of " << survey.scenarios.size()
            << " scenarios are read by cromt itself\n";
  for (const Diagnostic& reason : survey.diagnostics)
    std::cout << "share:   " << reason.file << ": " << reason.message << "\n";
}

}  // namespace
}  // namespace cromt::step
