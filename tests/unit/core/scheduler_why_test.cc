// `why`: every state of a task has an answer that names the cause and who holds it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/lease.h"
#include "tests/unit/core/fake_mesh.h"
#include "tests/unit/core/random_plan.h"
#include "tests/unit/core/scheduler_env.h"
#include "tests/unit/core/seeds.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class SchedulerWhy : public ::testing::Test {
 protected:
  SchedulerEnv env;
  PlanBuilder plan;
};

TEST_F(SchedulerWhy, Sources) {
  plan.Add("x", {.repository = "https://host/r.git"});
  env.Start(plan.Build());
  const std::string text = "sources: the run has not begun: its repositories are being fetched: https://host/r.git";
  EXPECT_THAT(env.Why("r1", 1), ElementsAre(text));
  EXPECT_THAT(env.Why("r1"), ElementsAre("progress: of 1 task: 1 waiting", text));
}

TEST_F(SchedulerWhy, NeedsAreFollowedToWhoDoesNotWait) {
  auto fetch = plan.Add("fetch", {.hosts = {"a", "b"}});
  auto build = plan.Add("build", {.needs = {fetch}});
  plan.Add("deploy", {.needs = {build}});
  env.Connect("a");
  env.Connect("b");
  env.Start(plan.Build());
  env.Begins("a", "r1/1/1");
  env.Begins("b", "r1/2/1");
  env.Ends("a", "r1/1/1");
  env.Pass(seconds(90));
  EXPECT_THAT(env.Why("r1", 4),
              ElementsAre("needs: 'deploy' waits for 'build', whose task has not ended",
                          "needs: 'build' waits for 'fetch', of whose 2 tasks 1 has not ended",
                          "running: 'fetch' on b: it has been running at b (b:4000) for 1m30s; it has no timeout"));
}

// Found by the simulator: who is canceled before its gate opens is counted for that, but it has ended.
TEST_F(SchedulerWhy, WhoWasCanceledBeforeItCouldBeginHasEnded) {
  auto first = plan.Add("first");
  auto fetch = plan.Add("fetch", {.needs = {first}, .hosts = {"a", "b"}});
  plan.Add("build", {.needs = {fetch}});
  env.Connect("a");
  env.Start(plan.Build());
  env.CancelOne("r1", 2);
  EXPECT_THAT(env.Why("r1", 4).at(0), "needs: 'build' waits for 'fetch', of whose 2 tasks 1 has not ended");
  env.CancelOne("r1", 3);
  EXPECT_THAT(env.Why("r1", 4).at(0), "needs: 'build' waits for 'fetch', which waits itself");
}

TEST_F(SchedulerWhy, AfterNamesWhomItComesAfterAndNeedsWhatComesAfter) {
  auto main = plan.Add("main");
  plan.Add("clean", {.after_of = main});
  plan.Add("next", {.needs = {main}});
  env.Connect("a");
  env.Start(plan.Build());
  EXPECT_THAT(env.Why("r1", 2).at(0), "after: 'clean' comes after 'main', whose task has not ended");
  env.Ends("a", "r1/1/1");
  EXPECT_THAT(env.Why("r1", 3).at(0),
              "needs: 'next' waits for 'main', whose tasks have ended, but not what comes after it");
  EXPECT_THAT(env.Why("r1", 3).at(1), HasSubstr("leased: 'clean' on a: "));
}

TEST_F(SchedulerWhy, LanesNameWhoHasThemAndHowManyAreBefore) {
  plan.Lane("db");
  plan.Add("x", {.groups = {"db"}});
  auto one = plan.Build();
  env.Connect("a");
  for (int i = 0; i < 3; ++i) env.Start(one);
  env.Begins("a", "r1/1/1");
  env.Pass(seconds(5));
  const std::string taken = "lane: the queue 'db' is taken by 'x' on a of run r1, which is running for 5.0s";
  EXPECT_THAT(env.Why("r2", 1), ElementsAre(taken));
  EXPECT_THAT(env.Why("r3", 1),
              ElementsAre(taken, "behind: 1 task is before it in the queue 'db', first 'x' on a of run r2"));
}

TEST_F(SchedulerWhy, ParallelSaysHowManyRun) {
  plan.Limit("x", 1);
  plan.Add("x", {.hosts = {"a", "b"}, .groups = {"x"}});
  env.Connect("a");
  env.Start(plan.Build());
  env.Begins("a", "r1/1/1");
  env.Pass(seconds(7));
  EXPECT_THAT(env.Why("r1", 2),
              ElementsAre("parallel: 1 of its project run, which is all that 'parallel' allows: 'x' on "
                          "a, which is running for 7.0s"));
}

TEST_F(SchedulerWhy, SlotsSayHowBusyTheAgentIs) {
  plan.Add("x", {.hosts = std::vector<std::string>(70, "a")});
  env.Connect("a");
  env.Start(plan.Build());
  EXPECT_THAT(env.Why("r1", 70),
              ElementsAre("slots: the agent at a (a:4000) has 64 tasks for its 4 slots, and 6 more wait for it"));
  env.CancelOne("r1", 69);
  EXPECT_THAT(env.Why("r1", 70).at(0), HasSubstr("and 5 more wait for it"));
}

TEST_F(SchedulerWhy, PausedAgentHasGivenBackALease) {
  plan.Add("x");
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", NotRun(AttemptResult::Kind::kNotStarted, "the agent drains", true));
  EXPECT_THAT(
      env.Why("r1", 1),
      ElementsAre(
          "paused: the agent at a (a:4000) has just given a task back, and gets another in 1.0s: the agent drains"));
}

TEST_F(SchedulerWhy, UnreachableSaysWhatWillHappenWhen) {
  plan.Add("x", {.hosts = {"down"}});
  env.Start(plan.Build());
  env.Disconnect("down", "connection refused");
  env.Pass(seconds(20));
  EXPECT_THAT(env.Why("r1", 1),
              ElementsAre("unreachable: no agent answers at down (down:4000): connection refused; unless "
                          "one does, it is failed in 40.0s"));
}

TEST_F(SchedulerWhy, RetrySaysWhenAndAfterWhat) {
  plan.Add("x", {.retry = {.retries = 1, .delay = seconds(30)}});
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 5);
  env.Pass(seconds(10));
  EXPECT_THAT(env.Why("r1", 1), ElementsAre("retry: its next try is due in 20.0s: exit code 5; try 2 of 2 follows"));
}

TEST_F(SchedulerWhy, LeasedRunningStoppingSilent) {
  plan.Add("x");
  env.Connect("a");
  env.Start(plan.Build());
  EXPECT_THAT(env.Why("r1", 1),
              ElementsAre("leased: the agent at a (a:4000) has it and has not said that it began: it has "
                          "1 task for 4 slots, or prepares its files"));
  env.Begins("a", "r1/1/1");
  EXPECT_THAT(env.Why("r1", 1), ElementsAre("running: it has been running at a (a:4000); it has no timeout"));
  env.Disconnect("a");
  env.Pass(seconds(20));
  EXPECT_THAT(
      env.Why("r1", 1),
      ElementsAre("silent: the agent at a (a:4000) has been silent for 20.0s (connection refused), and the task may "
                  "be running; unless the agent comes back, it is lost in 59m40s"));
  env.Connect("a");
  env.CancelOne("r1", 1, "eve");
  EXPECT_THAT(env.Why("r1", 1),
              ElementsAre("stopping: it was told to stop and a (a:4000) has not confirmed its end: canceled by eve"));
}

TEST_F(SchedulerWhy, EndedTasksOfARunThatGoesOn) {
  auto x = plan.Add("x");
  plan.Add("y", {.needs = {x}});
  plan.Add("z", {.hosts = {"down"}});
  env.Connect("a");
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 5);
  EXPECT_THAT(env.Why("r1", 1), ElementsAre("ended: failed: exit code 5"));
  EXPECT_THAT(env.Why("r1", 2), ElementsAre("ended: skipped: 'x' on a failed: exit code 5"));
}

TEST_F(SchedulerWhy, OfThoseThatEndedAlikeSomeMayCountAsSucceeded) {
  plan.Add("x");
  plan.Add("y", {.ignore_failure = true});
  plan.Add("z");
  env.Connect("a", 3);
  env.Start(plan.Build());
  env.Ends("a", "r1/1/1", 5);
  env.Ends("a", "r1/2/1", 5);
  EXPECT_THAT(env.Why("r1"), IsSupersetOf({"ended: 'x' on a: failed: exit code 5",
                                           "ended: 'y' on a: failed, which counts as succeeded: exit code 5"}));
}

TEST_F(SchedulerWhy, OfARunItsCausesOnceEachWithWhomTheyConcern) {
  auto x = plan.Add("x", {.hosts = {"down", "down", "down", "down", "down", "down", "down"}});
  plan.Add("y", {.needs = {x}});
  env.Start(plan.Build());
  auto lines = env.Why("r1");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[2], "needs: 'y' on a: 'y' waits for 'x', of whose 7 tasks 7 have not ended");
  EXPECT_EQ(lines[0], "progress: of 8 tasks: 1 waiting, 7 ready");
  EXPECT_THAT(lines[1],
              HasSubstr("unreachable: 'x' on down, 'x' on down, 'x' on down, 'x' on down, 'x' on down and 2 more: "
                        "no agent answers at down (down:4000): not reached yet"));
}

// Ten thousand tasks on a hundred hosts: each cause once, and no list of tasks.
TEST_F(SchedulerWhy, OfAHugeRunEachCauseWithItsCount) {
  std::vector<std::string> hosts;
  for (int i = 0; i < 10'000; ++i) hosts.push_back("h" + std::to_string(i % 100));
  auto first = plan.Add("first", {.hosts = hosts});
  plan.Add("second", {.needs = {first}});
  for (int i = 0; i < 90; ++i) env.Connect("h" + std::to_string(i));
  env.Start(plan.Build());
  env.Begins("h7", "r1/8/1");
  env.Pass(seconds(10));
  env.Begins("h8", "r1/9/1");
  env.Ends("h9", "r1/10/1", 3);
  const auto lines = env.Why("r1");
  EXPECT_EQ(lines[0], "progress: of 10001 tasks: 1 waiting, 4239 ready, 5758 leased, 2 running, 1 finished");
  size_t bytes = 0;
  for (const std::string& line : lines) bytes += line.size();
  EXPECT_LE(lines.size(), 30u);
  EXPECT_LT(bytes, 10'000u);
  for (const char* cause :
       {"leased: 'first' on h0, 'first' on h1, 'first' on h2, 'first' on h3, 'first' on h4 and 5753 more: the agent at "
        "h0 ",
        "slots: 'first' on h0, 'first' on h1, 'first' on h2, 'first' on h3, 'first' on h4 and 3234 more: the agent at "
        "h0 ",
        "unreachable: 'first' on h90, 'first' on h91, 'first' on h92, 'first' on h93, 'first' on h94 and 995 more: no "
        "agent answers at h90 (h90:4000), h91 (h91:4000), h92 (h92:4000) and 7 more addresses: not reached yet; ",
        "running: 'first' on h7, 'first' on h8, the first to begin 'first' on h7: it has been running at h7 (h7:4000) "
        "for "
        "10.0s",
        "ended: 'first' on h9: failed: exit code 3", "needs: 'second' on a: 'second' waits for 'first', of whose "})
    EXPECT_THAT(lines, testing::Contains(HasSubstr(cause)));
}

TEST_F(SchedulerWhy, OfMoreCausesThanAreToldTheirNumber) {
  std::vector<std::string> hosts;
  for (int i = 0; i < 50; ++i) hosts.push_back("h" + std::to_string(i));
  plan.Add("x", {.hosts = hosts});
  env.Start(plan.Build());
  for (int i = 0; i < 50; ++i) env.Disconnect("h" + std::to_string(i), "reason " + std::to_string(i));
  const auto lines = env.Why("r1");
  EXPECT_EQ(lines.size(), 22u);
  EXPECT_EQ(lines.back(), "progress: 30 tasks more for 30 other reasons: `cromt why RUN TASK` tells that of one");
}

// A whole site is down: one line, whatever its hosts are called in the reasons.
TEST_F(SchedulerWhy, SilentHostsAreToldTogether) {
  std::vector<std::string> hosts;
  for (int i = 0; i < 100; ++i) hosts.push_back("h" + std::to_string(i));
  plan.Add("x", {.hosts = hosts});
  for (int i = 0; i < 50; ++i) env.Connect(hosts[i]);
  env.Start(plan.Build());
  for (int i = 0; i < 50; ++i) env.Begins(hosts[i], fmt::format("r1/{}/1", i + 1));
  for (const std::string& host : hosts) env.Disconnect(host, "nobody at " + host + ":4000");
  env.Pass(seconds(20));
  EXPECT_THAT(env.Why("r1"),
              ElementsAre("progress: of 100 tasks: 50 ready, 50 unreachable",
                          "silent: 'x' on h0, 'x' on h1, 'x' on h2, 'x' on h3, 'x' on h4 and 45 more, the first to "
                          "begin 'x' on h0: the agent at h0 (h0:4000), h1 (h1:4000), h2 (h2:4000) and 47 more "
                          "addresses has been silent for 20.0s (nobody at h0:4000), and the task may be running; "
                          "unless the agent comes back, it is lost in 59m40s",
                          "unreachable: 'x' on h50, 'x' on h51, 'x' on h52, 'x' on h53, 'x' on h54 and 45 more: no "
                          "agent answers at h50 (h50:4000), h51 (h51:4000), h52 (h52:4000) and 47 more addresses: "
                          "nobody at h50:4000; unless one does, it is failed in 40.0s"));
  env.Pass(seconds(41));
  const std::string failed =
      "ended: 'x' on h50, 'x' on h51, 'x' on h52, 'x' on h53, 'x' on h54 and 45 more: failed: no agent could be "
      "reached at h50 (h50:4000), h51 (h51:4000), h52 (h52:4000) and 47 more addresses for 1m00s: nobody at h50:4000";
  EXPECT_THAT(env.Why("r1"), testing::Contains(failed));
}

// Many hosts of the file are one address: told once, by the address, whatever becomes of them.
TEST_F(SchedulerWhy, HostsOfOneAddressAreToldTogether) {
  plan.Add("x", {.hosts = {"h", "h1@h", "h2@h", "h3@h"}});
  plan.Add("y");
  env.Connect("h");
  env.Connect("a");
  env.Start(plan.Build());
  for (int i = 1; i <= 3; ++i) env.Begins("h", fmt::format("r1/{}/1", i));
  env.Disconnect("h");
  env.Pass(seconds(20));
  auto has = [&](const std::string& text) { EXPECT_THAT(env.Why("r1"), testing::Contains(HasSubstr(text))); };
  has("silent: 'x' on h, 'x' on h1@h, 'x' on h2@h, 'x' on h3@h, the first to begin 'x' on h: the agent at h:4000 has ");
  env.Pass(seconds(3600));
  has("ended: 'x' on h, 'x' on h1@h, 'x' on h2@h, 'x' on h3@h: lost: the agent at h:4000 was silent for ");
}

TEST_F(SchedulerWhy, OfARunWhatFailedAndWhoRunsLongest) {
  plan.Add("x", {.hosts = {"a", "b", "c", "d"}});
  for (const char* agent : {"a", "b", "c", "d"}) env.Connect(agent);
  env.Start(plan.Build());
  env.Begins("b", "r1/2/1");
  env.Pass(seconds(60));
  env.Begins("a", "r1/1/1");
  env.Ends("c", "r1/3/1", 7);
  env.Ends("d", "r1/4/1", 7);
  EXPECT_THAT(env.Why("r1"),
              ElementsAre("progress: of 4 tasks: 2 running, 2 finished",
                          "running: 'x' on a, 'x' on b, the first to begin 'x' on b: it has been running at b (b:4000) "
                          "for 1m00s; it has no timeout",
                          "ended: 'x' on c, 'x' on d: failed: exit code 7"));
}

TEST_F(SchedulerWhy, WhoHasALaneAndDoesNotRunIsAskedToo) {
  plan.Lane("db");
  plan.Add("x", {.hosts = {"down"}, .groups = {"db"}});
  auto one = plan.Build();
  env.Start(one);
  env.Start(one);
  EXPECT_THAT(env.Why("r2", 1),
              ElementsAre("lane: the queue 'db' is taken by 'x' on down of run r1, which is ready",
                          "unreachable: 'x' on down of run r1: no agent answers at down (down:4000): not reached yet; "
                          "unless one does, it is failed in 1m00s"));
}

// Who is in the way of another run's task is of that run, too, and not of the one that was asked for.
TEST_F(SchedulerWhy, WhoIsInTheWayOfAnotherRunIsNamedWithIt) {
  plan.Lane("db");
  plan.Add("y");
  plan.Add("x", {.groups = {"db"}});
  auto one = plan.Build();
  env.Connect("a", 1);
  env.Start(one);
  env.Begins("a", "r1/1/1");
  env.Start(one);
  EXPECT_THAT(env.Why("r2", 2), ElementsAre("lane: the queue 'db' is taken by 'x' on a of run r1, which is leased",
                                            AllOf(HasSubstr("leased: 'x' on a of run r1: "),
                                                  HasSubstr("(longest 'y' on a of run r1, which is running)"))));
}

TEST_F(SchedulerWhy, ALineThatNobodyHoldsIsFollowedToTheOtherLineOfItsFirst) {
  plan.Lane("one").Lane("two");
  plan.Add("holder", {.groups = {"two"}});
  plan.Add("both", {.groups = {"one", "two"}});
  plan.Add("last", {.groups = {"one"}});
  env.Connect("a");
  env.Start(plan.Build());
  env.Begins("a", "r1/1/1");
  EXPECT_THAT(env.Why("r1", 3),
              ElementsAre("behind: 1 task is before it in the queue 'one', first 'both' on a",
                          "lane: 'both' on a: the queue 'two' is taken by 'holder' on a, which is running"));
}

// Whatever happens, in whatever order: who has not ended has a reason, at every moment.
class RandomWhy : public testing::TestWithParam<uint64_t> {};
TEST_P(RandomWhy, NobodyIsWithoutAnAnswer) {
  std::mt19937_64 random(GetParam());
  FakeMesh mesh(GetParam());
  for (int i = 0; i < 6; ++i) mesh.Submit(RandomPlan(random));
  mesh.cancels = 200;
  Scheduler scheduler;
  for (int step = 0; step < 20'000 && mesh.Step(scheduler); ++step)
    for (const RunId& id : mesh.store().Ids()) {
      const StoredRun& run = mesh.store().Run(id);
      if (run.status.state == RunState::kFinished) continue;
      for (TaskIndex t = 0; t < run.tasks.size(); ++t) {
        auto lines = scheduler.Why(id, t, mesh.now());
        ASSERT_TRUE(lines);
        ASSERT_FALSE(lines->empty()) << id.text() << "/" << t << " is " << ToString(run.tasks[t].state);
        for (const WhyLine& line : *lines) ASSERT_FALSE(line.text.empty());
      }
      ASSERT_GT(scheduler.Why(id, {}, mesh.now())->size(), 1u);
    }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomWhy, Seeds(12));

TEST_F(SchedulerWhy, UnknownRunsAndTasks) {
  env.Start(Chain(1));
  EXPECT_THAT(env.Why("r2"), ElementsAre("error: run r2 is not running"));
  EXPECT_THAT(env.Why("r1", 2), ElementsAre("error: run r1 is not running"));
}

}  // namespace
}  // namespace cromt
