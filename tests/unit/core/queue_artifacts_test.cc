// The agent's queue: attempts that publish, attempts that take, and directories that they share.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/queue_env.h"

namespace cromt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct PublishingQueue : QueueEnv {
  PublishingQueue() : QueueEnv({.slots = 2}) {
    LauncherUp("launcher1");
    Session("m");
    Forget();
  }
  void Published(Ticket ticket) {
    Apply(queue_event::Published{ticket, {{"patch.sql", {std::string(64, 'a'), 5}, false, "t"}}});
  }
  AttemptResult LastResult(const std::string& mesh) {
    return std::get<AttemptResult>(queue().ReportsAfter(MeshId(mesh), 0, 1000).back().fact);
  }
};

TaskSpec Publishes(const std::string& directory = "") {
  TaskSpec spec{.work = Command{{"x"}}, .publishes = {{"patch.sql", "out/f.txt"}}};
  spec.source.directory = directory;
  return spec;
}

TEST(QueueArtifacts, ArePublishedBeforeTheEndIsReported) {
  PublishingQueue env;
  env.LeaseSpec("m", "r1/1/1", Publishes());
  env.Begins(1);
  env.Forget();
  env.Ends(1, 0, false);
  EXPECT_THAT(env.Effects(), ElementsAre("publish 1 of 0"));  // the launcher keeps its result
  EXPECT_THAT(env.Records(), IsEmpty());
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 running"));
  env.Published(1);
  EXPECT_THAT(env.Effects(), ElementsAre("clean 0", "reports m", "drop 1"));
  EXPECT_THAT(env.Records(), ElementsAre("ended 1 #2 exited"));
  ASSERT_EQ(env.LastResult("m").published.size(), 1u);
  EXPECT_EQ(env.LastResult("m").published[0].name, "patch.sql");
}

TEST(QueueArtifacts, OfAFailureNothingIsPublished) {
  PublishingQueue env;
  env.LeaseSpec("m", "r1/1/1", Publishes());
  env.Begins(1);
  env.Forget();
  env.Ends(1, 3);
  EXPECT_THAT(env.Effects(), ElementsAre("reports m", "drop 1"));
}

TEST(QueueArtifacts, WhatCannotBePublishedIsTheEnd) {
  PublishingQueue env;
  env.LeaseSpec("m", "r1/1/1", Publishes());
  env.Begins(1);
  env.Ends(1);
  env.Apply(queue_event::PublishFailed{1, "artifact 'patch.sql': out/f.txt is not there"});
  EXPECT_EQ(env.LastResult("m").kind, AttemptResult::Kind::kNotPublished);
  EXPECT_EQ(env.LastResult("m").reason, "artifact 'patch.sql': out/f.txt is not there");
  EXPECT_EQ(env.LastResult("m").status, ExitStatus(Exited{0}));
}

// The launcher tells the end again, and it is done again: no record says that it was begun.
TEST(QueueArtifacts, ARestartPublishesAgain) {
  PublishingQueue env;
  env.LeaseSpec("m", "r1/1/1", Publishes());
  env.Begins(1);
  env.Ends(1);
  env.Restart();
  env.LauncherUp("launcher1", {{1, false}});
  env.Forget();
  env.Ends(1);
  EXPECT_THAT(env.Effects(), ElementsAre("publish 1 of 0"));
  env.Ends(1);  // told once more, by a launcher that was reconnected
  EXPECT_THAT(env.Effects(), IsEmpty());
  env.Published(1);
  env.Published(1);
  EXPECT_THAT(env.Records(), ElementsAre("ended 1 #2 exited"));
}

TEST(QueueArtifacts, ACompactedJournalKnowsThatItRuns) {
  PublishingQueue env;
  env.LeaseSpec("m", "r1/1/1", Publishes());
  env.Begins(1);
  env.Ends(1);
  env.Compact();
  EXPECT_THAT(env.Inventory("m"), ElementsAre("r1/1/1 running"));
}

TEST(QueueArtifacts, StoppedWhilePublishing) {
  PublishingQueue env;
  env.LeaseSpec("m", "r1/1/1", Publishes());
  env.Begins(1);
  env.Ends(1);
  env.Forget();
  env.Stop("m", "r1/1/1");
  EXPECT_THAT(env.Effects(), IsEmpty());  // its process has ended
  env.Published(1);
  EXPECT_EQ(env.LastResult("m").kind, AttemptResult::Kind::kStopped);
  EXPECT_THAT(env.LastResult("m").published, IsEmpty());
}

TEST(QueueArtifacts, InputsAreStagedAndSurviveARestart) {
  PublishingQueue env;
  auto inputs = std::make_shared<std::vector<LeaseInput>>(1);
  (*inputs)[0].path = "patch.sql";
  env.LeaseSpec("m", "r1/1/1", {.work = Command{{"x"}}}, inputs);
  EXPECT_THAT(env.Effects(), ElementsAre("prepare 1 in 0"));
  env.Restart();
  env.Session("m");
  env.LauncherUp("launcher1");
  EXPECT_THAT(env.Effects("prepare"), ElementsAre("prepare 1 in 0"));
  ASSERT_TRUE(env.queue().Find(1)->inputs);
  EXPECT_EQ(env.queue().Find(1)->inputs->at(0).path, "patch.sql");
}

// What is to be fetched may be large: a stop does not wait for it.
TEST(QueueArtifacts, AStopEndsThePreparing) {
  PublishingQueue env;
  env.LeaseSpec("m", "r1/1/1", {.work = Command{{"x"}}}, std::make_shared<std::vector<LeaseInput>>(1));
  env.Forget();
  env.Stop("m", "r1/1/1");
  EXPECT_THAT(env.Effects(), ElementsAre("unprepare 1"));
  env.Apply(queue_event::PrepareFailed{1, "stopped before it began"});
  EXPECT_EQ(env.LastResult("m").kind, AttemptResult::Kind::kNotStarted);
  env.Apply(queue_event::Prepared{1});  // was on its way
  EXPECT_THAT(env.Effects("launch"), IsEmpty());
}

// 1 and 2 publish from /srv/x, 3 from /srv/y, 4 only works in /srv/x
TEST(QueueArtifacts, OneAtATimeUsesADirectoryInPlace) {
  PublishingQueue env;
  env.LeaseSpec("m", "r1/1/1", Publishes("/srv/x"));
  env.LeaseSpec("m", "r1/2/1", Publishes("/srv/x"));
  env.LeaseSpec("m", "r1/3/1", Publishes("/srv/y"));
  EXPECT_THAT(env.Effects("prepare"), ElementsAre("prepare 1 in 0", "prepare 3 in 1"));
  env.Apply(queue_event::Prepared{3});
  env.Ends(3);
  env.Published(3);
  env.Apply(queue_event::SlotCleaned{1});
  EXPECT_THAT(env.Effects("prepare"), IsEmpty());
  TaskSpec plain{.work = Command{{"x"}}};
  plain.source.directory = "/srv/x";
  env.LeaseSpec("m", "r1/4/1", plain);
  EXPECT_THAT(env.Effects("launch"), ElementsAre("launch 4 in 1"));
  env.Apply(queue_event::PrepareFailed{1, "no such directory"});
  EXPECT_THAT(env.Effects("prepare"), IsEmpty());  // its slot is being emptied
  env.Apply(queue_event::SlotCleaned{0});
  EXPECT_THAT(env.Effects("prepare"), ElementsAre("prepare 2 in 0"));
}

TEST(QueueArtifacts, TheDirectoryIsHeldOverARestart) {
  PublishingQueue env;
  env.LeaseSpec("m", "r1/1/1", Publishes("/srv/x"));
  env.LeaseSpec("m", "r1/2/1", Publishes("/srv/x"));
  env.Apply(queue_event::Prepared{1});
  env.Begins(1);
  env.Restart();
  env.Session("m");
  env.LauncherUp("launcher1", {{1, true}});
  EXPECT_THAT(env.Effects("prepare"), IsEmpty());
  env.Ends(1);
  env.Published(1);
  env.Apply(queue_event::SlotCleaned{0});
  EXPECT_THAT(env.Effects("prepare"), ElementsAre("prepare 2 in 1"));
}

}  // namespace
}  // namespace cromt
