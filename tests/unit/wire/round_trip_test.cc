// What is written is read again as it was, and no field of the messages is forgotten.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/wire/journal.h"
#include "io/wire/plan.h"
#include "io/wire/session.h"
#include "io/wire/task.h"
#include "tests/unit/wire/coverage.h"
#include "tests/unit/wire/populated.h"

namespace cromt::wire {
namespace {

using testing::IsEmpty;

// As the other side gets it: by way of bytes, which fail to parse where a string is not UTF-8.
template <class Proto>
Proto OverTheWire(const Proto& proto) {
  Proto received;
  EXPECT_TRUE(received.ParseFromString(proto.SerializeAsString()));
  return received;
}

template <class Proto, class Core>
Proto Encoded(const Core& value) {
  Proto proto;
  ToProto(value, proto);
  return proto;
}

template <class Proto, class Core>
void ExpectSame(const Core& value) {
  auto read = FromProto(OverTheWire(Encoded<Proto>(value)));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, value);
}

// For messages that share tasks by pointer: what is read is written as the same message again.
template <class Proto, class Core>
void ExpectSameMessage(const Core& value) {
  Proto proto = Encoded<Proto>(value);
  auto read = FromProto(OverTheWire(proto));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(Encoded<Proto>(*read).DebugString(), proto.DebugString());
}

template <class Proto>
std::vector<std::string> Missing(const std::vector<Proto>& examples) {
  Coverage coverage;
  for (const Proto& example : examples) coverage.Add(example);
  return coverage.Missing(*Proto::descriptor());
}

TEST(WireRoundTrip, ATaskOfEveryKind) {
  for (const Work& work : EveryWork()) ExpectSame<v1::TaskSpec>(FullSpec(work));
  TaskSpec plain{.name = "n", .project = "p", .work = Script{""}};
  ExpectSame<v1::TaskSpec>(plain);
  plain.exit_policy = {.success = {}, .stop = {}};
  plain.grace = Duration(0);
  plain.log_limit_bytes = 0;
  ExpectSame<v1::TaskSpec>(plain);
}

TEST(WireRoundTrip, AResultOfEveryKind) {
  for (const AttemptResult& result : EveryResult()) ExpectSame<v1::AttemptResult>(result);
}

TEST(WireRoundTrip, APlan) {
  ExpectSame<v1::Plan>(FullPlan());
  EXPECT_TRUE(Check(FullPlan()));
  EXPECT_THAT(Missing<v1::Plan>({Encoded<v1::Plan>(FullPlan())}), IsEmpty());
}

TEST(WireRoundTrip, WhatACoordinatorSays) {
  ExpectSameMessage<v1::ToAgent>(FullToAgent());
  // A grant is for the coordinator alone. What is revoked is the edges' business (coordinator/service/session_call.h,
  // agent/service/agent_gate.h).
  EXPECT_THAT(Missing<v1::ToAgent>({Encoded<v1::ToAgent>(FullToAgent())}),
              testing::ElementsAre("cromt.v1.PublishedArtifact.grant", "cromt.v1.ToAgent.revoked",
                                   "cromt.v1.ToAgent.authorities"));
}

TEST(WireRoundTrip, WhatAnAgentSays) {
  ExpectSameMessage<v1::FromAgent>(FullFromAgent());
  EXPECT_THAT(Missing<v1::FromAgent>({Encoded<v1::FromAgent>(FullFromAgent())}), IsEmpty());
  FromAgent read = FromProto(Encoded<v1::FromAgent>(FullFromAgent())).value();
  EXPECT_EQ(read.hello, FullFromAgent().hello);
  EXPECT_EQ(read.inventory, FullFromAgent().inventory);
  EXPECT_EQ(read.reports, FullFromAgent().reports);
  EXPECT_EQ(read.wanted_blobs, FullFromAgent().wanted_blobs);
  EXPECT_EQ(read.refuses, FullFromAgent().refuses);
  EXPECT_EQ(read.warns, FullFromAgent().warns);
}

TEST(WireRoundTrip, EveryRecordOfAJournal) {
  std::vector<v1::JournalRecord> protos;
  for (const JournalRecord& record : EveryRecord()) {
    ExpectSameMessage<v1::JournalRecord>(record);
    protos.push_back(Encoded<v1::JournalRecord>(record));
  }
  EXPECT_THAT(Missing(protos), IsEmpty());
}

TEST(WireRoundTrip, AFieldThatIsNeverSetIsNamed) {
  v1::AttemptId id;
  id.set_run("r");
  id.set_attempt(1);
  EXPECT_THAT(Missing<v1::AttemptId>({id}), testing::ElementsAre("cromt.v1.AttemptId.task"));
}

TEST(WireRoundTrip, ATaskThatSaysLittleGetsTheDefaults) {
  v1::TaskSpec proto;
  proto.set_name("n");
  proto.set_project("p");
  proto.mutable_command()->add_argv("true");
  TaskSpec spec = FromProto(proto).value();
  EXPECT_EQ(spec, (TaskSpec{.name = "n", .project = "p", .work = Command{{"true"}}}));
  EXPECT_EQ(spec.exit_policy.success, std::vector<int>{0});
}

TEST(WireRoundTrip, DurationsAreRoundedUpToMilliseconds) {
  TaskSpec spec{.name = "n", .project = "p", .work = Script{"x"}, .timeout = Duration(1), .grace = Duration(1001)};
  TaskSpec read = FromProto(Encoded<v1::TaskSpec>(spec)).value();
  EXPECT_EQ(read.timeout, milliseconds(1));
  EXPECT_EQ(read.grace, milliseconds(2));
}

}  // namespace
}  // namespace cromt::wire
