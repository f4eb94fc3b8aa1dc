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
    Greet(1, "m", 1);
    journal_.FailSyncs(true);
    journal_.FillDisk(true);
    Step({Submit("a")});
    sent_.clear();
  }
  void DiskIsWell() {
    journal_.FailSyncs(false);
    journal_.FillDisk(false);
    now_.mono += seconds(1);
  }
};

TEST_F(JournalInDoubt, NothingIsAnsweredOrBegunUntilItIsWrittenAnew) {
  EXPECT_TRUE(engine_->in_doubt());
  Step({Submit("b")});
  EXPECT_EQ(answers_["a"] + answers_["b"], "");
  EXPECT_THAT(launched_, IsEmpty());
  DiskIsWell();
  Step();
  EXPECT_FALSE(engine_->in_doubt());
  EXPECT_EQ(answers_["a"], "ok");
  EXPECT_THAT(answers_["b"], HasSubstr("takes nothing new: its journal could not be synced"));
  EXPECT_EQ(engine_->NextDeadline(), now_.mono);  // what it refused it takes again
  Step();
  EXPECT_THAT(launched_, ElementsAre("a"));
  const auto content = journal_.Reopen();
  ASSERT_TRUE(content);
  EXPECT_THAT(content->records, SizeIs(testing::Ge(2u)));
}

// It is tried once a second, however much comes meanwhile.
TEST_F(JournalInDoubt, ItIsTriedAgainEachSecond) {
  EXPECT_EQ(engine_->NextDeadline(), now_.mono + seconds(1));
  journal_.FillDisk(false);
  journal_.FailSyncs(false);
  Step({Submit("b")});
  EXPECT_TRUE(engine_->in_doubt());
  now_.mono += seconds(1);
  Step();
  EXPECT_FALSE(engine_->in_doubt());
}

TEST_F(JournalInDoubt, ItsCoordinatorsHearThatItIsThereAndWhy) {
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

}  // namespace
}  // namespace cromt
