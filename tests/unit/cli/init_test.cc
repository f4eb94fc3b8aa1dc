// cromt init: what it writes, and what it leaves alone. tests/e2e/init_test.py runs what it made.
#include <fstream>
#include <sstream>

#include "cli_test.h"
#include "io/config/job_reader.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class InitTest : public CliTest {
 protected:
  std::string Read(const std::string& name) const {
    std::ifstream file(Path(name));
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  bool Exists(const std::string& name) const { return std::filesystem::exists(Path(name)); }
};

TEST_F(InitTest, WritesAJobFileAnActionAndATaskAndSaysWhatIsNext) {
  EXPECT_EQ(Cromt({"init"}), 0);
  EXPECT_EQ(out(),
            "wrote\n  jobs.yaml\n  .tom/hello.raku\n  tasks/hello/task.bash\nnow run it: cromt run ./jobs.yaml\n");
  const JobFileReading reading = ReadJobFile(Read("jobs.yaml"), "jobs.yaml");
  ASSERT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  EXPECT_TRUE(reading.diagnostics.empty());
  ASSERT_EQ(reading.file->projects.size(), 1u);
  EXPECT_EQ(reading.file->projects[0].source.directory, std::filesystem::path(Path("")).parent_path());
  EXPECT_THAT(Read("tasks/hello/task.bash"), HasSubstr("$(config who)"));
}

TEST_F(InitTest, ADirectoryIsMadeAndNamesInIt) {
  EXPECT_EQ(Cromt({"init", "a b/it's #1: here"}), 0);
  EXPECT_THAT(out(), HasSubstr("now run it: cd 'a b/it'\\''s #1: here' && cromt run ./jobs.yaml\n"));
  const JobFileReading reading = ReadJobFile(Read("a b/it's #1: here/jobs.yaml"), "jobs.yaml");
  ASSERT_TRUE(reading.file) << ErrorText(reading.diagnostics);
  EXPECT_EQ(reading.file->projects[0].source.directory, Path("a b/it's #1: here"));
}

TEST_F(InitTest, WhatIsThereIsNotOverwrittenAndNothingElseIsWritten) {
  std::filesystem::create_directories(Path("tasks/hello"));
  File("tasks/hello/task.bash", "mine");
  EXPECT_EQ(Cromt({"init"}), 2);
  EXPECT_EQ(err(), "cromt: " + Path("tasks/hello/task.bash") + " is there already; nothing was written\n");
  EXPECT_FALSE(Exists("jobs.yaml"));
  EXPECT_EQ(Read("tasks/hello/task.bash"), "mine");
  std::filesystem::create_symlink("nowhere", Path("jobs.yaml"));
  EXPECT_EQ(Cromt({"init"}), 2);
  EXPECT_THAT(err(), HasSubstr("jobs.yaml is there already"));
}

TEST_F(InitTest, AFolderThatWouldBeTakenForARepositoryIsRefused) {
  EXPECT_EQ(Cromt({"init", "x.git"}), 2);
  EXPECT_THAT(err(), HasSubstr("would be taken for a Git repository"));
  EXPECT_FALSE(Exists("x.git"));
}

TEST_F(InitTest, JsonAndQuiet) {
  EXPECT_EQ(Cromt({"init", "a", "-o", "json"}), 0);
  EXPECT_EQ(out(), R"({"dir":"a","files":["jobs.yaml",".tom/hello.raku","tasks/hello/task.bash"]})"
                   "\n");
  EXPECT_EQ(Cromt({"init", "b", "-o", "quiet"}), 0);
  EXPECT_EQ(out(), "jobs.yaml\n.tom/hello.raku\ntasks/hello/task.bash\n");
}

}  // namespace
}  // namespace cromt::cli
