// What becomes of each task of a store that went back, by what agents know.
#include "coordinator/recovery.h"

#include <gtest/gtest.h>

namespace cromt {
namespace {

using Phase = InventoryItem::Phase;

class RecoveryTest : public testing::Test {
 protected:
  // One run r of these tasks, all on one host.
  static StoredState State(std::vector<TaskStatus> tasks) {
    auto plan = std::make_shared<Plan>();
    plan->hosts = {{"h", "h:4000"}};
    plan->tasks.resize(tasks.size());
    StoredState state;
    state.epoch = 3;
    state.commit = 10;
    StoredRun run;
    run.header.id = RunId("r");
    run.plan = plan;
    run.tasks = std::move(tasks);
    state.runs.push_back(std::move(run));
    state.agents.push_back({AgentId("a"), JournalId("j"), "h:4000", 5, {}});
    return state;
  }
  static TaskStatus In(TaskState state, uint32_t attempt = 0) {
    TaskStatus task;
    task.state = state;
    task.attempt = attempt;
    if (attempt > 0) task.agent = AgentId("a");
    return task;
  }
  static InspectedAgent Agent(std::vector<InventoryItem> inventory) {
    InspectedAgent agent{{"h:4000"}, {}, std::move(inventory)};
    agent.hello.agent = AgentId("a");
    agent.hello.journal = JournalId("j");
    agent.hello.seen_epoch = 7;
    agent.hello.seen_commit = 90;
    agent.hello.acked_sequence = 20;
    return agent;
  }
  static AttemptId Id(TaskIndex task, uint32_t attempt, const std::string& run = "r") {
    return {RunId(run), task, attempt};
  }
  static Recovery Recovered(const StoredState& state, std::vector<InspectedAgent> agents) {
    return PlanRecovery(state, agents, 12, WallFromMicros(99));
  }
  static std::optional<TaskStatus> Changed(const Recovery& recovery, TaskIndex task) {
    for (const Record& record : recovery.records)
      if (const auto* changed = std::get_if<TaskChanged>(&record); changed && changed->task == task)
        return changed->status;
    return std::nullopt;
  }
  using Ids = std::vector<AttemptId>;
};

// What the store has lost has left output by the numbers which it would give again.
TEST_F(RecoveryTest, NoAttemptGetsTheNumberOfOneThatHasOutput) {
  StoredState state = State({In(TaskState::kReady), In(TaskState::kRetryWait, 1), In(TaskState::kFinished, 1)});
  const AttemptsWithOutput output = {{RunId("r"), {{0, 2}, {1, 1}, {2, 5}, {99, 7}}}, {RunId("gone"), {{0, 1}}}};
  const Recovery recovery = PlanRecovery(state, {}, 12, WallFromMicros(99), output);
  ASSERT_TRUE(Changed(recovery, 0));
  EXPECT_EQ(Changed(recovery, 0)->attempt, 2u);
  EXPECT_EQ(Changed(recovery, 0)->state, TaskState::kReady);
  EXPECT_FALSE(Changed(recovery, 1));
  EXPECT_FALSE(Changed(recovery, 2));
}

// As if the scheduler had ended it.
TEST_F(RecoveryTest, WhatIsLostMayBeAllowedToFail) {
  auto lost = [](uint32_t most, bool ignore, TaskStatus other) {
    StoredState state = State({other, In(TaskState::kRunning, 1)});
    auto plan = std::make_shared<Plan>(*state.runs[0].plan);
    plan->instances = {{.first_task = 0, .task_count = 2, .ignore_failure = ignore, .max_failures = most}};
    state.runs[0].plan = plan;
    return Recovered(state, {Agent({})});
  };
  TaskStatus failed = In(TaskState::kFinished, 1);
  failed.outcome = TaskOutcome::kFailed;
  EXPECT_FALSE(Changed(lost(0, false, failed), 1)->ignored);
  EXPECT_TRUE(Changed(lost(0, true, failed), 1)->ignored);
  EXPECT_TRUE(Changed(lost(2, false, failed), 1)->ignored);
  failed.ignored = true;
  EXPECT_FALSE(Changed(lost(1, false, failed), 1)->ignored);
  EXPECT_FALSE(Changed(lost(1, false, failed), 0)->ignored);  // no longer forgiven
  EXPECT_FALSE(Changed(lost(2, false, failed), 0));
}

TEST_F(RecoveryTest, GoesOnAboveAllThatWasSeen) {
  const Recovery recovery = Recovered(State({}), {Agent({})});
  EXPECT_EQ(recovery.epoch, 8u);
  EXPECT_EQ(recovery.commit, 90u);
  EXPECT_EQ(Recovered(State({}), {}).epoch, 4u);
  EXPECT_EQ(Recovered(State({}), {}).commit, 12u);
  // Reports 6 to 20 were acknowledged and are not said again.
  EXPECT_EQ(std::get<AgentSeen>(recovery.records.at(0)).applied_sequence, 20u);
}

TEST_F(RecoveryTest, WhatRunsAsTheStoreKnowsStaysAsItIs) {
  const Recovery recovery = Recovered(State({In(TaskState::kRunning, 2)}), {Agent({{Id(0, 2), Phase::kRunning}})});
  EXPECT_EQ(Changed(recovery, 0), std::nullopt);
  EXPECT_TRUE(recovery.adopted.empty() && recovery.lost.empty() && recovery.kept.empty());
}

TEST_F(RecoveryTest, ALaterAttemptIsAdopted) {
  const Recovery recovery =
      Recovered(State({In(TaskState::kReady), In(TaskState::kRunning, 1), In(TaskState::kRetryWait, 1)}),
                {Agent({{Id(0, 1), Phase::kLeased}, {Id(1, 2), Phase::kRunning}, {Id(2, 2), Phase::kEnded}})});
  EXPECT_EQ(recovery.adopted, (Ids{Id(0, 1), Id(1, 2), Id(2, 2)}));
  EXPECT_EQ(Changed(recovery, 0)->state, TaskState::kLeased);
  EXPECT_EQ(Changed(recovery, 0)->agent, AgentId("a"));
  EXPECT_EQ(Changed(recovery, 0)->journal, JournalId("j"));
  EXPECT_EQ(Changed(recovery, 1)->attempt, 2u);
  EXPECT_EQ(Changed(recovery, 2)->state, TaskState::kRunning);
  EXPECT_TRUE(recovery.kept.empty());
}

// Seed 120010012 of the simulator: it was tried again, and its run was canceled.
TEST_F(RecoveryTest, WhatWasToStopIsToStopAlsoUnderAnotherNumber) {
  TaskStatus stopping = In(TaskState::kStopping, 1);
  stopping.stop_wanted = true;
  stopping.reason = "canceled by eve";
  for (const Phase phase : {Phase::kLeased, Phase::kRunning}) {
    const Recovery recovery = Recovered(State({stopping}), {Agent({{Id(0, 2), phase}})});
    ASSERT_TRUE(Changed(recovery, 0));
    EXPECT_EQ(Changed(recovery, 0)->attempt, 2u);
    EXPECT_EQ(Changed(recovery, 0)->state, TaskState::kStopping);
    EXPECT_TRUE(Changed(recovery, 0)->stop_wanted);
    EXPECT_EQ(Changed(recovery, 0)->reason, "canceled by eve");
  }
}

TEST_F(RecoveryTest, AnEndThatNobodyKnowsIsALoss) {
  StoredState state = State({In(TaskState::kRunning, 1), In(TaskState::kLeased, 1), In(TaskState::kReady)});
  const Recovery recovery = Recovered(state, {Agent({})});
  EXPECT_EQ(recovery.lost, (Ids{Id(0, 1), Id(1, 1)}));
  EXPECT_EQ(Changed(recovery, 0)->outcome, TaskOutcome::kLost);
  EXPECT_EQ(Changed(recovery, 0)->reason, "lost: store restored");
  EXPECT_EQ(Changed(recovery, 2), std::nullopt);
  EXPECT_EQ(MissingAgents(state, {}), std::vector<AgentId>{AgentId("a")});
  EXPECT_TRUE(MissingAgents(state, std::vector{Agent({})}).empty());
}

TEST_F(RecoveryTest, WhatFitsNothingIsKept) {
  const StoredState state = State({In(TaskState::kWaiting), In(TaskState::kFinished, 2)});
  const Recovery recovery = Recovered(
      state, {Agent({{Id(0, 1), Phase::kRunning}, {Id(1, 2), Phase::kRunning}, {Id(0, 1, "other"), Phase::kRunning}})});
  EXPECT_EQ(recovery.kept, (std::vector<KeptAttempt>{{AgentId("a"), Id(0, 1, "other")}, {AgentId("a"), Id(0, 1)}}));
  EXPECT_TRUE(recovery.adopted.empty());
  EXPECT_EQ(Changed(recovery, 0)->attempt, 1u);  // so that no lease has this number
  EXPECT_EQ(Changed(recovery, 0)->state, TaskState::kWaiting);
  EXPECT_EQ(Changed(recovery, 1), std::nullopt);
}

// Seed 1051 of the simulator: a lease that was given back, which is committed, and the agent has not heard so.
TEST_F(RecoveryTest, WhoseEndTheStoreHasTakenUpIsNotAdopted) {
  for (const TaskState state : {TaskState::kReady, TaskState::kRetryWait}) {
    const Recovery recovery = Recovered(State({In(state, 2)}), {Agent({{Id(0, 2), Phase::kEnded}})});
    EXPECT_TRUE(recovery.adopted.empty());
    EXPECT_TRUE(recovery.kept.empty());
    EXPECT_EQ(Changed(recovery, 0), std::nullopt);
  }
}

// An agent that says that it has what is another's, or has had more attempts than there can be.
TEST_F(RecoveryTest, AnAgentsWordCountsForTasksOfItsOwn) {
  StoredState state = State({In(TaskState::kReady), In(TaskState::kRunning, 1), In(TaskState::kReady)});
  InspectedAgent own = Agent({{Id(0, 1), Phase::kRunning}, {Id(1, 1), Phase::kRunning}});
  InspectedAgent liar = Agent({{Id(0, 2), Phase::kRunning}, {Id(1, 2), Phase::kEnded}, {Id(2, 1), Phase::kRunning}});
  liar.addresses = {"other:4000", "third:4000"};
  liar.hello.agent = AgentId("liar");
  const Recovery recovery = Recovered(state, {own, liar});
  EXPECT_EQ(recovery.adopted, Ids{Id(0, 1)});
  EXPECT_EQ(Changed(recovery, 0)->agent, AgentId("a"));
  EXPECT_EQ(Changed(recovery, 1), std::nullopt);
  EXPECT_EQ(Changed(recovery, 2), std::nullopt);
  const AgentId kept_by("liar");
  EXPECT_EQ(recovery.kept, (std::vector<KeptAttempt>{{kept_by, Id(0, 2)}, {kept_by, Id(1, 2)}, {kept_by, Id(2, 1)}}));
  // One that moved still has what the store says it has; and one behind two addresses is the host of both.
  own.addresses = {"elsewhere:4000"};
  EXPECT_EQ(Recovered(state, {own}).lost, Ids());
  EXPECT_EQ(Recovered(state, {own}).adopted, Ids());
  own.addresses = {"elsewhere:4000", "h:4000"};
  EXPECT_EQ(Recovered(state, {own}).adopted, Ids{Id(0, 1)});
  const Recovery absurd = Recovered(state, {Agent({{Id(0, UINT32_MAX), Phase::kRunning}})});
  EXPECT_EQ(Changed(absurd, 0), std::nullopt);
  EXPECT_EQ(absurd.kept.size(), 1u);
}

TEST_F(RecoveryTest, NumbersThatNoStoreCanHaveHadAreNotBelieved) {
  AgentHello hello = Agent({}).hello;
  EXPECT_TRUE(CheckSeen(hello, 3, 10));
  for (uint64_t AgentHello::*number : {&AgentHello::seen_epoch, &AgentHello::seen_commit, &AgentHello::acked_sequence})
    for (uint64_t value : {UINT64_MAX, uint64_t{1} << 63, uint64_t{1} << 46}) {
      AgentHello absurd = hello;
      absurd.*number = value;
      EXPECT_FALSE(CheckSeen(absurd, 3, 10)) << value;
    }
}

TEST_F(RecoveryTest, AnAttemptBeforeTheLastIsNot) {
  const Recovery recovery = Recovered(State({In(TaskState::kReady, 3)}), {Agent({{Id(0, 2), Phase::kRunning}})});
  EXPECT_TRUE(recovery.kept.empty());
  EXPECT_TRUE(recovery.adopted.empty());
}

TEST_F(RecoveryTest, AgentsAreLookedForWhereTheyWereAndWhereTasksGo) {
  StoredState state = State({});
  state.agents[0].address = "old:4000";
  EXPECT_EQ(AgentAddresses(state), (std::vector<std::string>{"h:4000", "old:4000"}));
}

TEST_F(RecoveryTest, NoTickThatIsOlderThanItIsStarted) {
  StoredState state = State({});
  state.schedules = {{"p", 2, "@hourly\n", WallFromMicros(0), "boot", WallFromMicros(0)}};
  const Recovery recovery = PlanRecovery(state, {}, 12, WallFromMicros(7'500'000));
  ASSERT_EQ(recovery.records.size(), 2u);
  const auto& line = std::get<TickSettled>(recovery.records[0]);
  EXPECT_EQ(line.outcome, TickOutcome::kMissed);
  EXPECT_EQ(line.count, 0u) << "nobody knows";
  const auto& schedule = std::get<ScheduleSet>(recovery.records[1]);
  EXPECT_EQ(schedule.handled, WallFromMicros(7'000'000));
  EXPECT_FALSE(schedule.waiting);
}

TEST_F(RecoveryTest, AClockThatIsBehindPutsNoScheduleBack) {
  StoredState state = State({});
  state.schedules = {{"p", 2, "@hourly\n", WallFromMicros(9'000'000), "boot", {}}};
  const Recovery recovery = PlanRecovery(state, {}, 12, WallFromMicros(7'500'000));
  ASSERT_EQ(recovery.records.size(), 1u);
  EXPECT_EQ(std::get<ScheduleSet>(recovery.records[0]).handled, WallFromMicros(9'000'000));
}

TEST_F(RecoveryTest, WhatWasPushedSinceCountsAsSeen) {
  StoredState state = State({});
  state.triggers = {{.project = "p",
                     .repository = "r",
                     .ref = "main",
                     .seen = std::string(40, 'b'),
                     .waiting = std::string(40, 'b'),
                     .hooked = true}};
  const Recovery recovery = PlanRecovery(state, {}, 12, WallFromMicros(7'500'000));
  ASSERT_EQ(recovery.records.size(), 2u);
  EXPECT_EQ(std::get<TickSettled>(recovery.records[0]).outcome, TickOutcome::kSkipped);
  EXPECT_EQ(std::get<TriggerSet>(recovery.records[1]), (TriggerSet{.project = "p", .repository = "r", .ref = "main"}));
}

}  // namespace
}  // namespace cromt
