// Text that is no UTF-8 never makes a message that the other side can't read.
#include <gtest/gtest.h>

#include "io/wire/field.h"
#include "io/wire/session.h"
#include "io/wire/task.h"
#include "tests/unit/wire/populated.h"

namespace cromt::wire {
namespace {

using namespace std::string_literals;

TEST(WireText, GoodTextStaysAsItIs) {
  EXPECT_EQ(ToText(""), "");
  EXPECT_EQ(ToText("größer\n"), "größer\n");
  EXPECT_EQ(ToText("abc", 3), "abc");
}

TEST(WireText, BrokenBytesAndNulAreReplaced) {
  EXPECT_EQ(ToText("a\xFF\xC3"
                   "b"),
            "a\uFFFD\uFFFDb");
  EXPECT_EQ(ToText("a\0b"s), "a\uFFFDb");
}

TEST(WireText, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(ToText("abcdef", 5), "ab…");
  EXPECT_EQ(ToText("ääää", 7), "ää…");
  EXPECT_EQ(ToText("ääää", 8), "ääää");
  EXPECT_EQ(ToText("\xFF\xFF", 5), "…");
}

TEST(WireText, AReasonOfAnyKindCanBeSent) {
  for (const std::string& reason : {"\xFF"s, "a\0b"s, std::string(100'000, 'x'), std::string(1000, '\xFF')}) {
    AttemptResult result{.kind = AttemptResult::Kind::kLost, .reason = reason};
    v1::AttemptResult proto, received;
    ToProto(result, proto);
    ASSERT_TRUE(received.ParseFromString(proto.SerializeAsString()));
    EXPECT_TRUE(FromProto(received)) << FromProto(received).error().message;
  }
}

TEST(WireText, WhatAnEngineSaysOfAnImageIsNoReasonToRefuseAnEnd) {
  for (const std::string& digest :
       {"\xFF"s, "tool:1"s, "sha256:12"s, std::string(600, 'x') + "@sha256:" + std::string(64, 'a')}) {
    AttemptResult result{.kind = AttemptResult::Kind::kStopped, .image_digest = digest};
    v1::AttemptResult proto;
    ToProto(result, proto);
    EXPECT_EQ(FromProto(proto).value().image_digest, "");
  }
}

TEST(WireText, AHostWithAMadClockCanStillReport) {
  for (Wall at : {WallFromMicros(INT64_MIN), WallFromMicros(-1), WallFromMicros(INT64_MAX)}) {
    AttemptResult result{.kind = AttemptResult::Kind::kExited, .status = Exited{0}, .started_at = at, .ended_at = at};
    result.log_bytes = INT64_MAX;
    FromAgent message;
    message.reports = {{1, FullId(), Report::Started{at}}, {2, FullId(), result}};
    v1::FromAgent proto;
    ToProto(message, proto);
    EXPECT_TRUE(FromProto(proto)) << FromProto(proto).error().message;
  }
}

TEST(WireText, ABranchThatIsNoTextIsMended) {
  TaskSpec spec = FullSpec();
  spec.source.branch = "v\xE4hring";
  v1::TaskSpec proto, received;
  ToProto(spec, proto);
  ASSERT_TRUE(received.ParseFromString(proto.SerializeAsString()));
  EXPECT_EQ(FromProto(received).value().source.branch, "v\uFFFDhring");
}

}  // namespace
}  // namespace cromt::wire
