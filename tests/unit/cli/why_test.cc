// cromt why, rerun and agents forget.
#include "cli_test.h"

namespace cromt::cli {
namespace {

using ::testing::HasSubstr;

class WhyTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    control_.view = RunOf("hello", {Succeeded(Task(1, "hello", "hostA")), Failed(Task(2, "hello", "hostB"), 7)},
                          RunOutcome::kFailed);
    control_.why_answer = {{WhyKind::kEarlier, "attempt 1: exit code 5; try 2 of 2 follows"},
                           {WhyKind::kEnded, "failed: exit code 7\x1b[2J"}};
  }
};

TEST_F(WhyTest, OfATaskOneLineAReason) {
  EXPECT_EQ(Cromt({"why", "last", "2"}), 0);
  EXPECT_EQ(out(),
            "task 2 of run run1: hello on hostB (failed)\n"
            "  - attempt 1: exit code 5; try 2 of 2 follows\n"
            "  - failed: exit code 7^[[2J\n");
  EXPECT_EQ(control_.asked_why, std::vector<std::string>{"run1/2"});
}

TEST_F(WhyTest, OfARunAndAsJson) {
  EXPECT_EQ(Cromt({"why", "run1"}), 0);
  EXPECT_THAT(out(), HasSubstr("run run1 of hello (failed)\n  - attempt 1"));
  EXPECT_EQ(control_.asked_why, std::vector<std::string>{"run1/"});
  control_.why_answer = {{WhyKind::kLaneLost, "the queue is kept"}};
  EXPECT_EQ(Cromt({"why", "run1", "2", "-o", "json"}), 0);
  EXPECT_EQ(out(), R"({"run":"run1","task":"2","reasons":[{"kind":"lane_lost","text":"the queue is kept"}]})"
                   "\n");
  EXPECT_EQ(Cromt({"why", "run1", "-o", "quiet"}), 0);
  EXPECT_EQ(out(), "the queue is kept\n");
}

TEST_F(WhyTest, UnknownTasksAreBadInput) {
  EXPECT_EQ(Cromt({"why", "run1", "7"}), 2);
  EXPECT_EQ(Cromt({"why", "nope"}), 2);
  EXPECT_EQ(Cromt({"why"}), 2);
  EXPECT_TRUE(control_.asked_why.empty());
}

TEST_F(WhyTest, RerunPrintsTheNewRunsId) {
  EXPECT_EQ(Cromt({"rerun", "last", "--failed"}), 0);
  EXPECT_EQ(out(), "run1\n");
  ASSERT_EQ(control_.rerun.size(), 1u);
  EXPECT_EQ(control_.rerun[0].run, "last");
  EXPECT_TRUE(control_.rerun[0].failed);
  EXPECT_EQ(control_.rerun[0].author, "alice");
  EXPECT_NE(control_.rerun[0].request, RequestId());
  EXPECT_EQ(Cromt({"rerun", "last", "--wait", "--follow"}), 2);
  EXPECT_EQ(Cromt({"rerun", "last", "--timeout", "5s"}), 2);
  EXPECT_EQ(control_.rerun.size(), 1u);
}

TEST_F(WhyTest, AgentsForgetNamesOne) {
  EXPECT_EQ(Cromt({"agents", "forget", "hostB"}), 0);
  EXPECT_EQ(out(), "forgot hostB: what it had is lost, and its queues are free\n");
  EXPECT_EQ(control_.forgotten, std::vector<std::string>{"hostB"});
  EXPECT_EQ(Cromt({"agents", "forget", "hostB", "-o", "json"}), 0);
  EXPECT_EQ(out(), "{\"forgot\":\"hostB\"}\n");
  EXPECT_EQ(Cromt({"agents", "forget"}), 2);
  EXPECT_EQ(Cromt({"agents", "frget", "hostB"}), 2);
  EXPECT_EQ(control_.forgotten.size(), 2u);
}

}  // namespace
}  // namespace cromt::cli
