// cromt run --resume: what is asked of a run that was left, and what is said where it can't go on.
#include <filesystem>
#include <fstream>

#include "cli/run_directory.h"
#include "cli/run_origin.h"
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The directory of "run1" as a killed `cromt run` leaves it in boot1; its task goes on.
class ResumeTest : public CliTest {
 protected:
  ResumeTest() {
    environment_["XDG_STATE_HOME"] = Path("state");
    std::filesystem::create_directories(Directory());
    std::ofstream(Directory() + "/boot") << "boot1\n";
    const RunView run = RunOf("hello", {Running(Task(1, "hello", "local"))});
    control_.view = run;
    control_.updates = {Whole(run), Changed({Succeeded(Task(1, "hello", "local"), 6)}),
                        Ended(run, RunOutcome::kSucceeded)};
    control_.pieces = {Printed(1, 0, "hello\n")};
  }

  std::string Directory() const { return Path("state/cromt/runs/run1"); }
  void StartedWith(const RunOrigin& origin) const { ASSERT_TRUE(WriteRunOrigin(Directory(), origin)); }
  bool IsMarkedFinished() const { return std::filesystem::exists(Directory() + "/run-finished"); }
};

TEST_F(ResumeTest, GoesOnWithWhatTheRunWasStartedWith) {
  StartedWith({"agents: {hostA: '127.0.0.1:4101'}\n", true, 3, std::nullopt});
  EXPECT_EQ(Cromt({"run", "--resume", "run"}), 0);
  EXPECT_EQ(out(), "hello\n");
  EXPECT_THAT(err(), AllOf(HasSubstr("cromt: resuming run run1; its output comes from the beginning\n"),
                           HasSubstr("cromt: run run1 succeeded: 1 task in 3.0s\n")));
  EXPECT_TRUE(control_.applied.empty());
  EXPECT_TRUE(control_.started.empty());
  ASSERT_EQ(embedded_.size(), 1u);
  EXPECT_EQ(embedded_[0].data_dir, Directory());
  EXPECT_EQ(embedded_[0].agents.at("hostA"), "127.0.0.1:4101");
  EXPECT_EQ(embedded_[0].slots, 3u);
  EXPECT_TRUE(embedded_[0].insecure);
  EXPECT_TRUE(IsMarkedFinished());
}

TEST_F(ResumeTest, ARunKeepsWhatItIsStartedWith) {
  File("hello.yaml", "projects:\n  hello:\n    run: echo hello\n");
  File("mesh.yaml", "agents: {hostA: '127.0.0.1:4101'}\nslots: 5\n");
  EXPECT_EQ(Cromt({"run", "hello.yaml", "--config", "mesh.yaml", "--timeout", "90"}), 0);
  const auto origin = ReadRunOrigin(embedded_.back().data_dir);
  ASSERT_TRUE(origin) << origin.error().message;
  EXPECT_EQ(origin->config, "agents: {hostA: '127.0.0.1:4101'}\nslots: 5\n");
  EXPECT_EQ(origin->slots, 5u);
  EXPECT_FALSE(origin->insecure);
  EXPECT_EQ(origin->deadline, MonoFromMicros(90'000'000));
}

TEST_F(ResumeTest, ATimeoutGoesOnCountingUnlessANewOneIsGiven) {
  control_.after_cancel = Ended(control_.view, RunOutcome::kCanceled, {});
  control_.updates = {Whole(control_.view)};
  StartedWith({"", false, 0, MonoFromMicros(-1)});  // the clock of these tests stands at 0
  EXPECT_EQ(Cromt({"run", "--resume", "run1"}), 4);
  EXPECT_EQ(control_.canceled, std::vector<std::string>{"run1/"});
}

TEST_F(ResumeTest, CtrlCWhileItStartsCancelsTheRun) {
  StartedWith({});
  control_.after_cancel = Ended(control_.view, RunOutcome::kCanceled, {});
  control_.updates = {Whole(control_.view)};
  on_embed_ = [this] { interrupts_.Raise(); };
  EXPECT_EQ(Cromt({"run", "--resume", "run1"}), 130);
  EXPECT_EQ(control_.canceled, std::vector<std::string>{"run1/"});
}

TEST_F(ResumeTest, NothingOfTheRunIsGivenAgain) {
  StartedWith({});
  const std::vector<std::vector<std::string>> all = {{"hello"},      {"--conf", "a.yaml"}, {"--config", "m.yaml"},
                                                     {"--insecure"}, {"--var", "A=b"},     {"--slots", "2"}};
  for (const auto& words : all) {
    std::vector<std::string> call = {"run", "--resume", "run1"};
    call.insert(call.end(), words.begin(), words.end());
    EXPECT_EQ(Cromt(call), 2) << words[0];
    EXPECT_THAT(err(), HasSubstr("goes on with what the run was started with"));
  }
  EXPECT_EQ(Cromt({"run", "--resume", "no/name"}), 2);
  EXPECT_TRUE(embedded_.empty());
  EXPECT_FALSE(IsMarkedFinished());
}

TEST_F(ResumeTest, AnUnknownRunIsBadInput) {
  EXPECT_EQ(Cromt({"run", "--resume", "other"}), 2);
  EXPECT_THAT(err(), HasSubstr("there is no run other"));
}

TEST_F(ResumeTest, WhatGoesOnElsewhereIsLeftAlone) {
  StartedWith({});
  const World world{.out = out_,
                    .err = err_,
                    .interrupts = interrupts_,
                    .clock = clock_,
                    .random = random_,
                    .variable = [this](const std::string&) { return std::optional(Path("state")); }};
  const auto other = RunDirectory::Open(world, "run1");
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_EQ(Cromt({"run", "--resume", "run1"}), 2);
  EXPECT_THAT(err(), HasSubstr("run run1 goes on in another 'cromt run'"));
  EXPECT_TRUE(embedded_.empty());
  EXPECT_FALSE(IsMarkedFinished());
}

TEST_F(ResumeTest, OneThatHasEndedIsToldWithItsOutcome) {
  std::ofstream(Directory() + "/run-finished").flush();
  control_.view = RunOf("hello", {Failed(Task(1, "hello", "local"), 7)}, RunOutcome::kFailed);
  control_.updates = {Whole(control_.view)};
  EXPECT_EQ(Cromt({"run", "--resume", "last"}), 1);
  EXPECT_EQ(out(), "") << "cromt logs shows it";
  EXPECT_THAT(err(), AllOf(HasSubstr("run run1 has ended already; 'cromt logs run1 --local' shows its output"),
                           HasSubstr("run run1 failed"), HasSubstr("exit code 7")));
  EXPECT_EQ(Cromt({"run", "--resume", "last", "-o", "quiet"}), 1);
  EXPECT_EQ(out(), "run1\n");
  EXPECT_EQ(Cromt({"run", "--resume", "last", "-o", "json"}), 1);
  EXPECT_THAT(out(), HasSubstr("\"outcome\":\"failed\""));
  EXPECT_TRUE(embedded_.empty());
}

TEST_F(ResumeTest, OfAnotherBootNothingGoesOn) {
  StartedWith({});
  std::ofstream(Directory() + "/boot") << "boot0\n";
  RunView lost = RunOf("hello", {Failed(Task(1, "hello", "local"), 1)}, RunOutcome::kFailed);
  lost.status.reason = "lost: the host was restarted before the run had ended";
  control_.updates = {Whole(lost)};
  EXPECT_EQ(Cromt({"run", "--resume", "run1"}), 1);
  EXPECT_THAT(err(), AllOf(HasSubstr("the host was restarted"), Not(HasSubstr("resuming"))));
  EXPECT_TRUE(embedded_.empty());
  EXPECT_TRUE(IsMarkedFinished());
}

TEST_F(ResumeTest, ADamagedDirectoryIsSaidToBeDamaged) {
  std::ofstream(Directory() + "/started-with.json") << "{\"config\": 5}";
  EXPECT_EQ(Cromt({"run", "--resume", "run1"}), 3);
  EXPECT_THAT(err(), HasSubstr("does not say what the run was started with"));
  EXPECT_TRUE(embedded_.empty());
  EXPECT_FALSE(IsMarkedFinished());
}

}  // namespace
}  // namespace cromt::cli
