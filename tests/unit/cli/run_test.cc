// cromt run: a mesh of its own.
#include <filesystem>

#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* kHello = "projects:\n  hello:\n    run: echo hello\n";
constexpr const char* kTwo = "projects: {a: {run: echo a}, b: {run: echo b}}\n";

class RunTest : public CliTest {
 protected:
  RunTest() {
    environment_["XDG_STATE_HOME"] = Path("state");
    const RunView run = RunOf("hello", {Task(1, "hello", "local")});
    control_.updates = {Whole(run), Changed({Running(Task(1, "hello", "local"))}),
                        Changed({Succeeded(Task(1, "hello", "local"), 6)}), Ended(run, RunOutcome::kSucceeded)};
    control_.pieces = {Printed(1, 0, "hello\n")};
    control_.view = RunOf("hello", {Succeeded(Task(1, "hello", "local"))}, RunOutcome::kSucceeded);
  }

  std::string RunsDirectory() const { return Path("state/cromt/runs"); }
};

TEST_F(RunTest, AFileWithOneProjectIsAppliedAndRunHere) {
  File("hello.yaml", kHello);
  EXPECT_EQ(Cromt({"run", "hello.yaml"}), 0);
  EXPECT_EQ(out(), "hello\n");
  EXPECT_EQ(err(),
            "cromt: run run1 of hello: 1 task on local\n"
            "cromt: hello on local started\n"
            "cromt: hello on local succeeded in 1.0s\n"
            "cromt: run run1 succeeded: 1 task in 3.0s\n");
  EXPECT_TRUE(connected_.empty()) << "no coordinator is needed";
  ASSERT_EQ(control_.applied.size(), 1u);
  EXPECT_EQ(control_.applied[0].text, kHello);
  ASSERT_EQ(control_.started.size(), 1u);
  EXPECT_EQ(control_.started[0].project, "hello");
}

TEST_F(RunTest, AWordIsAProjectUnlessItLooksLikeAFile) {
  File("jobs.yaml", kTwo);
  EXPECT_EQ(Cromt({"run", "b", "--conf", "jobs.yaml"}), 0);
  EXPECT_EQ(control_.started.back().project, "b");
  File("hello", kHello);
  EXPECT_EQ(Cromt({"run", "./hello"}), 0);
  EXPECT_EQ(control_.started.back().project, "hello");
  File("cromtit.yaml", kTwo);
  EXPECT_EQ(Cromt({"run", "a"}), 0);
  EXPECT_EQ(control_.started.back().project, "a");
}

TEST_F(RunTest, AFileWithSeveralProjectsListsThem) {
  File("jobs.yaml", kTwo);
  EXPECT_EQ(Cromt({"run", "jobs.yaml"}), 2);
  EXPECT_EQ(err(), "cromt: jobs.yaml has 2 projects, name one of them: a, b\n");
  EXPECT_TRUE(embedded_.empty());
}

TEST_F(RunTest, AFileAndConfAreOneTooMany) {
  EXPECT_EQ(Cromt({"run", "a.yaml", "--conf", "b.yaml"}), 2);
  EXPECT_THAT(err(), HasSubstr("both name a job file"));
}

TEST_F(RunTest, ErrorsOfTheFileComeAsTheyAre) {
  File("bad.yaml", "projects: {a: {runn: echo}}\n");
  EXPECT_EQ(Cromt({"run", "bad.yaml"}), 2);
  EXPECT_THAT(err(), ::testing::StartsWith("bad.yaml:1:"));
  EXPECT_TRUE(embedded_.empty());
}

TEST_F(RunTest, AKeyThatIsNotBuiltYetRefusesTheStart) {
  File("jobs.yaml", "projects: {a: {run: echo, crontab: '* * * * *', waves: [1]}}\n");
  EXPECT_EQ(Cromt({"run", "jobs.yaml"}), 2);
  EXPECT_THAT(err(), AllOf(::testing::StartsWith("jobs.yaml:1:"), HasSubstr("'waves'"), HasSubstr("not built yet")));
  EXPECT_TRUE(embedded_.empty());
}

TEST_F(RunTest, OptionsAndConfigurationReachTheMesh) {
  File("hello.yaml", kHello);
  File("mesh.yaml", "agents: {hostA: '127.0.0.1:4101'}\ngit: {rewrite: {'https://github.com/': 'file:///srv/'}}\n");
  EXPECT_EQ(Cromt({"run", "hello.yaml", "--config", "mesh.yaml", "--slots", "3", "--insecure", "--var", "A=b=c"}), 0);
  ASSERT_EQ(embedded_.size(), 1u);
  EXPECT_EQ(embedded_[0].agents.at("hostA"), "127.0.0.1:4101");
  EXPECT_EQ(embedded_[0].git.rewrite.at("https://github.com/"), "file:///srv/");
  EXPECT_EQ(embedded_[0].slots, 3u);
  EXPECT_TRUE(embedded_[0].insecure);
  EXPECT_EQ(control_.started[0].variables, (Variables{{"A", "b=c"}}));
}

TEST_F(RunTest, JsonIsTheRunAndTheOutputGoesToStandardError) {
  File("hello.yaml", kHello);
  EXPECT_EQ(Cromt({"run", "hello.yaml", "-o", "json"}), 0);
  EXPECT_THAT(out(), AllOf(::testing::StartsWith("{\"id\":\"run1\""), HasSubstr("\"outcome\":\"succeeded\"")));
  EXPECT_THAT(err(), HasSubstr("\nhello\n"));
  EXPECT_EQ(Cromt({"run", "hello.yaml", "-o", "quiet"}), 0);
  EXPECT_EQ(out(), "run1\n");
  EXPECT_EQ(err(), "");
}

// ---- Ending early -----------------------------------------------------------------------------

class EndlessRunTest : public RunTest {
 protected:
  EndlessRunTest() {
    File("hello.yaml", kHello);
    const RunView run = RunOf("hello", {Running(Task(1, "hello", "local"))});
    TaskView canceled = Succeeded(Task(1, "hello", "local"));
    canceled.status.outcome = TaskOutcome::kCanceled;
    control_.updates = {Whole(run)};
    control_.after_cancel = Ended(run, RunOutcome::kCanceled, {canceled});
    control_.pieces = {};
  }
};

TEST_F(EndlessRunTest, CtrlCCancelsTheRunAndWaitsForItsEnd) {
  control_.on_waiting = [this] { interrupts_.Raise(); };
  EXPECT_EQ(Cromt({"run", "hello.yaml"}), 130);
  EXPECT_EQ(control_.canceled, std::vector<std::string>{"run1/"});
  EXPECT_THAT(err(), AllOf(HasSubstr("cromt: interrupted: canceling run run1 and waiting for its processes\n"),
                           HasSubstr("cromt: run run1 canceled: 1 canceled of 1 task")));
  EXPECT_FALSE(interrupts_.ended);
}

TEST_F(EndlessRunTest, ASecondCtrlCCancelsTheCleanUpsAndAThirdOnlyWaits) {
  control_.cancels_to_end = 2;
  control_.on_waiting = [this] {
    interrupts_.Raise();
    interrupts_.Raise();
    interrupts_.Raise();
  };
  EXPECT_EQ(Cromt({"run", "hello.yaml"}), 130);
  EXPECT_FALSE(interrupts_.ended) << "the processes must be ended first";
  EXPECT_EQ(control_.canceled, (std::vector<std::string>{"run1/", "run1/"}));
  EXPECT_THAT(err(), HasSubstr("waiting for the processes to end, clean-ups, too"));
}

TEST_F(EndlessRunTest, CtrlCWhileTheMeshStartsStartsNothing) {
  on_embed_ = [this] { interrupts_.Raise(); };
  EXPECT_EQ(Cromt({"run", "hello.yaml"}), 130);
  EXPECT_TRUE(control_.started.empty());
}

TEST_F(EndlessRunTest, TheTimeoutCancelsTheRun) {
  EXPECT_EQ(Cromt({"run", "hello.yaml", "--timeout", "20ms"}), 4);
  EXPECT_EQ(control_.canceled, std::vector<std::string>{"run1/"});
  EXPECT_THAT(err(), HasSubstr("the timeout of 20ms passed: canceling run run1"));
}

TEST_F(RunTest, AReaderThatLeavesDoesNotEndTheRun) {
  File("hello.yaml", kHello);
  out_.breaks_at = 1;
  EXPECT_EQ(Cromt({"run", "hello.yaml"}), 0);
  EXPECT_TRUE(control_.canceled.empty());
  EXPECT_THAT(err(), HasSubstr("run run1 succeeded"));
}

// ---- Where it is kept -------------------------------------------------------------------------

TEST_F(RunTest, EachRunHasADirectoryOfItsOwnAndTenAreKept) {
  File("hello.yaml", kHello);
  std::filesystem::create_directories(RunsDirectory());
  for (int i = 0; i < 14; ++i) {
    EXPECT_EQ(Cromt({"run", "hello.yaml"}), 0);
    const std::string directory = embedded_.back().data_dir;
    EXPECT_TRUE(directory.starts_with(RunsDirectory() + "/"));
    const std::string renamed = RunsDirectory() + "/old" + std::to_string(i);
    std::filesystem::rename(directory, renamed);
    std::filesystem::last_write_time(renamed + "/run-finished",
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(20 - i));
  }
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(RunsDirectory()))
    left.push_back(entry.path().filename());
  EXPECT_THAT(left, ::testing::UnorderedElementsAre("old4", "old5", "old6", "old7", "old8", "old9", "old10", "old11",
                                                    "old12", "old13"));
}

}  // namespace
}  // namespace cromt::cli
