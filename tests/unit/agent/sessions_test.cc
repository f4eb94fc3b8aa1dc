// Goal: of one mesh an agent obeys one session, and none once it has said what there is to who recovers the store.
// Method: the real engine with a journal in memory; the test is the coordinators, the launcher and the clock.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "agent/engine.h"
#include "agent/fake_journal.h"

namespace cromt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SessionsTest : public testing::Test, private AgentEdges {
 protected:
  SessionsTest() {
    AgentEdges& edges = *this;
    engine_ = std::make_unique<AgentEngine>(journal_, edges, AgentIdentity{.agent = AgentId("a"), .boot = "boot"},
                                            QueueLimits{.slots = 2}, JournalId("journal"));
    EXPECT_TRUE(engine_->Start({}, now_));
    Step({agent_input::LauncherConnected{7}, agent_input::Tell{queue_event::LauncherUp{"launcher", {}}, {}}});
  }

  void Step(std::vector<AgentInput> inputs) { EXPECT_TRUE(engine_->Step(std::move(inputs), now_)); }
  static std::vector<AgentInput> Greeting(StreamId stream, CoordinatorHello hello) {
    ToAgent message;
    message.hello = std::move(hello);
    return {agent_input::StreamOpened{stream}, agent_input::StreamMessage{stream, message}};
  }
  // A live session.
  void Greet(StreamId stream, const std::string& mesh, uint64_t session) {
    std::vector<AgentInput> inputs = Greeting(stream, {.mesh = MeshId(mesh), .epoch = 3, .session = session});
    ToAgent verdicts;
    verdicts.verdicts_done = true;
    inputs.emplace_back(agent_input::StreamMessage{stream, verdicts});
    Step(std::move(inputs));
  }
  static AgentInput LeaseOn(StreamId stream, TaskIndex task) {
    ToAgent message;
    auto spec = std::make_shared<TaskSpec>(TaskSpec{.name = "x", .project = "x", .work = Command{{"x"}}});
    message.leases.push_back({.id = {RunId("run"), task, 1}, .spec = std::move(spec)});
    return agent_input::StreamMessage{stream, message};
  }
  std::vector<TaskIndex> Taken() const {
    std::vector<TaskIndex> tasks;
    for (const InventoryTicket& item : engine_->queue().Tickets()) tasks.push_back(item.id.task);
    return tasks;
  }
  std::string WhyClosed(StreamId stream) { return closed_[stream]; }
  std::vector<TaskIndex> ToldOn(StreamId stream) {
    std::vector<TaskIndex> tasks;
    for (const InventoryItem& item : told_[stream]) tasks.push_back(item.id.task);
    return tasks;
  }

 private:
  void Launch(const QueuedAttempt&, uint32_t) override {}
  void StopProcess(Ticket) override {}
  void ForgetResult(Ticket) override {}
  void Prepare(const QueuedAttempt&, uint32_t) override {}
  void StopPreparing(Ticket) override {}
  void CleanSlot(uint32_t) override {}
  void Publish(const QueuedAttempt&, uint32_t) override {}
  void BlobFailed(const BlobFailure&) override {}
  void Send(StreamId stream, FromAgent message) override {
    auto& told = told_[stream];
    told.insert(told.end(), message.inventory.begin(), message.inventory.end());
  }
  void Close(StreamId stream, const Error& why) override { closed_[stream] = why.message; }
  void Refuses(const std::string&) override {}
  void JobChanged(const QueuedAttempt&) override {}
  void Forgotten(Ticket) override {}

  const Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
  FakeJournal journal_;
  std::unique_ptr<AgentEngine> engine_;
  std::map<StreamId, std::string> closed_;
  std::map<StreamId, std::vector<InventoryItem>> told_;
};

TEST_F(SessionsTest, TheNewerOfAMeshClosesTheOlderAndOtherMeshesStay) {
  Greet(1, "m", 1);
  Greet(2, "other", 1);
  Greet(3, "m", 2);
  EXPECT_THAT(WhyClosed(1), HasSubstr("a newer session of this mesh took over"));
  Greet(4, "m", 1);
  EXPECT_THAT(WhyClosed(4), HasSubstr("this mesh has a newer session with the agent"));
  Step({LeaseOn(1, 1), LeaseOn(2, 2), LeaseOn(3, 3), LeaseOn(4, 4)});
  EXPECT_THAT(Taken(), ElementsAre(2, 3));
}

// `recover` calls lost what the agent does not name: no lease may come after that by what the old coordinator has said.
TEST_F(SessionsTest, WhoRecoversAStoreHearsOfAllThatIsObeyed) {
  Greet(1, "m", 1);
  Greet(2, "other", 1);
  std::vector<AgentInput> inputs = Greeting(3, {.mesh = MeshId("m"), .inspect = true});
  inputs.insert(inputs.begin(), LeaseOn(1, 1));
  inputs.push_back(LeaseOn(1, 2));
  Step(std::move(inputs));
  EXPECT_THAT(ToldOn(3), ElementsAre(1));
  EXPECT_THAT(WhyClosed(1), HasSubstr("to recover its store"));
  Step({LeaseOn(1, 3), LeaseOn(2, 4)});
  EXPECT_THAT(Taken(), ElementsAre(1, 4));
}

// It is refused for what it says next, and has ended nothing.
TEST_F(SessionsTest, WhoseStoreWentBackEndsNoOther) {
  Greet(1, "m", 1);
  Step(Greeting(2, {.mesh = MeshId("m"), .epoch = 2, .session = 9}));
  EXPECT_THAT(WhyClosed(1), IsEmpty());
  Step({LeaseOn(2, 1), LeaseOn(1, 2)});
  EXPECT_THAT(WhyClosed(2), HasSubstr("says nothing more"));
  EXPECT_THAT(Taken(), ElementsAre(2));
}

}  // namespace
}  // namespace cromt
