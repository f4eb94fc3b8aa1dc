// Goal: of what a failed sync may have cost the journal nothing is done again, and nothing leaves the agent that is not
// in it. Method: the real engine with a journal in memory; the test is the disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/lease.h"
#include "tests/unit/agent/engine_env.h"

namespace cromt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class JournalInDoubt : public EngineEnv {
 protected:
  JournalInDoubt() {
    Connect();
    Up("launcher");
    Greet(1, "m", 1);
  }
  void DiskFails() {
    journal_.FailSyncs(true);
    journal_.FillDisk(true);
    EXPECT_THAT(Submit("a"), HasSubstr("its journal could not be synced, and is written anew as soon as"));
    EXPECT_TRUE(engine_->in_doubt());
    sent_.clear();
  }
  // It is written anew in the next step.
  void DiskIsWell() {
    journal_.FailSyncs(false);
    journal_.FillDisk(false);
    now_.mono += seconds(1);
  }
};

TEST_F(JournalInDoubt, NothingIsAcknowledgedOrBegunUntilItIsWrittenAnew) {
  DiskFails();
  EXPECT_THAT(Submit("b"), HasSubstr("takes nothing new: its journal could not be synced"));
  DiskIsWell();
  EXPECT_EQ(Submit("a"), "ok");
  EXPECT_FALSE(engine_->in_doubt());
  EXPECT_THAT(Orders(), IsEmpty());
  EXPECT_EQ(engine_->NextDeadline(), now_.mono);  // what it refused it takes again
  Step();
  EXPECT_THAT(Orders(), ElementsAre("start 1"));
  journal_.CrashHost();
  const auto content = journal_.Reopen();
  ASSERT_TRUE(content);
  EXPECT_THAT(content->records, testing::Contains(testing::VariantWith<journal::Accepted>(testing::_)));
}

// Its lease may be over when it could begin.
TEST_F(JournalInDoubt, WhatWasPreparedMeanwhileGoesBackToItsPlace) {
  TaskSpec spec = *Spec();
  spec.source.tree = Digest{std::string(64, 'a'), 1};
  Submit("p", std::make_shared<const TaskSpec>(spec));
  EXPECT_THAT(Orders(), ElementsAre("prepare 1"));
  DiskFails();
  Tell(queue_event::Prepared{before_ + 1});
  DiskIsWell();
  Step();
  EXPECT_THAT(Orders(), IsEmpty());
  for (uint32_t slot : {0, 1}) Tell(queue_event::SlotCleaned{slot});
  EXPECT_THAT(Orders(), ElementsAre("prepare 1", "start 2"));
}

TEST_F(JournalInDoubt, WhatRunsCanBeStopped) {
  Submit("r");
  Begins(1);
  EXPECT_THAT(Orders(), ElementsAre("start 1"));
  DiskFails();
  Stop("r");
  EXPECT_THAT(Orders(), ElementsAre("stop 1"));
}

// It is tried once a second, however much comes meanwhile.
TEST_F(JournalInDoubt, ItIsTriedAgainEachSecond) {
  DiskFails();
  EXPECT_EQ(engine_->NextDeadline(), now_.mono + seconds(1));
  journal_.FillDisk(false);
  journal_.FailSyncs(false);
  Submit("b");
  EXPECT_TRUE(engine_->in_doubt());
  now_.mono += seconds(1);
  Step();
  EXPECT_FALSE(engine_->in_doubt());
}

TEST_F(JournalInDoubt, ItsCoordinatorsHearThatItIsThereAndWhy) {
  DiskFails();
  Step({agent_input::StreamWritable{1}});
  ASSERT_THAT(sent_, SizeIs(1));
  EXPECT_THAT(sent_[0].refuses.value_or(""),
              HasSubstr("its journal could not be synced, and is written anew as soon as"));
  now_.mono += kHeartbeatInterval;
  Step({agent_input::StreamWritable{1}, LeaseOn(1, 3)});
  ASSERT_THAT(sent_, SizeIs(2));
  EXPECT_NE(sent_[1].heartbeat, 0u);
  EXPECT_THAT(sent_[1].reports, IsEmpty());
  // Who comes now would be told of what is in doubt.
  Step(Greeting(2, {.mesh = MeshId("n"), .epoch = 1, .session = 1}));
  EXPECT_THAT(WhyClosed(2), HasSubstr("its journal could not be synced"));
  EXPECT_THAT(sent_, SizeIs(2));
  DiskIsWell();
  Step({agent_input::StreamWritable{1}});
  EXPECT_THAT(sent_, SizeIs(3));
}

// So that its coordinator takes for news what is said by them again.
TEST_F(JournalInDoubt, ItsHelloNamesTheLastReport) {
  Tell(queue_event::LeasesExtended{MeshId("m"), now_.mono + kLeaseTime});
  Step({LeaseOn(1, 3)});
  Begins(1);
  Step(Greeting(2, {.mesh = MeshId("m"), .epoch = 3, .session = 2}));
  Step({agent_input::StreamWritable{2}});
  ASSERT_TRUE(!sent_.empty() && sent_.back().hello);
  EXPECT_EQ(sent_.back().hello->acked_sequence, 0u);
  EXPECT_EQ(sent_.back().hello->last_sequence, 1u);
}

// The disk has forgotten what it could not sync, and the process that knew it is gone; its launcher is not.
TEST_F(JournalInDoubt, ATicketThatIsForgottenIsNotGivenToAnother) {
  Tell(queue_event::LeasesExtended{MeshId("m"), now_.mono + kLeaseTime});
  EXPECT_EQ(Submit("s"), "ok");  // and synced
  Step({LeaseOn(1, 3)});
  EXPECT_THAT(Orders(), ElementsAre("start 1", "start 2"));
  DiskFails();
  journal_.CrashHost();
  journal_.FailSyncs(false);
  journal_.FillDisk(false);
  const auto content = journal_.Reopen();
  ASSERT_TRUE(content);
  StartWith(content->records, "another");
  EXPECT_THAT(Taken(), SizeIs(1));
  Connect();
  EXPECT_EQ(Submit("b"), "ok");
  Up("launcher");
  Ends(2);
  const QueuedAttempt* job = engine_->queue().Find(kPlainMesh, {RunId("b"), 0, 1});
  ASSERT_TRUE(job);
  EXPECT_NE(job->phase, QueuedAttempt::Phase::kEnded);
  EXPECT_GT(job->ticket, before_ + 2);
}

}  // namespace
}  // namespace cromt
