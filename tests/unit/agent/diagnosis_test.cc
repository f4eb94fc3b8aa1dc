// What an agent says of itself in a debug bundle.
#include "agent/diagnosis.h"

#include <gtest/gtest.h>

#include "agent/engine_trace.h"

namespace cromt {
namespace {

const Now kNow{MonoFromMicros(1), WallFromMicros(1)};

// One attempt in line, whose job is given a secret and prints what is nobody's business.
class DiagnosisTest : public ::testing::Test {
 protected:
  DiagnosisTest() {
    queue_.Restore({}, kNow);
    auto spec = std::make_shared<TaskSpec>();
    spec->project = "p";
    spec->work = Script{"private words"};
    spec->secrets = {{.name = "db", .env = "DB"}};
    ToAgent message;
    Lease lease{.id = {RunId("run1"), 0, 1}, .spec = spec, .host = "h", .inputs = {}};
    lease.secrets =
        std::make_shared<const std::vector<std::pair<std::string, std::string>>>(1, std::pair("db", kSecret));
    message.leases.push_back(lease);
    std::vector<AgentInput> inputs;
    inputs.emplace_back(agent_input::StreamMessage{1, message});
    inputs.emplace_back(agent_input::OutputBlocked{"can't write " + kSecret});
    trace_.TookIn(inputs, kNow.wall);
    queue_.Apply(queue_event::SessionBegan{MeshId("m"), 1, 1}, kNow);
    queue_.Apply(queue_event::LeasesExtended{MeshId("m"), MonoFromMicros(100'000'000)}, kNow);
    trace_.Journaled(queue_.Apply(queue_event::LeaseOffered{MeshId("m"), lease}, kNow).records, kNow.wall);
  }

  const std::string kSecret = "hunter22 with \"quotes\"";
  AgentQueue queue_{{.slots = 2}, "boot", JournalId("j")};
  AgentTrace trace_;
};

TEST_F(DiagnosisTest, TellsWhereAttemptsStandAndWhatCame) {
  const AgentIdentity identity{.agent = AgentId("hostA"), .boot = "boot", .slots = 2, .labels = {}, .version = "1"};
  const auto told = nlohmann::json::parse(Diagnosis(identity, queue_, trace_, 77).Text());
  EXPECT_EQ(told["agent"], "hostA");
  EXPECT_EQ(told["journal"]["size_bytes"], 77);
  ASSERT_EQ(told["attempts"].size(), 1u);
  EXPECT_EQ(told["attempts"][0]["attempt"], "run1/1/1");
  EXPECT_EQ(told["attempts"][0]["phase"], "queued");
  ASSERT_EQ(told["events"].size(), 3u);
  EXPECT_EQ(told["events"][0]["kind"], "lease.offered");
  EXPECT_EQ(told["events"][1]["reason"], "can't write ***");
  EXPECT_EQ(told["events"][2]["kind"], "attempt.accepted");
}

TEST_F(DiagnosisTest, TellsNothingOfWhatJobsDo) {
  const std::string text = Diagnosis({}, queue_, trace_, 0).Text();
  EXPECT_EQ(text.find("private"), std::string::npos);
  EXPECT_EQ(text.find("hunter22"), std::string::npos);
}

}  // namespace
}  // namespace cromt
