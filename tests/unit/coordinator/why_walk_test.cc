// No state without an answer: each kind of answer, each state of tasks and runs and each way to end is made to happen
// in a real scheduler, and `why` has to say what is the matter and who is in the way. What is new to one of the enums
// and not to this walk fails it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "coordinator/why.h"
#include "tests/unit/core/scheduler_env.h"

namespace cromt {
namespace {

using ::testing::HasSubstr;
using Kind = AttemptResult::Kind;

// All values of an enum whose words are in an array.
template <class Enum>
std::set<std::string> Words() {
  std::set<std::string> words;
  try {
    for (int i = 0;; ++i) words.emplace(ToString(static_cast<Enum>(i)));
  } catch (const std::out_of_range&) {
    return words;
  }
}
std::set<std::string> WordsOfKinds() {
  std::set<std::string> words;
  for (int i = 0; !ToString(static_cast<WhyKind>(i)).empty(); ++i) words.emplace(ToString(static_cast<WhyKind>(i)));
  return words;
}

// What the coordinator answers (coordinator/coordinator.cc) from the store and the scheduler.
class Mesh : public SchedulerEnv {
 public:
  RunView View(const std::string& run) const {
    const StoredRun& stored = Stored(run);
    RunView view;
    view.header = stored.header;
    view.status = stored.status;
    for (TaskIndex t = 0; t < stored.tasks.size(); ++t) {
      TaskView& task = view.tasks.emplace_back();
      task.index = t;
      task.project = stored.plan->spec(t).project;
      task.host = stored.plan->host(t).id;
      task.status = stored.tasks[t];
    }
    return view;
  }
  WhyLines Answer(const std::string& run, std::optional<TaskIndex> task) {
    const RunView view = View(run);
    WhyLines lines;
    if (task) {
      const TaskView& one = view.tasks.at(*task - 1);
      std::vector<TaskTransition> history;
      for (const auto& [change, at] : changes())
        if (change.run.text() == run && change.task == *task - 1)
          history.push_back({change.status.attempt, change.status.state, change.status.reason, at});
      lines = WhatCameBefore(one, history);
      if (one.status.state == TaskState::kFinished) {
        lines.push_back(HowItEnded(one));
        return lines;
      }
    } else if (view.status.state == RunState::kFinished) {
      return HowItEnded(view);
    }
    auto live = scheduler().Why(RunId(run), task ? std::optional(*task - 1) : task, now());
    EXPECT_TRUE(live);
    if (live) lines.insert(lines.end(), live->begin(), live->end());
    if (task && view.tasks.at(*task - 1).status.state == TaskState::kRunning)
      lines.push_back(
          HowItGoes(LastOutput{now().wall - seconds(42), 5 << 20}, "", {seconds(3), seconds(4)}, now().wall));
    return lines;
  }
};

struct Case {
  std::string name;
  std::function<void(Mesh&)> play;
  std::vector<std::string> says;  // somewhere in the answer about the last task of the last run
  std::vector<std::string> says_of_run = {};
};

std::shared_ptr<const Plan> One(InstanceOptions options = {}) {
  PlanBuilder plan;
  plan.Add("x", options);
  return plan.Build();
}

// x, and y that needs it.
std::shared_ptr<const Plan> Two(InstanceOptions first = {}, InstanceOptions second = {}) {
  PlanBuilder plan;
  second.needs = {plan.Add("x", first)};
  plan.Add("y", second);
  return plan.Build();
}

std::shared_ptr<const Plan> OfLane() {
  PlanBuilder plan;
  plan.Lane("db").Add("x", {.groups = {"db"}});
  return plan.Build();
}

void Running(Mesh& mesh, std::shared_ptr<const Plan> plan) {
  mesh.Connect("a");
  mesh.Start(std::move(plan));
  mesh.Begins("a", "r1/1/1");
}

// What waits for others of its run or its lane.
std::vector<Case> OfWaiting() {
  return {
      {"sources",
       [](Mesh& m) { m.Start(One({.repository = "https://h/r.git"})); },
       {"being fetched", "https://h/r.git"}},
      {"needs", [](Mesh& m) { Running(m, Two()); }, {"'y' waits for 'x'", "running at a (a:4000)"}, {"1 waiting"}},
      {"after",
       [](Mesh& m) {
         PlanBuilder plan;
         auto x = plan.Add("x");
         plan.Add("clean", {.after_of = x});
         Running(m, plan.Build());
       },
       {"'clean' comes after 'x', whose task has not ended"}},
      {"lane",
       [](Mesh& m) {
         Running(m, OfLane());
         m.Start(OfLane());
         m.Start(OfLane());
       },
       {"the queue 'db' is taken by 'x' on a of run r1, which is running",
        "before it in the queue 'db', first 'x' on a of "
        "run r2"}},
      {"lane of a lost attempt",
       [](Mesh& m) {
         Running(m, OfLane());
         m.Disconnect("a", "reset");
         m.Pass(std::chrono::hours(2));
         m.Start(OfLane());
       },
       {"the queue 'db' is kept for 'x' of run r1, which was lost at a (a:4000)", "cromt agents forget", "reset"}},
      {"parallel",
       [](Mesh& m) {
         PlanBuilder plan;
         plan.Limit("x", 1).Add("x", {.hosts = {"a", "a"}, .groups = {"x"}});
         Running(m, plan.Build());
       },
       {"all that 'parallel' allows: 'x' on a, which is running"}},
  };
}

// What an agent has, or should take.
std::vector<Case> OfReady() {
  return {
      {"slots",
       [](Mesh& m) { Running(m, One({.hosts = std::vector<std::string>(70, "a")})); },
       {"the agent at a (a:4000) has 64 tasks for its 4 slots (longest 'x' on a, which is running"},
       {"64 tasks for its 4 slots"}},
      {"paused",
       [](Mesh& m) {
         m.Connect("a");
         m.Start(One());
         m.Ends("a", "r1/1/1", NotRun(Kind::kNotStarted, "the agent drains", true));
       },
       {"attempt 1: the agent drains, at ", "just given a task back, and gets another in 1.0s: the agent drains"}},
      {"refuses",
       [](Mesh& m) {
         m.Connect("a");
         m.Apply(AgentRefuses{"a:4000", "its disk is full"});
         m.Start(One());
       },
       {"refuses: the agent at a (a:4000) takes and begins nothing new: its disk is full"}},
      {"unreachable",
       [](Mesh& m) {
         m.Start(One());
         m.Disconnect("a", "connection refused");
       },
       {"no agent answers at a (a:4000): connection refused; unless one does, it is failed in 1m00s"}},
      {"retry",
       [](Mesh& m) {
         Running(m, One({.retry = {.retries = 1, .delay = seconds(30)}}));
         m.Ends("a", "r1/1/1", 5);
       },
       {"its next try is due in 30.0s: exit code 5; try 2 of 2 follows"}},
      {"leased",
       [](Mesh& m) {
         m.Connect("a");
         m.Start(One());
       },
       {"the agent at a (a:4000) has it and has not said that it began"}},
      {"leased, and its agent has just gone",
       [](Mesh& m) {
         m.Connect("a");
         m.Start(One());
         m.Disconnect("a", "reset");
         m.Pass(seconds(3));
       },
       {"silent for 3.0s (reset), and the task may have begun; unless the agent comes back, it is lost in 59m57s"}},
  };
}

// What may be running.
std::vector<Case> OfBegun() {
  return {
      {"running, and waited for long",
       [](Mesh& m) {
         m.Start(One());
         m.Pass(seconds(50));
         m.Connect("a");
         m.Pass(seconds(20));
         m.Begins("a", "r1/1/1");
         m.Pass(seconds(60));
       },
       {"it was ready for 50.0s before an agent got it", "its agent had it for 20.0s before it began",
        "it has been running at a (a:4000) for 1m00s; it has no timeout", "it said something 42.0s ago, 5.0 MiB in all",
        "when it succeeded before, with the same job file, it ran 3.0s to 4.0s (2 times)"},
       {"running: 'x' on a: it has been running at a (a:4000) for 1m00s"}},
      {"stopping",
       [](Mesh& m) {
         Running(m, One());
         m.CancelOne("r1", 1, "eve");
       },
       {"it was told to stop and a (a:4000) has not confirmed its end: canceled by eve"}},
      {"unreachable while running",
       [](Mesh& m) {
         Running(m, One({.silence = {.retry_lost = true}}));
         m.Disconnect("a", "reset");
         m.Pass(seconds(20));
       },
       {"silent for 20.0s (reset), and the task may be running", "tried again in 59m40s"}},
      {"unreachable while stopping",
       [](Mesh& m) {
         Running(m, One({.silence = {.retry_lost = true}}));
         m.CancelOne("r1", 1, "eve");
         m.Disconnect("a", "reset");
         m.Pass(seconds(20));
       },
       {"though it is to stop: canceled by eve; unless the agent comes back, it is lost in 59m40s"}},
      {"a silence that is over",
       [](Mesh& m) {
         Running(m, One());
         m.Disconnect("a", "reset");
         m.Pass(seconds(20));
         m.Connect("a");
       },
       {"attempt 1: the agent at a (a:4000) is silent: reset, at "}},
  };
}

// What ended by itself, or could not begin.
std::vector<Case> OfEnds() {
  return {
      {"succeeded", [](Mesh& m) { Running(m, One()), m.Ends("a", "r1/1/1"); }, {"succeeded"}, {"succeeded"}},
      {"exit code",
       [](Mesh& m) { Running(m, One()), m.Ends("a", "r1/1/1", 5); },
       {"failed: exit code 5"},
       {"failed", "'x' on a: failed: exit code 5"}},
      {"ignored",
       [](Mesh& m) { Running(m, One({.ignore_failure = true})), m.Ends("a", "r1/1/1", 5); },
       {"failed, which counts as succeeded: exit code 5"},
       {"succeeded: without 'x' on a, as the job file allows"}},
      {"signal",
       [](Mesh& m) {
         Running(m, One());
         AttemptResult killed = ExitedWith(0);
         killed.status = Signaled{9};
         m.Ends("a", "r1/1/1", killed);
       },
       {"failed: killed by signal 9 (KILL)"}},
      {"not published",
       [](Mesh& m) { Running(m, One()), m.Ends("a", "r1/1/1", NotRun(Kind::kNotPublished, "there is no made")); },
       {"failed: there is no made"}},
      {"not prepared",
       [](Mesh& m) { Running(m, One()), m.Ends("a", "r1/1/1", NotRun(Kind::kNotStarted, "no room for its files")); },
       {"failed: no room for its files"}},
      {"an artifact that nobody published",
       [](Mesh& m) {
         PlanBuilder plan;
         auto x = plan.Add("x");
         plan.Add("y", {.needs = {x}, .inputs = {{.name = "bin", .producer = x}}});
         Running(m, plan.Build());
         m.Ends("a", "r1/1/1");
       },
       {"failed: artifact 'bin' was not published by 'x'"}},
      {"never reached",
       [](Mesh& m) {
         m.Start(One());
         m.Disconnect("a", "connection refused");
         m.Pass(seconds(61));
       },
       {"failed: ", "a (a:4000)", "connection refused"}},
  };
}

// What others have ended, and what nobody knows the end of.
std::vector<Case> OfLosses() {
  return {
      {"timed out",
       [](Mesh& m) {
         Running(m, One());
         m.Ends("a", "r1/1/1", NotRun(Kind::kTimedOut, "it ran longer than its timeout of 5.0s"));
       },
       {"timed out: it ran longer than its timeout of 5.0s"}},
      {"canceled", [](Mesh& m) { m.Start(One()), m.Cancel("r1", "eve"); }, {"canceled by eve"}, {"canceled by eve"}},
      {"stopped on its host",
       [](Mesh& m) { Running(m, One()), m.Ends("a", "r1/1/1", NotRun(Kind::kStopped, "stopped")); },
       {"canceled: stopped"}},
      {"run_timeout",
       [](Mesh& m) {
         PlanBuilder plan;
         plan.RunTimeout(seconds(30)).Add("x");
         m.Start(plan.Build());
         m.Pass(seconds(31));
       },
       {"canceled: the run took longer than its run_timeout of 30.0s"},
       {"timed out: the run took longer than its run_timeout of 30.0s"}},
      {"lost in silence",
       [](Mesh& m) {
         Running(m, One());
         m.Disconnect("a");
         m.Pass(std::chrono::hours(2));
       },
       {"lost: the agent at a (a:4000) was silent for 1h00m"}},
      {"lost with its launcher",
       [](Mesh& m) { Running(m, One()), m.Ends("a", "r1/1/1", NotRun(Kind::kLost, "lost: the launcher died")); },
       {"lost: the launcher died"}},
      {"lost and tried again",
       [](Mesh& m) {
         Running(m, One({.silence = {.retry_lost = true}}));
         m.Ends("a", "r1/1/1", NotRun(Kind::kLost, "lost: the launcher died"));
       },
       {"attempt 1: lost: the launcher died; it may have run, and on_lost says to try again"}},
      {"lost with its journal",
       [](Mesh& m) {
         Running(m, One());
         m.LoseJournal("a");
         m.Connect("a");
       },
       {"lost: the agent at a (a:4000) came back with a new journal"}},
      {"forgotten",
       [](Mesh& m) {
         Running(m, One());
         m.Disconnect("a");
         m.ForgetAgent("a", "eve");
       },
       {"lost: eve said that the agent at a (a:4000) will not come back"}},
      {"a lease that never arrived",
       [](Mesh& m) {
         m.Connect("a");
         m.Start(One());
         m.LoseLease("a", "r1/1/1");
         m.Connect("a");
       },
       {"attempt 1: its lease did not arrive, at "}},
  };
}

// What was not to run.
std::vector<Case> OfSkips() {
  return {
      {"skipped for a failure",
       [](Mesh& m) { Running(m, Two()), m.Ends("a", "r1/1/1", 5); },
       {"skipped: 'x' on a failed: exit code 5"}},
      {"skipped for an early end",
       [](Mesh& m) {
         Running(m, Two({.exit_policy = {.stop = {5}}}));
         m.Ends("a", "r1/1/1", 5);
       },
       {"skipped: 'x' on a requested an early end"}},
      {"skipped clean-up",
       [](Mesh& m) {
         PlanBuilder plan;
         auto x = plan.Add("x");
         plan.Add("mail", {.after_of = x, .when = When::kFailure});
         Running(m, plan.Build());
         m.Ends("a", "r1/1/1");
       },
       {"skipped: 'mail' runs on failure only, and 'x' has not failed"}},
      {"skipped host",
       [](Mesh& m) {
         m.Start(One({.silence = {.skip_unreachable = true}}));
         m.Disconnect("a", "connection refused");
         m.Pass(seconds(61));
       },
       {"skipped, which counts as succeeded: ", "a (a:4000)", "connection refused"}},
      {"skipped without sources",
       [](Mesh& m) {
         m.Start(One({.repository = "https://h/r.git"}));
         m.Apply(SourcesFailed{RunId("r1"), "can't fetch https://h/r.git"});
       },
       {"skipped: can't fetch https://h/r.git"},
       {"failed: can't fetch https://h/r.git"}},
      {"stopped early",
       [](Mesh& m) {
         Running(m, One({.exit_policy = {.stop = {5}}}));
         m.Ends("a", "r1/1/1", 5);
       },
       {"stopped early: exit code 5 ends it early"}},
  };
}

std::vector<Case> Cases() {
  std::vector<Case> all;
  for (auto some : {OfWaiting, OfReady, OfBegun, OfEnds, OfLosses, OfSkips})
    for (Case& one : some()) all.push_back(std::move(one));
  return all;
}

// What nobody should have to read: a gap where a name or cause should be.
void ExpectWhole(const std::string& text) {
  EXPECT_FALSE(text.empty());
  for (const char* gap : {"{}", "''", "()", "  ", ": :", ": ;", "nullopt", "unknown", "on :"})
    EXPECT_THAT(text, testing::Not(HasSubstr(gap)));
  for (const char* end : {" ", ":", ";", ",", "."}) EXPECT_FALSE(text.ends_with(end)) << text;
  EXPECT_LE(text.size(), kMaxWhyText + 3);
}

std::string Joined(const WhyLines& lines) {
  std::string text;
  for (const WhyLine& line : lines) text += std::string(ToString(line.kind)) + ": " + line.text + "\n";
  return text;
}

// A store may have what agents of today do not say: an agent takes its files, or publishes.
WhyLines OfStored(TaskState state) {
  Mesh mesh;
  Running(mesh, One());
  StoredRun stored = mesh.Stored("r1");
  stored.tasks[0].state = state;
  Scheduler scheduler;
  scheduler.Restore({stored}, {}, {}, mesh.now());
  const AttemptId attempt{RunId("r1"), 0, 1};
  scheduler.Apply(AgentUp{"a:4000",
                          {.agent = AgentId("agent-a"), .journal = JournalId("journal-a"), .slots = 4},
                          {{attempt, InventoryItem::Phase::kRunning}}},
                  mesh.now());
  auto lines = scheduler.Why(RunId("r1"), 0, mesh.now());
  EXPECT_TRUE(lines);
  return lines ? *lines : WhyLines();
}

TEST(WhyWalk, EveryStateEndAndKindOfAnswer) {
  // The coordinator says this one itself, of a store that went back (tests/e2e/store_test.py) or has no room.
  std::set<std::string> kinds = {"held"};
  std::set<std::string> states, outcomes, run_states, run_outcomes;
  auto take = [&kinds](const WhyLines& lines) {
    EXPECT_FALSE(lines.empty());
    for (const WhyLine& line : lines) {
      kinds.emplace(ToString(line.kind));
      ExpectWhole(line.text);
    }
    return Joined(lines);
  };
  for (const Case& one : Cases()) {
    SCOPED_TRACE(one.name);
    Mesh mesh;
    one.play(mesh);
    const std::string run = mesh.last_run().text();
    const RunView view = mesh.View(run);
    const TaskStatus& last = view.tasks.back().status;
    states.emplace(ToString(last.state));
    if (last.outcome) outcomes.emplace(ToString(*last.outcome));
    run_states.emplace(ToString(view.status.state));
    if (view.status.outcome) run_outcomes.emplace(ToString(*view.status.outcome));
    const std::string of_task = take(mesh.Answer(run, static_cast<TaskIndex>(view.tasks.size())));
    for (const std::string& words : one.says) EXPECT_THAT(of_task, HasSubstr(words));
    const std::string of_run = take(mesh.Answer(run, std::nullopt));
    for (const std::string& words : one.says_of_run) EXPECT_THAT(of_run, HasSubstr(words));
  }
  for (const TaskState state : {TaskState::kPreparing, TaskState::kPublishing}) {
    states.emplace(ToString(state));
    EXPECT_THAT(take(OfStored(state)), HasSubstr("at a (a:4000)"));
  }
  EXPECT_EQ(kinds, WordsOfKinds());
  EXPECT_EQ(states, Words<TaskState>());
  EXPECT_EQ(outcomes, Words<TaskOutcome>());
  EXPECT_EQ(run_states, Words<RunState>());
  EXPECT_EQ(run_outcomes, Words<RunOutcome>());
}

TEST(WhyWalk, ReasonsOfAnyLengthAreCutBetweenLetters) {
  Mesh mesh;
  Running(mesh, One());
  std::string reason = "x";
  for (int i = 0; i < 1000; ++i) reason += "ä";
  mesh.Ends("a", "r1/1/1", NotRun(Kind::kNotStarted, reason));
  const std::string text = mesh.Answer("r1", 1).back().text;
  EXPECT_LE(text.size(), kMaxWhyText + 3);
  EXPECT_TRUE(text.ends_with("ä…"));
}

}  // namespace
}  // namespace cromt
