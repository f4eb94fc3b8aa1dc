// What an attempt, its result or a plan may not hold, and the words with which it is refused.
#include <gtest/gtest.h>

#include "io/wire/plan.h"
#include "io/wire/task.h"
#include "tests/unit/wire/hostile.h"
#include "tests/unit/wire/populated.h"

namespace cromt::wire {
namespace {

using namespace std::string_literals;

// ---- Attempts and results ---------------------------------------------------------------------

using Id = v1::AttemptId;
class HostileId : public testing::TestWithParam<Hostile<Id>> {};
TEST_P(HostileId, IsRefused) {
  ExpectRefused(GetParam(), FullId());
}

const std::vector<Hostile<Id>> kIds = {
    {"RunIsAPath", [](Id& id) { id.set_run("a/b"); }, "run 'a/b': " + kNameRules},
    {"NoRun", [](Id& id) { id.clear_run(); }, "run '': " + kNameRules},
    {"TaskBeyondAnyPlan", [](Id& id) { id.set_task(UINT32_MAX); }, "task: 4294967295 is not within 0 and 999999"},
    {"AttemptZero", [](Id& id) { id.set_attempt(0); }, "attempt: 0; attempts are numbered from 1"},
};
INSTANTIATE_TEST_SUITE_P(Ids, HostileId, testing::ValuesIn(kIds), kCaseName);

using Ended = v1::AttemptResult;
class HostileResult : public testing::TestWithParam<Hostile<Ended>> {};
TEST_P(HostileResult, IsRefused) {
  ExpectRefused(GetParam(), EveryResult()[0]);
}

const std::vector<Hostile<Ended>> kResults = {
    {"NoKind", [](Ended& e) { e.clear_kind(); }, "kind: 0 is unknown"},
    {"UnknownKind", [](Ended& e) { e.set_kind(static_cast<Ended::Kind>(77)); }, "kind: 77 is unknown"},
    {"ExitedWithoutStatus", [](Ended& e) { e.clear_status(); }, "status: is missing, though the process exited"},
    {"EmptyStatus", [](Ended& e) { e.mutable_status()->Clear(); }, "status.kind: neither code nor signal"},
    {"ExitCodeTooHigh", [](Ended& e) { e.mutable_status()->set_code(256); },
     "status.code: 256 is not within 0 and 255"},
    {"NoSuchSignal", [](Ended& e) { e.mutable_status()->set_signal(0); }, "status.signal: 0 is not within 1 and 64"},
    {"StartedAndReturned", [](Ended& e) { e.set_returned(true); },
     "returned: an attempt that may have started can't be returned"},
    {"ReasonIsABook", [](Ended& e) { e.set_reason(std::string(513, 'x')); },
     "reason: 513 bytes; at most 512 are allowed"},
    {"ReasonIsNoText", [](Ended& e) { e.set_reason("\xFF"); }, "reason: is not UTF-8 without NUL"},
    {"ReasonWithNul", [](Ended& e) { e.set_reason("a\0"s); }, "reason: is not UTF-8 without NUL"},
    {"BeforeAnyClock", [](Ended& e) { e.set_started_at_us(-1); },
     "started_at_us: -1 is not within 0 and 253402300799999999"},
    {"AfterAnyClock", [](Ended& e) { e.set_ended_at_us(INT64_MAX); },
     "ended_at_us: 9223372036854775807 is not within 0 and 253402300799999999"},
    {"ImageIsNoDigest", [](Ended& e) { e.set_image_digest("debian:12"); },
     "image_digest: 'debian:12' is no image's digest; one looks like NAME@sha256:DIGEST or sha256:DIGEST"},
    {"NegativeLog", [](Ended& e) { e.set_log_bytes(-1); }, "log_bytes: -1 is not within 0 and 2199023255552"},
    {"EndlessLog", [](Ended& e) { e.set_log_bytes(INT64_MAX); },
     "log_bytes: 9223372036854775807 is not within 0 and 2199023255552"},
};
INSTANTIATE_TEST_SUITE_P(Results, HostileResult, testing::ValuesIn(kResults), kCaseName);

// ---- Plans ------------------------------------------------------------------------------------

TEST(HostilePlan, BreaksARuleOfPlans) {
  v1::Plan proto;
  ToProto(FullPlan(), proto);
  proto.mutable_tasks(0)->set_spec(9);
  EXPECT_EQ(FromProto(proto).error(), (Error{ErrorCode::kInvalid, "task 1 names a spec that does not exist"}));
}

TEST(HostilePlan, HasATaskThatNoAgentWouldTake) {
  Plan plan = FullPlan();
  plan.specs[1].variables.emplace_back("A B", "");
  EXPECT_EQ(Check(plan).error().message,
            "spec 2: variables: bad variable name 'A B': use letters, digits and '_', not beginning with a digit");
  plan = FullPlan();
  plan.hosts[1].id = "a/b";
  EXPECT_EQ(Check(plan).error().message, "host 2: id 'a/b': " + kNameRules);
}

TEST(HostilePlan, IsStillReadableAfterARuleWasTightened) {
  Plan plan = FullPlan();
  plan.specs[0].variables.emplace_back("once allowed", "");
  v1::Plan proto;
  ToProto(plan, proto);
  EXPECT_EQ(FromProto(proto).value(), plan);
}

}  // namespace
}  // namespace cromt::wire
