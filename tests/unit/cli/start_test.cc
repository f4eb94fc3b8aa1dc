// cromt start: with --wait, --follow, Ctrl-C, a timeout, and connections that break.
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StartTest : public CliTest {
 protected:
  // Two tasks; hello on hostB fails.
  void GivenARunThatFails() {
    const RunView run = RunOf("hello", {Task(1, "hello", "hostA"), Task(2, "hello", "hostB")});
    control_.updates = {Whole(run), Changed({Running(Task(1, "hello", "hostA")), Running(Task(2, "hello", "hostB"))}),
                        Changed({Succeeded(Task(1, "hello", "hostA"), 6), Failed(Task(2, "hello", "hostB"), 7)}),
                        Ended(run, RunOutcome::kFailed)};
    control_.pieces = {Printed(1, 0, "one\n"), Printed(2, 0, "broken\n"), Printed(1, 4, "2\n")};
    control_.view = RunOf("hello", {Succeeded(Task(1, "hello", "hostA")), Failed(Task(2, "hello", "hostB"), 7)},
                          RunOutcome::kFailed);
  }
  // One task that runs until somebody ends it.
  void GivenARunWithoutEnd() {
    control_.view = RunOf("hello", {Running(Task(1, "hello", "hostA"))});
    control_.updates = {Whole(control_.view)};
  }
};

TEST_F(StartTest, StartPrintsTheIdAndDoesNotWait) {
  EXPECT_EQ(Cromt({"start", "hello", "--action", "pull build", "--var", "A=b=c", "--var", "B=", "--var", "A=x y"}), 0);
  EXPECT_EQ(out(), "run1\n");
  EXPECT_EQ(err(), "");
  ASSERT_EQ(control_.started.size(), 1u);
  EXPECT_EQ(control_.started[0].project, "hello");
  EXPECT_EQ(control_.started[0].action, "pull build");
  EXPECT_EQ(control_.started[0].variables, (Variables{{"A", "x y"}, {"B", ""}}));
  EXPECT_EQ(control_.started[0].author, "alice");
  EXPECT_EQ(Cromt({"start", "hello", "-o", "json"}), 0);
  EXPECT_EQ(out(), "{\"id\":\"run1\"}\n");
  EXPECT_NE(control_.started[0].request, RequestId());
}

TEST_F(StartTest, BadVariablesAndActionsAreRefusedHere) {
  for (const std::string var : {"A", "=b", "1A=b", "A B=c", "A=\xff"}) {
    EXPECT_EQ(Cromt({"start", "hello", "--var", var}), 2) << var;
    EXPECT_THAT(err(), HasSubstr("--var"));
  }
  EXPECT_EQ(Cromt({"start", "hello", "--action", "../x"}), 2);
  EXPECT_EQ(Cromt({"start", "hello", "--action", " "}), 2);
  EXPECT_TRUE(control_.started.empty());
}

TEST_F(StartTest, ARefusalByTheCoordinatorHasItsOwnCode) {
  control_.start_answer = Fail(ErrorCode::kNotFound, "there is no project hello");
  EXPECT_EQ(Cromt({"start", "hello"}), 2);
  control_.start_answer = Fail(ErrorCode::kDenied, "alice may not start hello");
  EXPECT_EQ(Cromt({"start", "hello"}), 3);
  EXPECT_EQ(err(), "cromt: alice may not start hello\n");
  control_.start_answer = Fail(ErrorCode::kInvalid, "/srv/jobs.yaml:3:5: error: 'retries' is not built yet");
  EXPECT_EQ(Cromt({"start", "hello"}), 2);
  EXPECT_EQ(err(), "/srv/jobs.yaml:3:5: error: 'retries' is not built yet\n");
}

// ---- Waiting ----------------------------------------------------------------------------------

TEST_F(StartTest, AFailureThatIsNoLongerForgivenIsCounted) {
  const RunView run = RunOf("hello", {Task(1, "hello", "hostA"), Task(2, "hello", "hostB")});
  TaskView forgiven = Failed(Task(1, "hello", "hostA"), 7);
  forgiven.status.ignored = true;
  control_.updates = {Whole(run), Changed({forgiven}),
                      Changed({Failed(Task(1, "hello", "hostA"), 7), Failed(Task(2, "hello", "hostB"), 7)}),
                      Ended(run, RunOutcome::kFailed)};
  EXPECT_EQ(Cromt({"start", "hello", "--wait"}), 1);
  EXPECT_THAT(err(), HasSubstr("2 failed of 2 tasks"));
  EXPECT_THAT(err(), HasSubstr("hello on hostA failed"));
}

TEST_F(StartTest, WaitPrintsTheIdAndOnlyTheEnd) {
  GivenARunThatFails();
  EXPECT_EQ(Cromt({"start", "hello", "--wait"}), 1);
  EXPECT_EQ(out(), "run1\n");
  EXPECT_EQ(err(),
            "cromt: run run1 failed: 1 failed, 1 succeeded of 2 tasks in 3.0s\n"
            "cromt:   hello on hostB failed in 2.0s: exit code 7; its output: cromt logs run1 2\n");
  EXPECT_TRUE(control_.logs_read.empty());
}

TEST_F(StartTest, WaitInJsonIsTheRunOnceItHasEnded) {
  GivenARunThatFails();
  EXPECT_EQ(Cromt({"start", "hello", "--wait", "-o", "json"}), 1);
  EXPECT_THAT(out(), AllOf(::testing::StartsWith("{\"id\":\"run1\","), HasSubstr("\"outcome\":\"failed\"")));
  EXPECT_EQ(std::count(out().begin(), out().end(), '\n'), 1);
}

TEST_F(StartTest, WaitQuietlyIsTheIdAndTheCode) {
  GivenARunThatFails();
  EXPECT_EQ(Cromt({"start", "hello", "--wait", "-o", "quiet"}), 1);
  EXPECT_EQ(out(), "run1\n");
  EXPECT_EQ(err(), "");
}

TEST_F(StartTest, ARunThatSucceedsIsDone) {
  const RunView run = RunOf("hello", {Task(1, "hello", "hostA")});
  control_.updates = {Whole(run), Changed({Succeeded(Task(1, "hello", "hostA"))}), Ended(run, RunOutcome::kSucceeded)};
  EXPECT_EQ(Cromt({"start", "hello", "--wait"}), 0);
  EXPECT_EQ(err(), "cromt: run run1 succeeded: 1 task in 3.0s\n");
}

TEST_F(StartTest, TheTimeoutOfWaitingHasItsOwnCodeAndTheRunGoesOn) {
  GivenARunWithoutEnd();
  EXPECT_EQ(Cromt({"start", "hello", "--wait", "--timeout", "20ms"}), 4);
  EXPECT_THAT(err(), AllOf(HasSubstr("timeout of 20ms passed"), HasSubstr("run run1 goes on")));
  EXPECT_TRUE(control_.canceled.empty());
}

// ---- Following --------------------------------------------------------------------------------

TEST_F(StartTest, FollowShowsWhoseOutputItIsAndTellsTheRestOnStandardError) {
  GivenARunThatFails();
  EXPECT_EQ(Cromt({"start", "hello", "--follow"}), 1);
  EXPECT_EQ(out(),
            "==> hello on hostA <==\none\n"
            "==> hello on hostB <==\nbroken\n"
            "==> hello on hostA <==\n2\n");
  EXPECT_THAT(
      err(),
      AllOf(HasSubstr("cromt: run run1 of hello: 2 tasks on 2 hosts\n"), HasSubstr("cromt: hello on hostA started\n"),
            HasSubstr("cromt: hello on hostA succeeded in 1.0s\n"),
            HasSubstr("cromt: hello on hostB failed in 2.0s: exit code 7\n"), HasSubstr("cromt: run run1 failed: ")));
  EXPECT_EQ(control_.logs_read, std::vector<std::string>{"run1/"});
}

TEST_F(StartTest, FollowInJsonKeepsStandardOutputForTheRun) {
  GivenARunThatFails();
  EXPECT_EQ(Cromt({"start", "hello", "--follow", "-o", "json"}), 1);
  EXPECT_THAT(out(), ::testing::StartsWith("{\"id\":\"run1\","));
  EXPECT_EQ(std::count(out().begin(), out().end(), '\n'), 1);
  EXPECT_THAT(err(), HasSubstr("==> hello on hostB <==\nbroken\n"));
}

TEST_F(StartTest, CtrlCOnlyStopsFollowing) {
  GivenARunWithoutEnd();
  control_.on_waiting = [this] { interrupts_.Raise(); };
  EXPECT_EQ(Cromt({"start", "hello", "--follow"}), 130);
  EXPECT_THAT(err(), AllOf(HasSubstr("stopped following; run run1 goes on"), HasSubstr("cromt logs run1 --follow"),
                           HasSubstr("cromt cancel run1")));
  EXPECT_TRUE(control_.canceled.empty());
  EXPECT_FALSE(interrupts_.ended);
  EXPECT_FALSE(interrupts_.handled()) << "the next Ctrl-C must end the program";
}

TEST_F(StartTest, ASecondCtrlCDoesNotWaitForTheFirst) {
  GivenARunWithoutEnd();
  control_.on_waiting = [this] {
    interrupts_.Raise();
    interrupts_.Raise();
  };
  EXPECT_EQ(Cromt({"start", "hello", "--wait"}), 130);
  EXPECT_TRUE(interrupts_.ended);
}

TEST_F(StartTest, ABrokenConnectionIsTriedAgainAndNothingIsShownTwice) {
  GivenARunThatFails();
  control_.breaks = 2;
  control_.log_breaks = 2;
  EXPECT_EQ(Cromt({"start", "hello", "--follow"}), 1);
  EXPECT_EQ(control_.watches, 3);
  EXPECT_EQ(control_.logs_read.size(), 3u);
  EXPECT_EQ(out(),
            "==> hello on hostA <==\none\n"
            "==> hello on hostB <==\nbroken\n"
            "==> hello on hostA <==\n2\n");
  EXPECT_THAT(err(), HasSubstr("the connection to the coordinator broke; trying again"));
  EXPECT_EQ(err().find("of hello: 2 tasks"), err().rfind("of hello: 2 tasks"));
}

TEST_F(StartTest, OutputThatDoesNotComeIsSaidAndNotAskedForAgain) {
  GivenARunThatFails();
  control_.log_error = Error{ErrorCode::kTimeout, "not all output of task 1 has come from hostA"};
  EXPECT_EQ(Cromt({"start", "hello", "--follow"}), 1) << "as the run";
  EXPECT_THAT(err(), HasSubstr("not all output of task 1 has come from hostA"));
  EXPECT_EQ(control_.logs_read.size(), 1u);
}

TEST_F(StartTest, FollowingThatIsRefusedIsAnErrorAtOnce) {
  control_.watch_error = Error{ErrorCode::kDenied, "alice may not see run1"};
  EXPECT_EQ(Cromt({"start", "hello", "--follow"}), 3);
  EXPECT_EQ(err(), "cromt: alice may not see run1\n");
  EXPECT_EQ(control_.watches, 1);
}

TEST_F(StartTest, AConnectionThatBreaksForGoodIsAnErrorInTheEnd) {
  control_.watch_error = Error{ErrorCode::kUnavailable, "Connection refused"};
  EXPECT_EQ(Cromt({"start", "hello", "--follow"}), 3);
  EXPECT_THAT(err(), HasSubstr("cromt: Connection refused\n"));
  EXPECT_GT(control_.watches, 10);
}

// ---- Many -------------------------------------------------------------------------------------

TEST_F(StartTest, TenThousandTasksAreFollowed) {
  constexpr uint32_t kTasks = 10'000;
  constexpr uint32_t kOpen = 500;  // lines that are open at once
  std::vector<TaskView> tasks, ended;
  for (uint32_t number = 1; number <= kTasks; ++number) {
    tasks.push_back(Task(number, "t" + std::to_string(number), "h"));
    ended.push_back(Succeeded(tasks.back(), 8));
  }
  for (uint32_t first = 1; first <= kTasks; first += kOpen) {
    for (uint32_t number = first; number < first + kOpen; ++number)
      control_.pieces.push_back(Printed(number, 0, "half"));
    for (uint32_t number = first; number < first + kOpen; ++number)
      control_.pieces.push_back(Printed(number, 4, "way\n"));
  }
  const RunView run = RunOf("many", tasks);
  control_.updates = {Whole(run), Changed(ended), Ended(run, RunOutcome::kSucceeded)};
  EXPECT_EQ(Cromt({"start", "many", "--follow"}), 0);
  EXPECT_THAT(err(), HasSubstr("run run1 succeeded: 10000 tasks"));
  size_t finished = 0;
  for (size_t at = err().find(" on h succeeded"); at != std::string::npos; at = err().find(" on h succeeded", at + 1))
    ++finished;
  EXPECT_EQ(finished, kTasks);
  EXPECT_THAT(out(), AllOf(HasSubstr("==> t1 on h <==\nhalfway\n"), HasSubstr("==> t10000 on h <==\nhalfway\n")));
}

TEST_F(StartTest, WhyATaskWaitsIsSaidOnce) {
  TaskView waits = Task(1, "hello", "hostB");
  waits.status.state = TaskState::kReady;
  waits.status.reason = "hostB can't be reached: refused";
  const RunView run = RunOf("hello", {Task(1, "hello", "hostB")});
  control_.updates = {Whole(run), Changed({waits}), Changed({waits}), Changed({Succeeded(Task(1, "hello", "hostB"))}),
                      Ended(run, RunOutcome::kSucceeded)};
  control_.pieces = {};
  EXPECT_EQ(Cromt({"start", "hello", "--follow"}), 0);
  EXPECT_EQ(err(),
            "cromt: run run1 of hello: 1 task on hostB\n"
            "cromt: hello on hostB waits: hostB can't be reached: refused\n"
            "cromt: hello on hostB succeeded in 1.0s\n"
            "cromt: run run1 succeeded: 1 task in 3.0s\n");
}

}  // namespace
}  // namespace cromt::cli
