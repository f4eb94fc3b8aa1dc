// Sessions of more meshes than an agent knows at a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/agent_session.h"

namespace cromt {
namespace {

using ::testing::HasSubstr;

Now At(Duration time) {
  return {MonoFromMicros(1'000'000) + time, WallFromMicros(1) + time};
}
std::shared_ptr<const TaskSpec> Spec() {
  return std::make_shared<TaskSpec>(TaskSpec{.name = "x", .work = Command{{"x"}}});
}
ToAgent Hello(CoordinatorHello hello) {
  ToAgent message;
  message.hello = std::move(hello);
  return message;
}
void ExpectRefused(const Result<std::vector<QueueEvent>>& result, ErrorCode code, const std::string& why) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code);
  EXPECT_THAT(result.error().message, HasSubstr(why));
}

// What makes no session takes no place, and what has something here keeps its own.
TEST(AgentSession, AMeshThatIsSilentAndHasNothingHereIsForgottenForAnother) {
  AgentQueue queue({.slots = 2, .meshes = 2}, "boot", JournalId("journal"));
  queue.Restore({}, At(seconds(0)));
  queue.Apply(queue_event::LauncherUp{"launcher", {}}, At(seconds(0)));
  auto greet = [&](const std::string& mesh, Duration at, bool inspect = false) {
    AgentSession session({.agent = AgentId("a")}, At(at));
    auto events = session.Receive(Hello({.mesh = MeshId(mesh), .epoch = 3, .inspect = inspect}), queue, At(at));
    if (events)
      for (const QueueEvent& event : *events) queue.Apply(event, At(at));
    return std::pair(std::move(session), std::move(events));
  };
  queue.Apply(queue_event::JobSubmitted{RunId("job"), RequestId("q"), Spec()}, At(seconds(0)));
  queue.Apply(queue_event::LogsStored{MeshId("logs"), 5}, At(seconds(0)));
  EXPECT_TRUE(greet("asks", seconds(0), true).second);
  EXPECT_TRUE(greet("m1", seconds(0)).second);
  auto [old, met] = greet("m2", seconds(1));
  ASSERT_TRUE(met);
  const JournalId told = queue.JournalOf(MeshId("m2"));
  queue.Apply(queue_event::LeaseOffered{MeshId("m1"), {{RunId("r"), 0, 1}, Spec(), "host"}}, At(seconds(1)));
  ExpectRefused(greet("m3", seconds(20)).second, ErrorCode::kExhausted,
                "the agent serves 2 meshes that have attempts or were heard just now, which is its limit");
  EXPECT_TRUE(greet("m3", seconds(21)).second);
  EXPECT_FALSE(queue.Knows(MeshId("m2")));
  EXPECT_TRUE(queue.Knows(MeshId("m1")));
  ExpectRefused(old.Receive({}, queue, At(seconds(21))), ErrorCode::kConflict, "forgotten for another");
  EXPECT_TRUE(greet("m2", seconds(41)).second);
  EXPECT_NE(queue.JournalOf(MeshId("m2")), told) << "its reports are numbered from 1 again";

  // Who is forgotten is not written down: a journal that says more than there may be is cut back when it is read.
  std::vector<JournalRecord> records = queue.Snapshot();
  records.push_back(journal::MeshSeen{MeshId("m9"), 1, 1, 0, 1, 0, 7});
  AgentQueue restarted({.slots = 2, .meshes = 2}, "boot", JournalId("journal"));
  restarted.Restore(records, At(seconds(60)));
  EXPECT_TRUE(restarted.Knows(MeshId("m1")));
  EXPECT_NE(restarted.Knows(MeshId("m2")), restarted.Knows(MeshId("m9")));
  EXPECT_EQ(restarted.JournalOf(MeshId("m1")), queue.JournalOf(MeshId("m1")));
}

// What the journal of an agent that was installed anew does not know, its launcher may: until that has ended, nobody is
// to believe that it is gone.
TEST(AgentSession, AMeshThatIsNewIsMetOnceNothingOfAnEarlierInstallationRuns) {
  AgentQueue queue({.slots = 2}, "boot", JournalId("journal"), 1000);
  queue.Restore({}, At(seconds(0)));
  auto greet = [&](bool inspect = false) {
    AgentSession session({.agent = AgentId("a")}, At(seconds(1)));
    return session.Receive(Hello({.mesh = MeshId("m"), .epoch = 3, .inspect = inspect}), queue, At(seconds(1)));
  };
  ExpectRefused(greet(), ErrorCode::kExhausted, "its launcher does not answer yet");
  queue.Apply(queue_event::LauncherUp{"launcher", {{7, true}, {8, false}, {9, true}}}, At(seconds(1)));
  queue.Apply(queue_event::JobSubmitted{RunId("job"), RequestId("q"), Spec()}, At(seconds(1)));
  for (bool inspect : {false, true})
    ExpectRefused(greet(inspect), ErrorCode::kExhausted,
                  "its launcher still runs 2 jobs of an earlier installation, which are being stopped");
  queue.Apply(queue_event::LauncherEnded{7, {.kind = AttemptResult::Kind::kStopped}}, At(seconds(2)));
  ExpectRefused(greet(), ErrorCode::kExhausted, "its launcher still runs 1 jobs of an earlier installation");
  EXPECT_EQ(queue.Find(1000)->phase, QueuedAttempt::Phase::kQueued) << "its slot may be in use";
  queue.Apply(queue_event::LauncherEnded{9, {.kind = AttemptResult::Kind::kStopped}}, At(seconds(2)));
  EXPECT_TRUE(greet());
  EXPECT_EQ(queue.Find(1000)->phase, QueuedAttempt::Phase::kLaunching);
}

}  // namespace
}  // namespace cromt
