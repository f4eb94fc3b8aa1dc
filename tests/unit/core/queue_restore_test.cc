// The agent may die at any moment, in the midst of writing a decision to its journal: a queue restored from what is
// there goes on without starting anything twice, losing an end or saying two things under one number. And a journal
// that was written anew makes the same queue as the one before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/queue_world.h"
#include "tests/unit/core/seeds.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// ---- By hand ----------------------------------------------------------------------------------

TEST(QueueRestore, FreshJournalIsOpened) {
  QueueEnv env;
  EXPECT_THAT(env.Records(), ElementsAre("opened journal1 in boot1"));
  env.Restart();
  EXPECT_THAT(env.Records(), IsEmpty());
  EXPECT_EQ(env.queue().journal(), JournalId("journal1"));
}

// The line is not forgotten, but the right to start what is in it is: it is returned unless the session says otherwise.
TEST(QueueRestore, LeasesInLineNeedANewSession) {
  QueueEnv env({.slots = 1});
  env.LauncherUp("launcher1");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Lease("m", "r1/3/1");
  env.Begins(1);
  env.Restart();
  env.LauncherUp("launcher1", {{1, true}});
  env.Extend("m");
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 running", "r1/2/1 leased", "r1/3/1 leased"));
  env.Ends(1);
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 2 in 0"));
  env.Restart();
  env.LauncherUp("launcher1", {{2, true}});
  env.Pass(seconds(1));
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 ended", "r1/2/1 leased", "r1/3/1 ended"));
}

// Failed and not returned: it would be the same again. Also where the agent takes nothing new.
TEST(QueueRestore, ALeaseThatCantBeReadEndsAtOnceAndForGood) {
  QueueEnv env({.slots = 1});
  env.LauncherUp("launcher1");
  env.Session("m");
  env.LeaseUnread("m", "r1/1/1", "spec.work: is missing");
  env.LeaseUnread("m", "r1/1/1", "spec.work: is missing");  // again
  env.Lease("m", "r1/2/1");
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 2 in 0"));
  env.Apply(queue_event::DrainWanted{true});
  env.LeaseUnread("m", "r1/3/1", "host '': no name");
  const std::vector<std::string> reports = {
      "1: r1/1/1 not_started: the agent can't read what it is to do: spec.work: is missing",
      "2: r1/3/1 not_started: the agent can't read what it is to do: host '': no name"};
  EXPECT_EQ(env.Reports("m"), reports);
  env.Restart();
  EXPECT_EQ(env.Reports("m"), reports);
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 ended", "r1/2/1 leased", "r1/3/1 ended"));
  env.Ack("m", 2);
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/2/1 leased"));
}

TEST(QueueRestore, DiedBetweenJournalAndLaunch) {
  const std::pair<std::string, std::string> cases[] = {
      // It never got the order; and maybe the attempt was given up since.
      {"launcher1", "1: r1/1/1 not_started: its lease ran out before it began (returned)"},
      // The launcher died as well: it may have started.
      {"launcher2", "1: r1/1/1 lost: lost: the launcher died"},
  };
  for (const auto& [launcher, end] : cases) {
    QueueEnv env;
    env.LauncherUp("launcher1");
    env.Session("m");
    env.Lease("m", "r1/1/1");
    env.Restart();
    env.LauncherUp(launcher);
    EXPECT_THAT(env.Reports("m"), ElementsAre(end));
  }
}

// Seed 152 of the simulator: of an order that the launcher never got the journal tells, and not that it was taken back.
TEST(QueueRestore, TheSlotOfAnOrderThatWasTakenBackIsAnothers) {
  const TaskSpec urgent{.name = "x", .project = "x", .work = Command{{"x"}}, .priority = 1};
  for (const uint32_t slots : {1u, 2u}) {
    QueueEnv env({.slots = slots});
    env.LauncherUp("launcher1");
    env.Session("m");
    env.Lease("m", "r1/1/1");
    env.Apply(queue_event::LauncherDown{"the connection broke"});
    env.LeaseSpec("m", "r1/2/1", urgent);
    env.Forget();
    env.LauncherUp("launcher1");
    env.Apply(queue_event::SlotCleaned{0});
    // With one slot the urgent one has it, and the lease of the other runs out; with two both have begun.
    if (slots == 1)
      EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 2 in 0"));
    else
      EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 2 in 1", "launch 1 in 0"));
    env.Begins(2);
    env.Pass(2 * kLeaseTime);
    env.Restart();
    EXPECT_EQ(env.queue().Check(), "");
    env.LauncherUp("launcher1", slots == 1 ? std::vector<queue_event::LauncherUp::Known>{{2, true}}
                                           : std::vector<queue_event::LauncherUp::Known>{{1, true}, {2, true}});
    env.Session("m");
    env.Extend("m");
    env.Lease("m", "r1/3/1");
    EXPECT_THAT(env.Effects("launch"), IsEmpty());
    EXPECT_EQ(env.queue().Check(), "");
  }
}

TEST(QueueRestore, WhatADeadLauncherLeftIsTold) {
  QueueEnv env;
  env.LauncherUp("launcher1");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Begins(1);
  env.Apply(queue_event::LauncherUp{"launcher2", {}, "2 processes that it left running were stopped"});
  EXPECT_THAT(env.Reports("m").back(),
              testing::EndsWith("the launcher died; 2 processes that it left running were stopped"));
}

// What the dead launcher had written is waited for like any output.
TEST(QueueRestore, OutputOfALostAttemptIsKeptUntilItIsStored) {
  QueueEnv env;
  env.LauncherUp("launcher1");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Begins(1, 100);
  env.Begins(2, 100);
  env.Apply(queue_event::LauncherUp{"launcher2", {}, "", {{1, {.bytes = 40, .begin = 100, .end = 500}}}});
  env.Restart();
  env.Ack("m", 4);
  EXPECT_EQ(env.queue().attempts(), 1u);  // the second one had said nothing
  env.LogsStored("m", 499);
  EXPECT_EQ(env.queue().attempts(), 1u);
  env.LogsStored("m", 500);
  EXPECT_EQ(env.queue().attempts(), 0u);
}

// By a store that has lost its newest part: nobody else would say that it has ended.
TEST(QueueRestore, AnEndThatWasAcknowledgedIsSaidAgainToWhoOffersTheAttemptAnew) {
  QueueEnv env;
  env.LauncherUp("l1");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Begins(1, 100);
  env.EndsAs(1, {.kind = AttemptResult::Kind::kExited, .status = Exited{7}, .log_bytes = 80}, 100, 300);
  env.Ack("m", 2);
  EXPECT_THAT(env.Inventory("m"), IsEmpty());
  env.Forget();
  env.Lease("m", "r1/1/1");
  EXPECT_THAT(env.Effects(), ElementsAre("reports m"));
  EXPECT_THAT(env.Reports("m"), ElementsAre("3: r1/1/1 exited 7"));
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 ended"));
  env.Forget();
  env.Lease("m", "r1/1/1");
  EXPECT_THAT(env.Records(), IsEmpty());
  env.Restart();
  EXPECT_THAT(env.Reports("m"), ElementsAre("3: r1/1/1 exited 7"));
  env.Compact();
  EXPECT_THAT(env.Reports("m"), ElementsAre("3: r1/1/1 exited 7"));
  env.LogsStored("m", 300);
  EXPECT_EQ(env.queue().attempts(), 1u);
  env.Session("m");
  env.Ack("m", 3);
  EXPECT_EQ(env.queue().attempts(), 0u);
}

// An attempt whose start and end nobody has acknowledged: restored from a snapshot it is ended, not in line.
TEST(QueueRestore, WhatWasStoppedBeforeIsGivenBackToWhoOffersItAnew) {
  QueueEnv env;
  env.LauncherUp("l1");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Begins(1, 100);
  env.Stop("m", "r1/1/1");
  env.EndsAs(1, {.kind = AttemptResult::Kind::kStopped, .status = Signaled{15}, .log_bytes = 80}, 100, 300);
  env.Ack("m", 2);
  env.Lease("m", "r1/1/1");
  const std::string told = "3: r1/1/1 not_started: an attempt of this number was stopped before (returned)";
  EXPECT_THAT(env.Reports("m"), ElementsAre(told));
  env.Compact();
  EXPECT_THAT(env.Reports("m"), ElementsAre(told));
  env.Session("m");
  env.Ack("m", 3);
  EXPECT_EQ(env.queue().attempts(), 1u);
  env.LogsStored("m", 300);
  EXPECT_EQ(env.queue().attempts(), 0u);
}

TEST(QueueRestore, SnapshotOfAnUnacknowledgedEndStartsNothing) {
  QueueEnv env;
  env.LauncherUp("launcher1");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Begins(1);
  env.Ends(1);
  env.Compact();
  env.Extend("m");
  env.LauncherUp("launcher1");
  EXPECT_THAT(env.Effects(), IsEmpty());
  EXPECT_THAT(env.Reports("m"), ElementsAre("1: r1/1/1 started", "2: r1/1/1 exited 0"));
}

TEST(QueueRestore, SnapshotKeepsWhichJobIsTheOldest) {
  QueueEnv env({.slots = 4, .kept_jobs = 2});
  env.LauncherUp("launcher1");
  for (const char* job : {"j1", "j2", "j3"}) env.Submit(job);
  env.Ends(2);
  env.Ends(1);
  env.Compact();
  env.LauncherUp("launcher1", {{3, true}});
  env.Forget();
  env.Ends(3);
  EXPECT_THAT(env.Records(), ElementsAre("ended 3 #3 exited", "forgotten 2"));
}

TEST(QueueRestore, FewerSlotsThanBefore) {
  QueueEnv env({.slots = 3});
  env.LauncherUp("launcher1");
  env.Session("m");
  for (int i = 1; i <= 4; ++i) env.Lease("m", fmt::format("r1/{}/1", i));
  env.SetLimits({.slots = 1});
  env.Restart();
  env.LauncherUp("launcher1", {{1, true}, {2, true}, {3, true}});
  env.Extend("m");
  env.Ends(3);
  env.Ends(2, 0, false);
  EXPECT_THAT(env.Effects("launch"), IsEmpty());
  EXPECT_THAT(env.Effects("clean"), IsEmpty());
}

TEST(QueueRestore, AnotherBootResumesNothing) {
  QueueEnv env({.slots = 2});
  env.LauncherUp("launcher1");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Begins(1);
  env.Ends(1);
  env.Lease("m", "r1/2/1");
  env.Begins(2);
  env.Ack("m", 2);
  env.Lease("m", "r1/3/1");  // launching
  env.Lease("m", "r1/4/1");  // in line
  env.Submit("job");
  env.Restart("boot2");
  EXPECT_EQ(env.Records().front(), "opened journal2 in boot2");
  // What was not acknowledged is numbered from 1, as a new journal's.
  EXPECT_EQ(env.queue().AckedSequence(MeshId("m")), 0u);
  EXPECT_THAT(env.Reports("m"), ElementsAre("1: r1/2/1 started", "2: r1/2/1 lost: lost: the host was restarted",
                                            "3: r1/3/1 lost: lost: the host was restarted",
                                            "4: r1/4/1 lost: lost: the host was restarted"));
  ASSERT_EQ(env.queue().Jobs().size(), 1u);
  EXPECT_EQ(env.queue().Jobs()[0]->phase, QueuedAttempt::Phase::kEnded);
  env.LauncherUp("launcher2");
  EXPECT_THAT(env.Effects("launch"), IsEmpty());
  env.Restart("boot2");
  EXPECT_EQ(env.queue().journal(), JournalId("journal2"));
  EXPECT_EQ(env.Reports("m").size(), 4u);
  env.Ack("m", 4);
  EXPECT_THAT(env.Reports("m"), IsEmpty());
  EXPECT_THAT(env.Inventory("m"), IsEmpty());
}

TEST(QueueRestore, WhatIsLeftOfOutputAfterACrashIsReportedAndKeptUntilItIsStored) {
  QueueEnv env({.slots = 2});
  env.LauncherUp("launcher1");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Begins(1);
  env.Lease("m", "r1/2/1");
  env.Ack("m", 1);
  env.Restart("boot2", {{1, {.bytes = 12, .begin = 100, .end = 180}}});
  const auto reports = env.queue().ReportsAfter(MeshId("m"), 0, 10);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(std::get<AttemptResult>(reports[0].fact).log_bytes, 12);
  EXPECT_EQ(std::get<AttemptResult>(reports[1].fact).log_bytes, 0);
  EXPECT_EQ(env.queue().LogNeededFrom(500), 100u);
  env.Ack("m", 2);
  EXPECT_EQ(env.queue().attempts(), 1u);
  env.LogsStored("m", 179);
  env.Restart("boot2");
  EXPECT_EQ(env.queue().attempts(), 1u);
  env.LogsStored("m", 180);
  EXPECT_EQ(env.queue().attempts(), 0u);
}

// It has ended with more output than the disk has kept: the note that says so lies behind all of its own.
TEST(QueueRestore, WhatHasEndedIsKeptUntilTheNoteBehindItsOutputIsStored) {
  QueueEnv env;
  env.LauncherUp("launcher1");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Begins(1, 100);
  env.EndsAs(1, {.kind = AttemptResult::Kind::kExited, .status = Exited{0}, .log_bytes = 80}, 100, 300);
  env.Submit("job");
  env.EndsAs(2, {.kind = AttemptResult::Kind::kExited, .status = Exited{0}, .log_bytes = 80}, 300, 400);
  env.Ack("m", 2);
  const OutputsInLog outputs = {{1, {.bytes = 12, .begin = 100, .end = 500}},
                                {2, {.bytes = 5, .begin = 300, .end = 390}}};
  env.Restart("boot2", outputs);
  EXPECT_THAT(env.Records(), ElementsAre("opened journal2 in boot2", "ended 1 #0 exited"));
  EXPECT_EQ(env.queue().Find(1)->log_begin, 100u);
  EXPECT_EQ(env.queue().Find(1)->log_end, 500u);
  EXPECT_EQ(env.queue().Find(2)->log_end, 400u);
  EXPECT_TRUE(env.queue().idle());
  EXPECT_THAT(env.Reports("m"), IsEmpty());
  env.LogsStored("m", 499);
  env.Restart("boot2");
  EXPECT_EQ(env.queue().attempts(), 2u);
  env.Compact();
  EXPECT_EQ(env.queue().attempts(), 2u);
  env.LogsStored("m", 500);
  EXPECT_EQ(env.queue().attempts(), 1u);
  EXPECT_EQ(env.queue().Jobs().size(), 1u);
}

// ---- At random --------------------------------------------------------------------------------

constexpr int kTooMany = 20'000;

AgentQueue Fresh(const std::string& boot = "boot1", Ticket passed_over = 0) {
  return {QueueWorld::Limits(), boot, JournalId("new-in-" + boot), 1, passed_over};
}

void GoOn(QueueWorld world, uint64_t seed) {
  world.on_journal = [](const QueueWorld&) {};
  world.Reseed(seed);
  AgentQueue queue = Fresh();
  world.Boot(queue);
  for (int step = 0; world.Step(queue); ++step)
    if (step == kTooMany || testing::Test::HasFailure()) {
      ADD_FAILURE() << "the work does not come to an end";
      return;
    }
  world.ExpectAllEnded(queue);
}

// All moments of one history.
std::vector<QueueWorld> History(uint64_t seed) {
  std::vector<QueueWorld> moments;
  QueueWorld world(seed);
  world.on_journal = [&](const QueueWorld& now) { moments.push_back(now); };
  AgentQueue queue = Fresh();
  world.Boot(queue);
  for (int step = 0; step < kTooMany && world.Step(queue); ++step) {
  }
  world.ExpectAllEnded(queue);
  EXPECT_GT(moments.size(), 200u);
  return moments;
}

class RandomQueue : public testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomQueue, Seeds(8));

TEST_P(RandomQueue, GoesOnFromEveryMoment) {
  auto moments = History(GetParam());
  for (size_t i = GetParam() % 3; i < moments.size(); i += 3) {
    SCOPED_TRACE(testing::Message() << "crash at moment " << i << " of " << moments.size());
    GoOn(moments[i], GetParam() + i);
    if (testing::Test::HasFailure()) return;
  }
}

// What outsiders can see of a queue.
std::vector<std::string> View(const AgentQueue& queue) {
  std::vector<std::string> view = {
      queue.journal().text(),
      fmt::format("{} attempts, idle {}, log from {}", queue.attempts(), queue.idle(), queue.LogNeededFrom(1'000'000))};
  for (const char* name : {"m", "n", "plain"}) {
    MeshId mesh(name);
    auto [epoch, commit] = queue.Seen(mesh);
    view.push_back(fmt::format("{}: seen {}/{}, acked {}, stored {}", name, epoch, commit, queue.AckedSequence(mesh),
                               queue.LogsStoredTo(mesh)));
    for (const Report& report : queue.ReportsAfter(mesh, 0, 1000)) view.push_back(ReportText(report));
    for (const InventoryItem& item : queue.Inventory(mesh))
      view.push_back(fmt::format("{} {}", ToString(item.id), static_cast<int>(item.phase)));
  }
  for (const InventoryTicket& item : queue.Tickets()) {
    const QueuedAttempt& a = *queue.Find(item.ticket);
    view.push_back(fmt::format("{} {} {} {} slot {} by {} stop {} acked {} log {}-{} {} {}", a.ticket, a.mesh.text(),
                               ToString(a.id), static_cast<int>(a.phase), a.slot.value_or(99),
                               a.slot ? a.incarnation : "nobody", a.stop_wanted, a.end_acked, a.log_begin, a.log_end,
                               a.host, a.request.text()));
  }
  return view;
}

// Both queues, told the same, decide the same: they see the launcher, get leases and jobs, and every process ends.
void ExpectSameBehaviour(AgentQueue& one, AgentQueue& other, const QueueWorld& world) {
  auto tell = [&](const QueueEvent& event) {
    QueueDecision a = one.Apply(event, world.now());
    QueueDecision b = other.Apply(event, world.now());
    ASSERT_EQ(a.records.size(), b.records.size());
    ASSERT_EQ(a.effects.size(), b.effects.size());
    for (size_t i = 0; i < a.effects.size(); ++i) ASSERT_EQ(a.effects[i].index(), b.effects[i].index());
    ASSERT_EQ(View(one), View(other));
  };
  auto launcher = world.Launcher();
  for (const char* mesh : {"m", "n"}) tell(queue_event::LeasesExtended{MeshId(mesh), world.now().mono + kLeaseTime});
  tell(launcher);
  for (uint32_t slot = 0; slot < QueueWorld::Limits().slots; ++slot) tell(queue_event::SlotCleaned{slot});
  auto spec = std::make_shared<TaskSpec>(TaskSpec{.name = "x", .work = Command{{"x"}}});
  for (TaskIndex i = 0; i < 3; ++i) tell(queue_event::LeaseOffered{MeshId("m"), {{RunId("late"), i, 1}, spec, "h"}});
  tell(queue_event::JobSubmitted{RunId("late"), RequestId("late"), spec});
  AttemptResult exited;
  exited.kind = AttemptResult::Kind::kExited;
  for (int round = 0; round < 100 && !one.idle(); ++round) {
    for (const InventoryTicket& item : one.Tickets()) {
      const QueuedAttempt* a = one.Find(item.ticket);
      if (!a || a->phase == QueuedAttempt::Phase::kEnded) continue;
      tell(queue_event::Prepared{item.ticket});
      if (one.Find(item.ticket)->phase >= QueuedAttempt::Phase::kLaunching)
        tell(queue_event::LauncherEnded{item.ticket, exited});
    }
    for (uint32_t slot = 0; slot < QueueWorld::Limits().slots; ++slot) tell(queue_event::SlotCleaned{slot});
  }
  ASSERT_TRUE(one.idle());
  for (const char* mesh : {"m", "n"}) {
    tell(queue_event::LogsStored{MeshId(mesh), 1'000'000});
    tell(queue_event::ReportsAcked{MeshId(mesh), 1'000'000, 9});
  }
}

TEST_P(RandomQueue, SnapshotMakesTheSameQueue) {
  auto moments = History(GetParam());
  for (size_t i = GetParam(); i < moments.size(); i += 29) {
    SCOPED_TRACE(testing::Message() << "compacted at moment " << i << " of " << moments.size());
    AgentQueue one = Fresh(), other = Fresh();
    one.Restore(moments[i].journal(), moments[i].now());
    other.Restore(one.Snapshot(), moments[i].now());
    EXPECT_EQ(other.Check(), "");
    ASSERT_EQ(View(one), View(other));
    ExpectSameBehaviour(one, other, moments[i]);
    if (testing::Test::HasFailure()) return;
  }
}

// The host crashes, which may cost the journal what was not synced: nothing goes on, no name is used again.
TEST_P(RandomQueue, ResumesNothingInAnotherBoot) {
  auto moments = History(GetParam());
  std::mt19937_64 random(GetParam());
  for (const QueueWorld& world : moments) {
    auto journal = world.journal();
    journal.resize(random() % (journal.size() + 1));
    if (journal.empty()) continue;  // a new journal altogether
    AgentQueue queue = Fresh("boot2", 1'000'000);
    queue.Restore(journal, world.now());
    EXPECT_EQ(queue.Check(), "");
    EXPECT_TRUE(queue.idle());
    EXPECT_EQ(queue.journal(), JournalId("new-in-boot2"));
    auto up = queue.Apply(queue_event::LauncherUp{"launcher9", {}}, world.now());
    for (const QueueEffect& effect : up.effects) EXPECT_FALSE(std::holds_alternative<queue_effect::Launch>(effect));
    queue.Apply(queue_event::LeasesExtended{MeshId("m"), world.now().mono + kLeaseTime}, world.now());
    auto spec = std::make_shared<TaskSpec>(TaskSpec{.name = "x", .work = Command{{"x"}}});
    queue.Apply(queue_event::LeaseOffered{MeshId("m"), {{RunId("late"), 0, 1}, spec, "h"}}, world.now());
    Ticket ticket = queue.Find(MeshId("m"), {RunId("late"), 0, 1})->ticket;
    EXPECT_FALSE(world.ever_started().contains(ticket));
    if (testing::Test::HasFailure()) return;
  }
}

TEST(QueueRestore, WhatWasNotLaunchedAfterAllGoesBackToItsPlace) {
  QueueEnv env;
  env.LauncherUp("launcher1");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Forget();
  env.Apply(queue_event::LaunchHeld{1});
  EXPECT_THAT(env.Effects(), testing::Contains(testing::HasSubstr("launch 1")));  // nothing keeps it from beginning
  env.Begins(1);
  env.Forget();
  env.Apply(queue_event::LaunchHeld{1});  // it runs
  EXPECT_THAT(env.Effects(), IsEmpty());
}

}  // namespace
}  // namespace cromt
