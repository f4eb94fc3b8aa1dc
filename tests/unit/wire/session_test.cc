// What is particular to messages: tasks shared between leases, and how large a message becomes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/wire/check.h"
#include "io/wire/journal.h"
#include "io/wire/session.h"
#include "io/wire/task.h"
#include "tests/unit/wire/populated.h"

namespace cromt::wire {
namespace {

Lease LeaseOf(TaskIndex task, std::shared_ptr<const TaskSpec> spec) {
  return {{RunId("run-1"), task, 1}, std::move(spec), "host1"};
}

TEST(LeasesOnTheWire, AlikeNeighboursShareOneSpec) {
  auto a = SharedSpec(Script{"a"});
  auto b = SharedSpec(Script{"b"});
  ToAgent message;
  message.leases = {LeaseOf(0, a), LeaseOf(1, a), LeaseOf(2, b), LeaseOf(3, a)};
  v1::ToAgent proto;
  ToProto(message, proto);
  EXPECT_TRUE(proto.leases(0).has_spec());
  EXPECT_FALSE(proto.leases(1).has_spec());
  EXPECT_TRUE(proto.leases(2).has_spec());
  EXPECT_TRUE(proto.leases(3).has_spec());

  ToAgent read = FromProto(proto).value();
  ASSERT_EQ(read.leases.size(), 4u);
  EXPECT_EQ(read.leases[0].spec, read.leases[1].spec);  // the same object
  EXPECT_EQ(*read.leases[1].spec, *a);
  EXPECT_EQ(*read.leases[2].spec, *b);
  EXPECT_EQ(*read.leases[3].spec, *a);
  EXPECT_EQ(read.leases[3].id.task, 3u);
}

TEST(LeasesOnTheWire, WhatSharesABadTaskIsBadWithIt) {
  auto a = SharedSpec(Script{"a"});
  auto b = SharedSpec(Script{"b"});
  ToAgent message;
  message.leases = {LeaseOf(0, a), LeaseOf(1, a), LeaseOf(2, b), LeaseOf(3, b)};
  v1::ToAgent proto;
  ToProto(message, proto);
  proto.mutable_leases(0)->mutable_spec()->clear_project();
  proto.mutable_leases(2)->clear_host();
  ToAgent read = FromProto(proto).value();
  ASSERT_EQ(read.leases.size(), 4u);
  EXPECT_THAT(read.leases[0].wrong, testing::StartsWith("spec.project"));
  EXPECT_EQ(read.leases[1].wrong, read.leases[0].wrong);
  EXPECT_EQ(read.leases[1].id.task, 1u);
  EXPECT_THAT(read.leases[2].wrong, testing::StartsWith("host"));
  EXPECT_EQ(read.leases[3].wrong, "");  // its task is right
  EXPECT_EQ(*read.leases[3].spec, *b);

  proto.mutable_leases(0)->clear_spec();
  read = FromProto(proto).value();
  EXPECT_EQ(read.leases[0].wrong, "spec: is missing, and no lease before it has one");
  EXPECT_EQ(read.leases[1].wrong, read.leases[0].wrong);
}

// Beside the spec: two leases of one task may bring different values, and the spec knows of none.
TEST(LeasesOnTheWire, SecretsGoBesideTheSpec) {
  auto spec = SharedSpec(Script{"a"});
  ToAgent message;
  message.leases = {LeaseOf(0, spec), LeaseOf(1, spec)};
  message.leases[1].secrets = FullSecrets();
  v1::ToAgent proto;
  ToProto(message, proto);
  EXPECT_FALSE(proto.leases(1).has_spec());
  EXPECT_EQ(proto.leases(0).SerializeAsString().find("hunter22"), std::string::npos);
  ToAgent read = FromProto(proto).value();
  EXPECT_EQ(read.leases[0].secrets, nullptr);
  ASSERT_NE(read.leases[1].secrets, nullptr);
  EXPECT_EQ(*read.leases[1].secrets, *FullSecrets());
}

TEST(LeasesOnTheWire, WhatDoesNotFitFollowsWithItsSpec) {
  TaskSpec large = FullSpec(Script{std::string(kMaxScriptBytes, 'x')});
  large.variables.clear();
  large.host_gaps.clear();
  auto a = std::make_shared<const TaskSpec>(large);
  large.project = "other";
  auto b = std::make_shared<const TaskSpec>(large);
  ToAgent message;
  message.hello = CoordinatorHello{MeshId("mesh")};
  message.stops = {FullId()};
  for (TaskIndex task = 0; task < 12; ++task) message.leases.push_back(LeaseOf(task, task / 2 % 2 == 0 ? a : b));

  std::vector<v1::ToAgent> parts = Split(message);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_TRUE(parts[0].has_hello());
  EXPECT_EQ(parts[0].stops_size(), 1);
  EXPECT_FALSE(parts[1].has_hello());
  TaskIndex next = 0;
  for (const v1::ToAgent& part : parts) {
    EXPECT_LE(part.ByteSizeLong(), kMaxMessageBytes);
    ToAgent read = FromProto(part).value();
    for (const Lease& lease : read.leases) {
      EXPECT_EQ(lease.id.task, next);
      EXPECT_EQ(*lease.spec, *message.leases[next].spec);
      ++next;
    }
  }
  EXPECT_EQ(next, 12u);
}

TEST(LeasesOnTheWire, ALeaseCutOffFromItsNeighbourBringsTheSpecAlong) {
  TaskSpec large = FullSpec(Script{std::string(kMaxScriptBytes, 'x')});
  auto spec = std::make_shared<const TaskSpec>(large);
  ToAgent message;
  // One spec and so many leases of it that they need two messages.
  for (TaskIndex task = 0; task < 40'000; ++task) message.leases.push_back(LeaseOf(task, spec));
  for (Lease& lease : message.leases) lease.host = std::string(100, 'h');
  std::vector<v1::ToAgent> parts = Split(message);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_TRUE(parts[1].leases(0).has_spec());
  EXPECT_FALSE(parts[1].leases(1).has_spec());
  EXPECT_LE(parts[0].ByteSizeLong(), kMaxMessageBytes);
}

TEST(LeasesOnTheWire, ASmallMessageIsOne) {
  std::vector<v1::ToAgent> parts = Split(FullToAgent());
  ASSERT_EQ(parts.size(), 1u);
  v1::ToAgent whole;
  ToProto(FullToAgent(), whole);
  EXPECT_EQ(parts[0].SerializeAsString(), whole.SerializeAsString());
  EXPECT_EQ(Split(ToAgent{}).size(), 1u);
}

TEST(Hellos, WithoutAnOldestLevelOneIsAllThatIsSpoken) {
  v1::ToAgent to;
  ToProto(FullToAgent(), to);
  to.mutable_hello()->clear_oldest_protocol();
  EXPECT_EQ(FromProto(to)->hello->levels, (SessionLevels{6, 6}));
  v1::FromAgent from;
  ToProto(FullFromAgent(), from);
  from.mutable_hello()->clear_oldest_protocol();
  EXPECT_EQ(FromProto(from)->hello->levels, (SessionLevels{2, 2}));
}

TEST(MessagesOfAnAgent, TheLargestPassesGrpcAsItIs) {
  AttemptId id{RunId(std::string(128, 'r')), kMaxTasks - 1, UINT32_MAX};
  FromAgent message;
  message.hello =
      AgentHello{AgentId(id.run.text()), JournalId(id.run.text()), id.run.text(), {UINT32_MAX, UINT32_MAX}, UINT32_MAX};
  for (size_t i = 0; i < kMaxLabels; ++i)
    message.hello->labels.emplace(fmt::format("{:x>128}", i), std::string(1024, 'v'));
  message.hello->version = std::string(1024, 'v');
  message.inventory.assign(kMaxBatch, {id, InventoryItem::Phase::kEnded});
  AttemptResult result{.kind = AttemptResult::Kind::kNotStarted,
                       .status = Exited{255},
                       .reason = std::string(kMaxReasonBytes, 'r'),
                       .started_at = WallFromMicros(INT64_MAX),
                       .ended_at = WallFromMicros(INT64_MAX),
                       .log_bytes = kMaxLogBytes,
                       .returned = true};
  message.reports.assign(kMaxBatch, {UINT64_MAX, id, result});
  message.wanted_blobs.assign(kMaxBatch, {std::string(64, 'a'), INT64_MAX});
  v1::FromAgent proto;
  ToProto(message, proto);
  EXPECT_LE(proto.ByteSizeLong(), kMaxMessageBytes);
  EXPECT_TRUE(FromProto(proto)) << FromProto(proto).error().message;
}

// ---- The journal's records share in the same way ----------------------------------------------

TEST(JournalRecords, AnAcceptedLikeTheOneBeforeIsWrittenWithoutItsSpec) {
  auto spec = SharedSpec();
  auto equal = std::make_shared<const TaskSpec>(*spec);
  auto other = SharedSpec(Script{"x"});
  auto proto_of = [&](std::shared_ptr<const TaskSpec> own) {
    v1::JournalRecord proto;
    ToProto(journal::Accepted{.ticket = 1, .mesh = kPlainMesh, .id = FullId(), .spec = std::move(own)}, proto,
            spec.get());
    return proto;
  };
  EXPECT_FALSE(proto_of(spec).accepted().has_spec());
  EXPECT_FALSE(proto_of(equal).accepted().has_spec());
  EXPECT_TRUE(proto_of(other).accepted().has_spec());

  JournalRecord read = FromProto(proto_of(equal), spec).value();
  EXPECT_EQ(std::get<journal::Accepted>(read).spec, spec);
  EXPECT_EQ(FromProto(proto_of(equal)).error().message, "accepted.spec: is missing, and no record before it has one");
}

TEST(JournalRecords, WhatIsNoneIsRefused) {
  v1::JournalRecord proto;
  EXPECT_EQ(FromProto(proto).error(), (Error{ErrorCode::kInvalid, "kind: no record that this version knows"}));
  proto.mutable_accepted()->set_ticket(1);
  EXPECT_EQ(FromProto(proto).error().message, "accepted.id: is missing");
  proto.mutable_ended()->mutable_result()->set_kind(static_cast<v1::AttemptResult::Kind>(99));
  EXPECT_EQ(FromProto(proto).error().message, "ended.result.kind: 99 is unknown");
}

// What is odd but was written by this host must not keep its agent from starting.
TEST(JournalRecords, AnOddResultIsReadAgain) {
  AttemptResult odd{.kind = AttemptResult::Kind::kExited, .log_bytes = 7, .returned = true};
  v1::JournalRecord proto;
  ToProto(journal::Ended{1, 2, odd, 3, 4}, proto);
  EXPECT_EQ(std::get<journal::Ended>(FromProto(proto).value()).result, odd);
}

}  // namespace
}  // namespace cromt::wire
