// What a task, an attempt or a result from outside may not hold, and the words with which it is refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "io/wire/check.h"
#include "io/wire/plan.h"
#include "io/wire/task.h"
#include "tests/unit/wire/hostile.h"
#include "tests/unit/wire/populated.h"

namespace cromt::wire {
namespace {

using namespace std::string_literals;

// ---- Tasks ------------------------------------------------------------------------------------

using Spec = v1::TaskSpec;

class HostileTask : public testing::TestWithParam<Hostile<Spec>> {};

TEST_P(HostileTask, IsRefused) {
  ExpectRefused(GetParam(), FullSpec());
}

INSTANTIATE_TEST_SUITE_P(
    Who, HostileTask,
    testing::Values(
        Hostile<Spec>{"NoName", [](Spec& s) { s.clear_name(); },
                      "name: '' is no title: 1 to 1024 bytes of UTF-8 without control characters"},
        Hostile<Spec>{"NameWithEscape", [](Spec& s) { s.set_name("a\x1b[2J"); },
                      "name: 'a\\x1b[2J' is no title: 1 to 1024 bytes of UTF-8 without control characters"},
        Hostile<Spec>{"ProjectIsAPath", [](Spec& s) { s.set_project("../etc"); }, "project '../etc': " + kNameRules},
        Hostile<Spec>{"ProjectWithNewline", [](Spec& s) { s.set_project("a\n"); }, "project 'a\\x0a': " + kNameRules}),
    kCaseName);

INSTANTIATE_TEST_SUITE_P(
    What, HostileTask,
    testing::Values(
        Hostile<Spec>{"NoWork", [](Spec& s) { s.clear_work(); }, "work: neither command nor script nor actions"},
        Hostile<Spec>{"NoArguments", [](Spec& s) { s.mutable_command()->clear_argv(); },
                      "command.argv: names no program"},
        Hostile<Spec>{"NamelessProgram", [](Spec& s) { s.mutable_command()->set_argv(0, ""); },
                      "command.argv: names no program"},
        Hostile<Spec>{"NulInArgument", [](Spec& s) { s.mutable_command()->set_argv(1, "a\0b"s); },
                      "command.argv: argument 1 contains a NUL"},
        Hostile<Spec>{"TooManyArguments",
                      [](Spec& s) {
                        for (int i = 0; i < 10'000; ++i) s.mutable_command()->add_argv("x");
                      },
                      "command.argv: 10003 arguments; at most 10000 are allowed"},
        Hostile<Spec>{"TooLongArguments",
                      [](Spec& s) {
                        s.mutable_command()->set_argv(0, std::string(1 << 20, 'x'));
                        s.mutable_command()->set_argv(1, std::string((1 << 20) + 1, 'x'));
                      },
                      "command.argv: 2097153 bytes; at most 2097152 are allowed"},
        Hostile<Spec>{"NulInScript", [](Spec& s) { s.mutable_script()->set_text("a\0b"s); },
                      "script.text: contains a NUL"},
        Hostile<Spec>{"TooLongScript", [](Spec& s) { s.mutable_script()->set_text(std::string((1 << 20) + 1, 'x')); },
                      "script.text: 1048577 bytes; at most 1048576 are allowed"},
        Hostile<Spec>{"NoActions", [](Spec& s) { s.mutable_actions(); }, "actions.names: is empty"},
        Hostile<Spec>{"TooManyActions",
                      [](Spec& s) {
                        for (int i = 0; i < 101; ++i) s.mutable_actions()->add_names("a");
                      },
                      "actions.names: 101 actions; at most 100 are allowed"},
        Hostile<Spec>{
            "ActionLeadsOut", [](Spec& s) { s.mutable_actions()->add_names("a/../../b"); },
            "actions.names: bad action name 'a/../../b': it names a file below .tom or tasks, not an option or "
            "another path"},
        Hostile<Spec>{"ActionIsTwo", [](Spec& s) { s.mutable_actions()->add_names("a b"); },
                      "actions.names: 'a b' is not one name"},
        Hostile<Spec>{"ActionIsNone", [](Spec& s) { s.mutable_actions()->add_names(""); },
                      "actions.names: '' is not one name"}),
    kCaseName);

void SetVariable(Spec& spec, const std::string& name, const std::string& value) {
  spec.mutable_variables(0)->set_name(name);
  spec.mutable_variables(0)->set_value(value);
}

INSTANTIATE_TEST_SUITE_P(
    Variables, HostileTask,
    testing::Values(
        Hostile<Spec>{"BadName", [](Spec& s) { SetVariable(s, "A=B", ""); },
                      "variables: bad variable name 'A=B': use letters, digits and '_', not beginning with a digit"},
        Hostile<Spec>{"OurName", [](Spec& s) { SetVariable(s, "CROMT_HOST", ""); },
                      "variables: variable 'CROMT_HOST': names beginning with CROMT_ are set by cromt"},
        Hostile<Spec>{"NulInValue", [](Spec& s) { SetVariable(s, "A", "x\0"s); },
                      "variables: variable 'A' contains a NUL"},
        Hostile<Spec>{"TooLongValue", [](Spec& s) { SetVariable(s, "A", std::string(102'401, 'x')); },
                      "variables: variable 'A' has 102401 bytes; at most 102400 are allowed"},
        Hostile<Spec>{"SameNameTwice", [](Spec& s) { SetVariable(s, "BYTES", ""); },
                      "variables: 'BYTES' is there twice"},
        Hostile<Spec>{"TooLongTogether",
                      [](Spec& s) {
                        s.clear_variables();
                        for (int i = 10; i < 21; ++i) {
                          v1::Variable& variable = *s.add_variables();
                          variable.set_name(fmt::format("A{}", i));
                          variable.set_value(std::string(100'000, 'x'));
                        }
                      },
                      "variables: 1100033 bytes; at most 1048576 are allowed"}),
    kCaseName);

INSTANTIATE_TEST_SUITE_P(
    Sources, HostileTask,
    testing::Values(
        Hostile<Spec>{"DirectoryAndRepository", [](Spec& s) { s.mutable_source()->set_directory("/a"); },
                      "source: has both a directory and a repository"},
        Hostile<Spec>{"NulInDirectory",
                      [](Spec& s) {
                        s.clear_source();
                        s.mutable_source()->set_directory("/a\0b"s);
                      },
                      "source.directory: contains a NUL"},
        Hostile<Spec>{"TooLongDirectory",
                      [](Spec& s) {
                        s.clear_source();
                        s.mutable_source()->set_directory(std::string(4097, 'x'));
                      },
                      "source.directory: 4097 bytes; at most 4096 are allowed"},
        Hostile<Spec>{"RepositoryIsAnOption",
                      [](Spec& s) { s.mutable_source()->set_repository("--upload-pack=touch /x"); },
                      "source.repository: path '--upload-pack=touch /x' begins with '-'"},
        Hostile<Spec>{"RepositoryRunsAProgram", [](Spec& s) { s.mutable_source()->set_repository("ext::sh"); },
                      "source.repository: path 'ext::sh' names a transport helper, which is not allowed"},
        Hostile<Spec>{"RefIsAnOption", [](Spec& s) { s.mutable_source()->set_ref("-x"); },
                      "source.ref: '-x' is no name of a branch, tag or commit"},
        Hostile<Spec>{"BranchWithNul", [](Spec& s) { s.mutable_source()->set_branch("a\0"s); },
                      "source.branch: 'a\\x00' is no name of a branch, tag or commit"},
        Hostile<Spec>{"ShortCommit", [](Spec& s) { s.mutable_source()->set_commit("abc123"); },
                      "source.commit: 'abc123' is not 40 lower-case hex digits"},
        Hostile<Spec>{"UpperCaseDigest",
                      [](Spec& s) { s.mutable_source()->mutable_tree()->set_sha256(std::string(64, 'A')); },
                      "source.tree.sha256: '" + std::string(64, 'A') + "' is not 64 lower-case hex digits"},
        Hostile<Spec>{"DigestIsAPath", [](Spec& s) { s.mutable_source()->mutable_tree()->set_sha256("../../x"); },
                      "source.tree.sha256: '../../x' is not 64 lower-case hex digits"},
        Hostile<Spec>{"DigestOfNothing", [](Spec& s) { s.mutable_source()->mutable_tree()->clear_sha256(); },
                      "source.tree.sha256: '' is not 64 lower-case hex digits"},
        Hostile<Spec>{"NegativeSize", [](Spec& s) { s.mutable_source()->mutable_tree()->set_size_bytes(-1); },
                      "source.tree.size_bytes: -1 is not within 0 and 9223372036854775807"}),
    kCaseName);

INSTANTIATE_TEST_SUITE_P(
    Limits, HostileTask,
    testing::Values(Hostile<Spec>{"NegativeTimeout", [](Spec& s) { s.set_timeout_ms(-1); },
                                  "timeout_ms: -1 is not within 0 and 315360000000"},
                    Hostile<Spec>{"TimeoutThatOverflows", [](Spec& s) { s.set_timeout_ms(INT64_MAX); },
                                  "timeout_ms: 9223372036854775807 is not within 0 and 315360000000"},
                    Hostile<Spec>{"NegativeGrace", [](Spec& s) { s.set_grace_ms(INT64_MIN); },
                                  "grace_ms: -9223372036854775808 is not within 0 and 315360000000"},
                    Hostile<Spec>{"NegativeLogLimit", [](Spec& s) { s.set_log_limit_bytes(-5); },
                                  "log_limit_bytes: -5 is not within 0 and 1099511627776"},
                    Hostile<Spec>{"HugeLogLimit", [](Spec& s) { s.set_log_limit_bytes((int64_t{1} << 40) + 1); },
                                  "log_limit_bytes: 1099511627777 is not within 0 and 1099511627776"},
                    Hostile<Spec>{"ExitCodeTooHigh", [](Spec& s) { s.mutable_exit_policy()->add_success(256); },
                                  "exit_policy.success: 256 is not within 0 and 255"},
                    Hostile<Spec>{"ExitCodeTooLow", [](Spec& s) { s.mutable_exit_policy()->add_stop(-1); },
                                  "exit_policy.stop: -1 is not within 0 and 255"},
                    Hostile<Spec>{"TooManyExitCodes",
                                  [](Spec& s) {
                                    for (int i = 0; i < 256; ++i) s.mutable_exit_policy()->add_stop(1);
                                  },
                                  "exit_policy.stop: 258 exit codes; at most 256 are allowed"},
                    Hostile<Spec>{"TooLargeAsAWhole",
                                  [](Spec& s) {
                                    s.clear_variables();
                                    s.mutable_command()->set_argv(0, std::string((1 << 20) + (3 << 18), 'x'));
                                    for (int i = 0; i < 100'000; ++i)
                                      s.add_variables()->set_name(fmt::format("A{}", i));
                                  },
                                  "spec: 4224269 bytes as a message; at most 3670016 are allowed"}),
    kCaseName);

// ---- Attempts and results ---------------------------------------------------------------------

using Id = v1::AttemptId;
class HostileId : public testing::TestWithParam<Hostile<Id>> {};
TEST_P(HostileId, IsRefused) {
  ExpectRefused(GetParam(), FullId());
}

INSTANTIATE_TEST_SUITE_P(Ids, HostileId,
                         testing::Values(Hostile<Id>{"RunIsAPath", [](Id& id) { id.set_run("a/b"); },
                                                     "run 'a/b': " + kNameRules},
                                         Hostile<Id>{"NoRun", [](Id& id) { id.clear_run(); }, "run '': " + kNameRules},
                                         Hostile<Id>{"TaskBeyondAnyPlan", [](Id& id) { id.set_task(UINT32_MAX); },
                                                     "task: 4294967295 is not within 0 and 999999"},
                                         Hostile<Id>{"AttemptZero", [](Id& id) { id.set_attempt(0); },
                                                     "attempt: 0; attempts are numbered from 1"}),
                         kCaseName);

using Ended = v1::AttemptResult;
class HostileResult : public testing::TestWithParam<Hostile<Ended>> {};
TEST_P(HostileResult, IsRefused) {
  ExpectRefused(GetParam(), EveryResult()[0]);
}

INSTANTIATE_TEST_SUITE_P(
    Results, HostileResult,
    testing::Values(
        Hostile<Ended>{"NoKind", [](Ended& e) { e.clear_kind(); }, "kind: 0 is unknown"},
        Hostile<Ended>{"UnknownKind", [](Ended& e) { e.set_kind(static_cast<Ended::Kind>(77)); },
                       "kind: 77 is unknown"},
        Hostile<Ended>{"ExitedWithoutStatus", [](Ended& e) { e.clear_status(); },
                       "status: is missing, though the process exited"},
        Hostile<Ended>{"EmptyStatus", [](Ended& e) { e.mutable_status()->Clear(); },
                       "status.kind: neither code nor signal"},
        Hostile<Ended>{"ExitCodeTooHigh", [](Ended& e) { e.mutable_status()->set_code(256); },
                       "status.code: 256 is not within 0 and 255"},
        Hostile<Ended>{"NoSuchSignal", [](Ended& e) { e.mutable_status()->set_signal(0); },
                       "status.signal: 0 is not within 1 and 64"},
        Hostile<Ended>{"StartedAndReturned", [](Ended& e) { e.set_returned(true); },
                       "returned: an attempt that may have started can't be returned"},
        Hostile<Ended>{"ReasonIsABook", [](Ended& e) { e.set_reason(std::string(513, 'x')); },
                       "reason: 513 bytes; at most 512 are allowed"},
        Hostile<Ended>{"ReasonIsNoText", [](Ended& e) { e.set_reason("\xFF"); }, "reason: is not UTF-8 without NUL"},
        Hostile<Ended>{"ReasonWithNul", [](Ended& e) { e.set_reason("a\0"s); }, "reason: is not UTF-8 without NUL"},
        Hostile<Ended>{"BeforeAnyClock", [](Ended& e) { e.set_started_at_us(-1); },
                       "started_at_us: -1 is not within 0 and 253402300799999999"},
        Hostile<Ended>{"AfterAnyClock", [](Ended& e) { e.set_ended_at_us(INT64_MAX); },
                       "ended_at_us: 9223372036854775807 is not within 0 and 253402300799999999"},
        Hostile<Ended>{"NegativeLog", [](Ended& e) { e.set_log_bytes(-1); },
                       "log_bytes: -1 is not within 0 and 2199023255552"},
        Hostile<Ended>{"EndlessLog", [](Ended& e) { e.set_log_bytes(INT64_MAX); },
                       "log_bytes: 9223372036854775807 is not within 0 and 2199023255552"}),
    kCaseName);

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

// ---- The largest ------------------------------------------------------------------------------

TEST(LargestTask, IsNeverLargerThanItsBound) {
  for (const Work& work : EveryWork()) {
    v1::TaskSpec proto;
    ToProto(FullSpec(work), proto);
    EXPECT_LE(proto.ByteSizeLong(), EncodedBound(FullSpec(work)));
  }
  TaskSpec spec{.name = "n", .project = "p"};
  spec.source = {.repository = "r.git", .commit = std::string(40, 'c'), .tree = {std::string(64, 'a'), INT64_MAX}};
  spec.timeout = kMaxDuration;
  spec.grace = kMaxDuration;
  spec.log_limit_bytes = kMaxLogLimitBytes;
  spec.exit_policy = {.success = std::vector<int>(kMaxExitCodes, 255), .stop = std::vector<int>(kMaxExitCodes, 255)};
  spec.work = Command{std::vector<std::string>(kMaxArguments, std::string(200, 'x'))};
  for (int i = 0; i < 10'000; ++i) spec.variables.emplace_back(fmt::format("A{}", i), std::string(90, 'x'));
  ASSERT_TRUE(Check(spec)) << Check(spec).error().message;
  v1::TaskSpec proto;
  ToProto(spec, proto);
  EXPECT_LE(proto.ByteSizeLong(), EncodedBound(spec));
}

}  // namespace
}  // namespace cromt::wire
