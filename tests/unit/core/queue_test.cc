// The agent's queue: from lease to forgotten, stops, expiry, slots, plain jobs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/queue_env.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A queue whose launcher answers and that has a session with mesh m.
struct LiveQueue : QueueEnv {
  explicit LiveQueue(QueueLimits limits = {.slots = 2}) : QueueEnv(limits) {
    LauncherUp("launcher1");
    Session("m");
    Forget();
  }
};

AttemptResult Exit(int code, int64_t log_bytes) {
  AttemptResult result;
  result.kind = AttemptResult::Kind::kExited;
  result.status = Exited{code};
  result.log_bytes = log_bytes;
  return result;
}

TEST(Queue, FromLeaseToForgotten) {
  LiveQueue env;
  env.Lease("m", "r1/1/1");
  EXPECT_THAT(env.Records(), ElementsAre("accepted r1/1/1 as 1", "launching 1 in 0 by launcher1"));
  EXPECT_THAT(env.Effects(), ElementsAre("launch 1 in 0"));
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 leased"));

  env.Begins(1, 100);
  EXPECT_THAT(env.Records(), ElementsAre("started 1 #1"));
  EXPECT_THAT(env.Effects(), ElementsAre("reports m"));
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 running"));

  env.EndsAs(1, Exit(3, 50), 100, 200);
  EXPECT_THAT(env.Records(), ElementsAre("ended 1 #2 exited"));
  EXPECT_THAT(env.Effects(), ElementsAre("reports m", "drop 1"));
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 ended"));
  EXPECT_THAT(env.Reports("m"), ElementsAre("1: r1/1/1 started", "2: r1/1/1 exited 3"));
  EXPECT_EQ(env.queue().LogNeededFrom(1000), 100u);

  env.Ack("m", 1, 7);
  EXPECT_THAT(env.Records(), ElementsAre("acked m 1"));
  EXPECT_THAT(env.Reports("m"), ElementsAre("2: r1/1/1 exited 3"));
  env.Ack("m", 2, 8);
  EXPECT_THAT(env.Records(), ElementsAre("acked m 2"));  // its output is still needed
  EXPECT_THAT(env.Reports("m"), IsEmpty());
  EXPECT_THAT(env.Inventory("m"), IsEmpty());
  EXPECT_EQ(env.queue().Seen(MeshId("m")), std::make_pair(uint64_t{1}, uint64_t{8}));

  env.LogsStored("m", 199);
  EXPECT_THAT(env.Records(), ElementsAre("stored m 199"));
  EXPECT_EQ(env.queue().LogNeededFrom(1000), 199u);
  env.LogsStored("m", 200);
  EXPECT_THAT(env.Records(), ElementsAre("stored m 200", "forgotten 1"));
  EXPECT_EQ(env.queue().attempts(), 0u);
  EXPECT_EQ(env.queue().LogNeededFrom(1000), 1000u);
  EXPECT_THAT(env.Effects(), IsEmpty());
}

TEST(Queue, AttemptWithoutOutputIsForgottenWhenAcknowledged) {
  LiveQueue env;
  env.Lease("m", "r1/1/1");
  env.Ends(1);  // so short that its start was not told apart
  EXPECT_THAT(env.Reports("m"), ElementsAre("1: r1/1/1 exited 0"));
  env.Forget();
  env.Ack("m", 1);
  EXPECT_THAT(env.Records(), ElementsAre("acked m 1", "forgotten 1"));
}

TEST(Queue, ReportsOfTwoMeshesAreNumberedApart) {
  LiveQueue env({.slots = 4});
  env.Session("n");
  env.Lease("m", "r1/1/1");
  env.Lease("n", "r1/1/1");  // the same id, of another mesh
  env.Lease("m", "r1/2/1");
  env.Begins(3);
  env.Begins(2);
  env.Begins(1);
  env.Ends(2);
  EXPECT_THAT(env.Reports("m"), ElementsAre("1: r1/2/1 started", "2: r1/1/1 started"));
  EXPECT_THAT(env.Reports("n"), ElementsAre("1: r1/1/1 started", "2: r1/1/1 exited 0"));
}

TEST(Queue, ReportsAreReadInPieces) {
  LiveQueue env({.slots = 8});
  for (int i = 1; i <= 5; ++i) {
    env.Lease("m", fmt::format("r1/{}/1", i));
    env.Begins(static_cast<Ticket>(i));
  }
  auto piece = env.queue().ReportsAfter(MeshId("m"), 1, 3);
  ASSERT_THAT(piece, SizeIs(3));
  EXPECT_EQ(piece.front().sequence, 2u);
  EXPECT_EQ(piece.back().sequence, 4u);
  env.Ack("m", 4);
  EXPECT_THAT(env.queue().ReportsAfter(MeshId("m"), 1, 3), SizeIs(1));
  EXPECT_THAT(env.queue().ReportsAfter(MeshId("m"), 5, 3), IsEmpty());
  EXPECT_THAT(env.queue().ReportsAfter(MeshId("unknown"), 0, 3), IsEmpty());
}

TEST(Queue, AckBeyondWhatWasReportedIsCut) {
  LiveQueue env;
  env.Lease("m", "r1/1/1");
  env.Begins(1);
  env.Ack("m", 99);
  EXPECT_EQ(env.queue().AckedSequence(MeshId("m")), 1u);
  env.Ends(1);
  EXPECT_THAT(env.Reports("m"), ElementsAre("2: r1/1/1 exited 0"));
}

TEST(Queue, RepeatedEventsChangeNothing) {
  LiveQueue env;
  env.Lease("m", "r1/1/1");
  env.Begins(1);
  env.Forget();
  env.Lease("m", "r1/1/1");
  env.Begins(1);
  EXPECT_THAT(env.Records(), IsEmpty());
  EXPECT_THAT(env.Effects(), IsEmpty());
  env.Ends(1);
  env.Forget();
  env.Ends(1, 9);
  env.Begins(1);
  EXPECT_THAT(env.Records(), IsEmpty());
  EXPECT_THAT(env.Effects(), ElementsAre("drop 1"));  // the launcher asks to be freed of it
  EXPECT_THAT(env.Reports("m"), ElementsAre("1: r1/1/1 started", "2: r1/1/1 exited 0"));
  env.Ack("m", 2, 5);
  env.Forget();
  env.Ack("m", 2, 5);
  env.Ack("m", 1, 4);
  EXPECT_THAT(env.Records(), IsEmpty());
}

// ---- Lines and slots --------------------------------------------------------------------------

TEST(Queue, WhatFindsNoSlotWaitsInOrder) {
  LiveQueue env({.slots = 2});
  for (int i = 1; i <= 4; ++i) env.Lease("m", fmt::format("r1/{}/1", i));
  EXPECT_THAT(env.Effects(), ElementsAre("launch 1 in 0", "launch 2 in 1"));
  env.Ends(2);
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 3 in 1"));
  env.Ends(1);
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 4 in 0"));
}

TEST(Queue, MeshesTakeTurns) {
  LiveQueue env({.slots = 1});
  env.Session("n");
  for (int i = 1; i <= 3; ++i) env.Lease("m", fmt::format("r1/{}/1", i));
  for (int i = 1; i <= 3; ++i) env.Lease("n", fmt::format("r9/{}/1", i));
  env.Submit("job");
  std::vector<std::string> order;
  for (int i = 0; i < 7; ++i) {
    auto launched = env.Effects("launch");
    ASSERT_THAT(launched, SizeIs(1));
    Ticket ticket = std::stoull(launched[0].substr(7));
    order.push_back(env.queue().Find(ticket)->mesh.text() + " " + ToString(env.queue().Find(ticket)->id));
    env.Ends(ticket);
  }
  EXPECT_THAT(order,
              ElementsAre("m r1/1/1", "n r9/1/1", "plain job/1/1", "m r1/2/1", "n r9/2/1", "m r1/3/1", "n r9/3/1"));
}

TEST(Queue, NothingIsLaunchedWithoutALauncher) {
  QueueEnv env;
  env.Session("m");
  env.Lease("m", "r1/1/1");
  EXPECT_THAT(env.Effects(), IsEmpty());
  env.LauncherUp("launcher1");
  EXPECT_THAT(env.Effects(), ElementsAre("launch 1 in 0"));
  env.Apply(queue_event::LauncherDown{"it died"});
  env.Lease("m", "r1/2/1");
  EXPECT_THAT(env.Effects(), IsEmpty());
}

TEST(Queue, DirtySlotIsNotUsedUntilCleaned) {
  LiveQueue env({.slots = 1});
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Forget();
  env.Ends(1, 0, false);
  EXPECT_THAT(env.Effects(), ElementsAre("clean 0", "reports m", "drop 1"));
  env.Apply(queue_event::SlotCleaned{0});
  EXPECT_THAT(env.Effects(), ElementsAre("launch 2 in 0"));
}

TEST(Queue, WordOfACleanedSlotThatNobodyAskedForFreesNone) {
  LiveQueue env({.slots = 1});
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Forget();
  env.Apply(queue_event::SlotCleaned{0});
  env.Apply(queue_event::SlotCleaned{7});
  EXPECT_THAT(env.Effects(), IsEmpty());
}

TEST(Queue, FilesArePreparedBeforeTheLaunch) {
  LiveQueue env;
  env.Lease("m", "r1/1/1", true);
  EXPECT_THAT(env.Records(), ElementsAre("accepted r1/1/1 as 1"));
  EXPECT_THAT(env.Effects(), ElementsAre("prepare 1 in 0"));
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 leased"));
  env.Apply(queue_event::Prepared{1});
  EXPECT_THAT(env.Effects(), ElementsAre("launch 1 in 0"));
  env.Apply(queue_event::Prepared{1});
  EXPECT_THAT(env.Effects(), IsEmpty());
}

TEST(Queue, FailedPreparationEndsTheAttempt) {
  LiveQueue env;
  env.Lease("m", "r1/1/1", true);
  env.Forget();
  env.Apply(queue_event::PrepareFailed{1, "no space left"});
  EXPECT_THAT(env.Effects(), ElementsAre("clean 0", "reports m"));
  EXPECT_THAT(env.Reports("m"), ElementsAre("1: r1/1/1 not_started: no space left"));
}

TEST(Queue, LauncherThatGoesDuringPreparationPutsItBackInItsPlace) {
  LiveQueue env({.slots = 2});
  env.Lease("m", "r1/1/1", true);
  env.Lease("m", "r1/2/1", true);
  env.Lease("m", "r1/3/1");
  env.Apply(queue_event::LauncherDown{"it died"});
  env.Apply(queue_event::Prepared{1});
  env.Apply(queue_event::Prepared{2});
  env.Apply(queue_event::SlotCleaned{0});
  env.Apply(queue_event::SlotCleaned{1});
  env.Forget();
  env.LauncherUp("launcher2");
  EXPECT_THAT(env.Effects(), ElementsAre("prepare 1 in 0", "prepare 2 in 1"));
}

// ---- Expiry -----------------------------------------------------------------------------------

TEST(Queue, ExpiryReturnsWhatIsInLineAndSparesWhatWasLaunched) {
  LiveQueue env({.slots = 3});
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Lease("m", "r1/3/1", true);
  env.Lease("m", "r1/4/1");
  env.Lease("m", "r1/5/1");
  env.Begins(1);
  env.Forget();
  env.Pass(kLeaseTime - milliseconds(1));
  EXPECT_THAT(env.Records(), IsEmpty());
  env.Pass(milliseconds(1));
  EXPECT_THAT(env.Reports("m"),
              ElementsAre("1: r1/1/1 started", "2: r1/4/1 not_started: its lease ran out before it began (returned)",
                          "3: r1/5/1 not_started: its lease ran out before it began (returned)"));
  env.Begins(2);
  env.Apply(queue_event::Prepared{3});  // too late, though it had its slot in time
  EXPECT_THAT(env.Inventory("m"),
              ElementsAre("r1/1/1 running", "r1/2/1 running", "r1/3/1 ended", "r1/4/1 ended", "r1/5/1 ended"));
  EXPECT_THAT(env.Reports("m").back(), "5: r1/3/1 not_started: its lease ran out before it began (returned)");
  EXPECT_FALSE(env.queue().NextDeadline());
}

TEST(Queue, ExtendedLeasesLast) {
  LiveQueue env({.slots = 1});
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Pass(seconds(15));
  env.Extend("m");
  env.Pass(seconds(15));
  EXPECT_THAT(env.Reports("m"), IsEmpty());
  env.Ends(1);
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 1 in 0", "launch 2 in 0"));
}

// A slot that gets free a moment too late starts nothing, even if no tick came in between.
TEST(Queue, NothingStartsAfterItsLease) {
  LiveQueue env({.slots = 1});
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Forget();
  env.PassUnnoticed(kLeaseTime);
  env.Ends(1);
  EXPECT_THAT(env.Effects("launch"), IsEmpty());
  EXPECT_THAT(env.Reports("m"),
              ElementsAre("1: r1/1/1 exited 0", "2: r1/2/1 not_started: its lease ran out before it began (returned)"));
}

TEST(Queue, OneMeshsSilenceDoesNotExpireAnothersLeases) {
  LiveQueue env({.slots = 1});
  env.Session("n");
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Lease("n", "r9/1/1");
  env.Submit("job");
  env.Pass(seconds(10));
  env.Extend("n");
  env.Pass(seconds(15));
  EXPECT_THAT(env.Reports("m"), SizeIs(1));
  EXPECT_THAT(env.Reports("n"), IsEmpty());
  env.Pass(std::chrono::hours(10));
  env.Forget();
  env.Ends(1);
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 4 in 0"));  // a plain job has no lease that could run out
}

// ---- Stops ------------------------------------------------------------------------------------

TEST(Queue, StopInEveryPhase) {
  LiveQueue env({.slots = 3});
  env.Lease("m", "r1/1/1", true);  // preparing
  env.Lease("m", "r1/2/1");        // launching
  env.Lease("m", "r1/3/1");        // running
  env.Begins(3);
  env.Lease("m", "r1/4/1");  // queued
  env.Ack("m", 1);
  env.Forget();

  env.Stop("m", "r1/4/1");
  EXPECT_THAT(env.Effects(), ElementsAre("reports m"));
  EXPECT_THAT(env.Reports("m"), ElementsAre("2: r1/4/1 not_started: stopped before it began"));
  env.Stop("m", "r1/4/1");
  EXPECT_THAT(env.Effects(), IsEmpty());

  env.Stop("m", "r1/1/1");
  EXPECT_THAT(env.Effects(), ElementsAre("unprepare 1"));  // it ends when that has been answered
  env.Apply(queue_event::Prepared{1});
  EXPECT_THAT(env.Effects(), ElementsAre("clean 0", "reports m"));
  EXPECT_THAT(env.Reports("m"), ElementsAre("2: r1/4/1 not_started: stopped before it began",
                                            "3: r1/1/1 not_started: stopped before it began"));

  env.Stop("m", "r1/2/1");
  env.Stop("m", "r1/3/1");
  EXPECT_THAT(env.Effects(), ElementsAre("stop 2", "stop 3"));
  env.Stop("m", "r1/3/1");  // said again in a new session: and so to the launcher
  EXPECT_THAT(env.Effects(), ElementsAre("stop 3"));
  EXPECT_THAT(env.Records(), ElementsAre("stop asked 4", "ended 4 #2 not_started", "stop asked 1",
                                         "ended 1 #3 not_started", "stop asked 2", "stop asked 3"));
  env.Stop("m", "r7/1/1");
  env.Stop("unknown", "r1/3/1");
  EXPECT_THAT(env.Effects(), IsEmpty());
}

TEST(Queue, StopWhileTheLauncherIsAwayIsSaidWhenItIsBack) {
  LiveQueue env;
  env.Lease("m", "r1/1/1");
  env.Begins(1);
  env.Apply(queue_event::LauncherDown{"the connection broke"});
  env.Stop("m", "r1/1/1");
  env.Forget();
  env.LauncherUp("launcher1", {{1, true}});
  EXPECT_THAT(env.Effects(), ElementsAre("stop 1"));
}

// ---- The launcher -----------------------------------------------------------------------------

TEST(Queue, LauncherThatDiedTookItsAttemptsWithIt) {
  LiveQueue env;
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Begins(1);
  env.Lease("m", "r1/3/1");
  env.Forget();
  env.LauncherUp("launcher2");
  EXPECT_THAT(env.Reports("m"), ElementsAre("1: r1/1/1 started", "2: r1/1/1 lost: lost: the launcher died",
                                            "3: r1/2/1 lost: lost: the launcher died"));
  EXPECT_THAT(env.Effects(), ElementsAre("clean 0", "reports m", "clean 1", "reports m"));
  env.Apply(queue_event::SlotCleaned{1});
  EXPECT_THAT(env.Effects(), ElementsAre("launch 3 in 1"));
}

TEST(Queue, SameLauncherThatNeverGotTheOrderGetsItAgainWhileTheLeaseLasts) {
  LiveQueue env;
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Stop("m", "r1/2/1");
  env.Forget();
  env.LauncherUp("launcher1");
  EXPECT_THAT(env.Effects(), ElementsAre("clean 0", "clean 1", "reports m"));
  EXPECT_THAT(env.Reports("m"), ElementsAre("1: r1/2/1 not_started: stopped before it began"));
  env.Apply(queue_event::SlotCleaned{1});
  EXPECT_THAT(env.Effects(), ElementsAre("launch 1 in 1"));
}

TEST(Queue, SameLauncherThatNoLongerKnowsARunningAttempt) {
  LiveQueue env;
  env.Lease("m", "r1/1/1");
  env.Begins(1);
  env.LauncherUp("launcher1");
  EXPECT_THAT(env.Reports("m"),
              ElementsAre("1: r1/1/1 started",
                          "2: r1/1/1 lost: lost: its end was in what the disk has lost of the agent's journal"));
}

TEST(Queue, ResultsThatTheJournalHasAreDroppedByTheLauncher) {
  LiveQueue env;
  env.Lease("m", "r1/1/1");
  env.Ends(1);
  env.Forget();
  env.LauncherUp("launcher1", {{1, false}, {77, false}});
  EXPECT_THAT(env.Effects(), testing::UnorderedElementsAre("drop 1", "drop 77"));
  env.LauncherUp("launcher1", {{78, true}});
  EXPECT_THAT(env.Effects(), ElementsAre("stop 78"));  // nobody's
}

// The process ended while the agent was away: the result comes with the launcher's first words.
TEST(Queue, ResultFromWhileTheAgentWasAway) {
  LiveQueue env;
  env.Lease("m", "r1/1/1");
  env.Begins(1);
  env.Restart();
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 running"));
  env.LauncherUp("launcher1", {{1, false}});
  EXPECT_THAT(env.Effects(), IsEmpty());
  env.Ends(1, 4);
  EXPECT_THAT(env.Effects(), ElementsAre("reports m", "drop 1"));
  EXPECT_THAT(env.Reports("m"), ElementsAre("1: r1/1/1 started", "2: r1/1/1 exited 4"));
}

// ---- Drain, limits, plain jobs ----------------------------------------------------------------

TEST(Queue, DrainReturnsTheLineAndTakesNothingNew) {
  LiveQueue env({.slots = 1});
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Submit("job");
  env.Forget();
  env.Apply(queue_event::DrainWanted{true});
  EXPECT_TRUE(env.queue().draining());
  env.Lease("m", "r1/3/1");
  EXPECT_THAT(env.Reports("m"),
              ElementsAre("1: r1/2/1 not_started: the agent drains (returned)",
                          "2: r1/3/1 not_started: the agent drains and takes nothing new (returned)"));
  env.Forget();
  env.Submit("job2");
  EXPECT_THAT(env.Effects(), ElementsAre("reply refused: the agent drains and takes nothing new"));
  env.Ends(1);
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 3 in 0"));  // an acknowledged job is done
  EXPECT_FALSE(env.queue().idle());
  env.Ends(3);
  EXPECT_TRUE(env.queue().idle());
  env.Apply(queue_event::DrainWanted{false});
  env.Lease("m", "r1/4/1");
  EXPECT_THAT(env.Effects("launch"), SizeIs(1));
}

TEST(Queue, FullQueueReturnsLeasesAndRefusesJobs) {
  LiveQueue env({.slots = 1, .attempts = 2});
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Forget();
  env.Submit("job");
  EXPECT_THAT(env.Effects(), ElementsAre("reply refused: the agent knows 2 attempts, which is its limit"));
  env.Lease("m", "r1/3/1");
  EXPECT_THAT(env.Reports("m"),
              ElementsAre("1: r1/3/1 not_started: the agent knows 2 attempts, which is its limit (returned)"));
}

TEST(Queue, OneThatIsFullByItsBytesSaysSoAndForgetsWhatHasEndedFirst) {
  LiveQueue other;
  other.Submit("job");
  const size_t one = BytesOf(*other.queue().Find(1)->spec);
  LiveQueue env({.slots = 1, .bytes = 2 * one + 10});
  env.Submit("first");
  env.Ends(1);
  env.Submit("second");
  env.Submit("third");
  EXPECT_THAT(env.Records(), testing::Contains("forgotten 1"));
  env.Forget();
  env.Submit("fourth");
  EXPECT_THAT(env.Effects(),
              ElementsAre(testing::AllOf(testing::StartsWith("reply refused: what the agent knows takes "),
                                         testing::HasSubstr(" more its limit of "))));
  env.Lease("m", "r1/1/1");
  EXPECT_THAT(env.Reports("m"),
              ElementsAre(testing::AllOf(testing::StartsWith("1: r1/1/1 not_started: what the agent knows "),
                                         testing::EndsWith(" is passed (returned)"))));
  env.Ack("m", 1);
  env.Ends(2);
  env.Submit("fourth");
  EXPECT_THAT(env.Effects("reply"), testing::Contains("reply fourth"));
}

TEST(Queue, PlainJobFromSubmitToEnd) {
  LiveQueue env;
  env.Submit("job", "request");
  EXPECT_THAT(env.Effects(), ElementsAre("reply job", "launch 1 in 0"));
  EXPECT_THAT(env.Records(), ElementsAre("accepted job/1/1 as 1", "launching 1 in 0 by launcher1"));
  env.Begins(1);
  EXPECT_THAT(env.Effects(), ElementsAre("changed 1"));
  env.Ends(1, 3);
  EXPECT_THAT(env.Effects(), ElementsAre("changed 1", "drop 1"));
  ASSERT_THAT(env.queue().Jobs(), SizeIs(1));
  EXPECT_EQ(env.queue().Jobs()[0]->result.status, ExitStatus(Exited{3}));
  EXPECT_THAT(env.Reports("plain"), IsEmpty());
}

TEST(Queue, SubmitWithTheSameRequestIsTheSameJob) {
  LiveQueue env;
  env.Submit("job", "request");
  env.Ends(1);
  env.Forget();
  env.Submit("other", "request");
  EXPECT_THAT(env.Effects(), ElementsAre("reply job"));
  EXPECT_THAT(env.Records(), IsEmpty());
  env.Restart();
  env.Submit("third", "request");
  EXPECT_THAT(env.Effects(), ElementsAre("reply job"));
}

TEST(Queue, OldestEndedJobsGoWhenTooManyAreKept) {
  LiveQueue env({.slots = 4, .kept_jobs = 2});
  for (const char* job : {"j1", "j2", "j3", "j4"}) env.Submit(job);
  env.Ends(3);
  env.Ends(1);
  env.Forget();
  env.Ends(2);
  EXPECT_THAT(env.Records(), ElementsAre("ended 2 #3 exited", "forgotten 3"));
  std::vector<std::string> jobs;
  for (const QueuedAttempt* job : env.queue().Jobs()) jobs.push_back(job->id.run.text());
  EXPECT_THAT(jobs, ElementsAre("j1", "j2", "j4"));  // j4 runs
}

TEST(Queue, CancelOfAPlainJob) {
  LiveQueue env({.slots = 1});
  env.Submit("j1");
  env.Submit("j2");
  env.Forget();
  env.Stop("plain", "j2/1/1");
  env.Stop("plain", "j1/1/1");
  EXPECT_THAT(env.Effects(), ElementsAre("changed 2", "stop 1"));
}

TEST(Queue, OutputOfKeptJobsIsNeeded) {
  LiveQueue env({.slots = 4, .kept_jobs = 1});
  env.Submit("j1");
  env.Begins(1, 100);
  EXPECT_EQ(env.queue().LogNeededFrom(1000), 100u);
  env.EndsAs(1, Exit(0, 10), 100, 150);
  EXPECT_EQ(env.queue().LogNeededFrom(1000), 100u);
  env.Submit("j2");
  env.EndsAs(2, Exit(0, 10), 150, 200);
  EXPECT_EQ(env.queue().LogNeededFrom(1000), 150u);
}

TEST(Queue, WhoTakesNothingBackIsNotedAtTwiceTheLimit) {
  QueueEnv env({.slots = 1, .attempts = 2});
  env.LauncherUp("launcher");
  env.Session("m");
  for (int task = 1; task <= 4; ++task) {
    EXPECT_FALSE(env.queue().overfull());
    env.Lease("m", fmt::format("r1/{}/1", task));
    EXPECT_EQ(env.queue().Find(MeshId("m"), ParseAttempt(fmt::format("r1/{}/1", task)))->spec->name,
              task <= 2 ? "x" : "not taken");
  }
  EXPECT_TRUE(env.queue().overfull());
  env.Ack("m", 2);  // both that were given back
  EXPECT_FALSE(env.queue().overfull());
}

// ---- Refusing ---------------------------------------------------------------------------------

TEST(Queue, WhileItRefusesNothingBeginsAndWhatHasBegunEnds) {
  QueueEnv env({.slots = 1});
  env.LauncherUp("launcher");
  env.Session("m");
  env.Lease("m", "r1/1/1");
  env.Lease("m", "r1/2/1");
  env.Begins(1);
  env.Apply(queue_event::Refuse{"no room"});
  EXPECT_EQ(env.queue().refusal(), "no room");
  env.Forget();
  env.Ends(1);
  EXPECT_THAT(env.Effects("launch"), IsEmpty());
  EXPECT_THAT(env.Records(), ElementsAre("ended 1 #2 exited"));
  env.Submit("job");
  EXPECT_THAT(env.Effects("reply"), ElementsAre("reply refused: the agent takes nothing new: no room"));
  EXPECT_THAT(env.Records(), IsEmpty());
  env.Stop("m", "r1/2/1");  // what waits can be called off
  EXPECT_THAT(env.Reports("m"), testing::Contains("3: r1/2/1 not_started: stopped before it began"));
  env.Lease("m", "r1/3/1");  // crosses with the word
  EXPECT_THAT(env.Reports("m"),
              testing::Contains("4: r1/3/1 not_started: the agent takes nothing new: no room (returned)"));
  env.Apply(queue_event::Refuse{""});
  env.Lease("m", "r1/4/1");
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 4 in 0"));
}

}  // namespace
}  // namespace cromt
