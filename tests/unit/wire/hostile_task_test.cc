// What a task from outside may not hold, and the words with which it is refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "io/wire/check.h"
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

const std::vector<Hostile<Spec>> kWho = {
    {"NoName", [](Spec& s) { s.clear_name(); },
     "name: '' is no title: 1 to 1024 bytes of UTF-8 without control characters"},
    {"NameWithEscape", [](Spec& s) { s.set_name("a\x1b[2J"); },
     "name: 'a\\x1b[2J' is no title: 1 to 1024 bytes of UTF-8 without control characters"},
    {"ProjectIsAPath", [](Spec& s) { s.set_project("../etc"); }, "project '../etc': " + kNameRules},
    {"ProjectWithNewline", [](Spec& s) { s.set_project("a\n"); }, "project 'a\\x0a': " + kNameRules},
};
INSTANTIATE_TEST_SUITE_P(Who, HostileTask, testing::ValuesIn(kWho), kCaseName);

const std::vector<Hostile<Spec>> kWhat = {
    {"NoWork", [](Spec& s) { s.clear_work(); }, "work: neither command nor script nor actions"},
    {"NoArguments", [](Spec& s) { s.mutable_command()->clear_argv(); }, "command.argv: names no program"},
    {"NamelessProgram", [](Spec& s) { s.mutable_command()->set_argv(0, ""); }, "command.argv: names no program"},
    {"NulInArgument", [](Spec& s) { s.mutable_command()->set_argv(1, "a\0b"s); },
     "command.argv: argument 1 contains a NUL"},
    {"TooManyArguments",
     [](Spec& s) {
       for (int i = 0; i < 10'000; ++i) s.mutable_command()->add_argv("x");
     },
     "command.argv: 10003 arguments; at most 10000 are allowed"},
    {"TooLongArguments",
     [](Spec& s) {
       s.mutable_command()->set_argv(0, std::string(1 << 20, 'x'));
       s.mutable_command()->set_argv(1, std::string((1 << 20) + 1, 'x'));
     },
     "command.argv: 2097153 bytes; at most 2097152 are allowed"},
    {"NulInScript", [](Spec& s) { s.mutable_script()->set_text("a\0b"s); }, "script.text: contains a NUL"},
    {"TooLongScript", [](Spec& s) { s.mutable_script()->set_text(std::string((1 << 20) + 1, 'x')); },
     "script.text: 1048577 bytes; at most 1048576 are allowed"},
    {"NoActions", [](Spec& s) { s.mutable_actions(); }, "actions.names: is empty"},
    {"TooManyActions",
     [](Spec& s) {
       for (int i = 0; i < 101; ++i) s.mutable_actions()->add_names("a");
     },
     "actions.names: 101 actions; at most 100 are allowed"},
    {"ActionLeadsOut", [](Spec& s) { s.mutable_actions()->add_names("a/../../b"); },
     "actions.names: bad action name 'a/../../b': it names a file below .tom or tasks, not an option or "
     "another path"},
    {"ActionIsTwo", [](Spec& s) { s.mutable_actions()->add_names("a b"); }, "actions.names: 'a b' is not one name"},
    {"ActionIsNone", [](Spec& s) { s.mutable_actions()->add_names(""); }, "actions.names: '' is not one name"},
};
INSTANTIATE_TEST_SUITE_P(What, HostileTask, testing::ValuesIn(kWhat), kCaseName);

void SetVariable(Spec& spec, const std::string& name, const std::string& value) {
  spec.mutable_variables(0)->set_name(name);
  spec.mutable_variables(0)->set_value(value);
}

const std::vector<Hostile<Spec>> kVariables = {
    {"BadName", [](Spec& s) { SetVariable(s, "A=B", ""); },
     "variables: bad variable name 'A=B': use letters, digits and '_', not beginning with a digit"},
    {"OurName", [](Spec& s) { SetVariable(s, "CROMT_HOST", ""); },
     "variables: variable 'CROMT_HOST': names beginning with CROMT_ are set by cromt"},
    {"NulInValue", [](Spec& s) { SetVariable(s, "A", "x\0"s); }, "variables: variable 'A' contains a NUL"},
    {"TooLongValue", [](Spec& s) { SetVariable(s, "A", std::string(102'401, 'x')); },
     "variables: variable 'A' has 102401 bytes; at most 102400 are allowed"},
    {"SameNameTwice", [](Spec& s) { SetVariable(s, "BYTES", ""); }, "variables: 'BYTES' is there twice"},
    {"TooLongTogether",
     [](Spec& s) {
       s.clear_variables();
       for (int i = 10; i < 21; ++i) {
         v1::Variable& variable = *s.add_variables();
         variable.set_name(fmt::format("A{}", i));
         variable.set_value(std::string(100'000, 'x'));
       }
     },
     "variables: 1100033 bytes; at most 1048576 are allowed"},
};
INSTANTIATE_TEST_SUITE_P(Variables, HostileTask, testing::ValuesIn(kVariables), kCaseName);

const std::vector<Hostile<Spec>> kSources = {
    {"DirectoryAndRepository", [](Spec& s) { s.mutable_source()->set_directory("/a"); },
     "source: has both a directory and a repository"},
    {"NulInDirectory",
     [](Spec& s) {
       s.clear_source();
       s.mutable_source()->set_directory("/a\0b"s);
     },
     "source.directory: contains a NUL"},
    {"TooLongDirectory",
     [](Spec& s) {
       s.clear_source();
       s.mutable_source()->set_directory(std::string(4097, 'x'));
     },
     "source.directory: 4097 bytes; at most 4096 are allowed"},
    {"RepositoryIsAnOption", [](Spec& s) { s.mutable_source()->set_repository("--upload-pack=touch /x"); },
     "source.repository: path '--upload-pack=touch /x' begins with '-'"},
    {"RepositoryRunsAProgram", [](Spec& s) { s.mutable_source()->set_repository("ext::sh"); },
     "source.repository: path 'ext::sh' names a transport helper, which is not allowed"},
    {"RefIsAnOption", [](Spec& s) { s.mutable_source()->set_ref("-x"); },
     "source.ref: '-x' is no name of a branch, tag or commit"},
    {"BranchWithNul", [](Spec& s) { s.mutable_source()->set_branch("a\0"s); },
     "source.branch: 'a\\x00' is no name of a branch, tag or commit"},
    {"ShortCommit", [](Spec& s) { s.mutable_source()->set_commit("abc123"); },
     "source.commit: 'abc123' is not 40 lower-case hex digits"},
    {"UpperCaseDigest", [](Spec& s) { s.mutable_source()->mutable_tree()->set_sha256(std::string(64, 'A')); },
     "source.tree.sha256: '" + std::string(64, 'A') + "' is not 64 lower-case hex digits"},
    {"DigestIsAPath", [](Spec& s) { s.mutable_source()->mutable_tree()->set_sha256("../../x"); },
     "source.tree.sha256: '../../x' is not 64 lower-case hex digits"},
    {"DigestOfNothing", [](Spec& s) { s.mutable_source()->mutable_tree()->clear_sha256(); },
     "source.tree.sha256: '' is not 64 lower-case hex digits"},
    {"NegativeSize", [](Spec& s) { s.mutable_source()->mutable_tree()->set_size_bytes(-1); },
     "source.tree.size_bytes: -1 is not within 0 and 9223372036854775807"},
};
INSTANTIATE_TEST_SUITE_P(Sources, HostileTask, testing::ValuesIn(kSources), kCaseName);

const std::vector<Hostile<Spec>> kLimits = {
    {"NegativeTimeout", [](Spec& s) { s.set_timeout_ms(-1); }, "timeout_ms: -1 is not within 0 and 315360000000"},
    {"TimeoutThatOverflows", [](Spec& s) { s.set_timeout_ms(INT64_MAX); },
     "timeout_ms: 9223372036854775807 is not within 0 and 315360000000"},
    {"NegativeGrace", [](Spec& s) { s.set_grace_ms(INT64_MIN); },
     "grace_ms: -9223372036854775808 is not within 0 and 315360000000"},
    {"NegativeLogLimit", [](Spec& s) { s.set_log_limit_bytes(-5); },
     "log_limit_bytes: -5 is not within 0 and 1099511627776"},
    {"HugeLogLimit", [](Spec& s) { s.set_log_limit_bytes((int64_t{1} << 40) + 1); },
     "log_limit_bytes: 1099511627777 is not within 0 and 1099511627776"},
    {"ExitCodeTooHigh", [](Spec& s) { s.mutable_exit_policy()->add_success(256); },
     "exit_policy.success: 256 is not within 0 and 255"},
    {"ExitCodeTooLow", [](Spec& s) { s.mutable_exit_policy()->add_stop(-1); },
     "exit_policy.stop: -1 is not within 0 and 255"},
    {"TooManyExitCodes",
     [](Spec& s) {
       for (int i = 0; i < 256; ++i) s.mutable_exit_policy()->add_stop(1);
     },
     "exit_policy.stop: 258 exit codes; at most 256 are allowed"},
    {"ShrinkingPause", [](Spec& s) { s.mutable_retry()->set_backoff_permille(999); },
     "retry.backoff_permille: 999 is not within 1000 and 1000000"},
    {"TooManyRetries", [](Spec& s) { s.mutable_retry()->set_retries(1'000'001); },
     "retry.retries: 1000001 is not within 0 and 1000000"},
    {"NegativePause", [](Spec& s) { s.mutable_retry()->set_delay_ms(-1); },
     "retry.delay_ms: -1 is not within 0 and 315360000000"},
    {"GapInNoText", [](Spec& s) { s.add_host_gaps()->set_name("A"); }, "host_gaps.text: is not set"},
    {"GapInAVariableThatIsNotThere",
     [](Spec& s) {
       s.mutable_host_gaps(0)->set_variable(9);
       s.mutable_host_gaps()->RemoveLast();
     },
     "host_gaps: a gap for ${{ env }} lies nowhere"},
    {"GapBehindTheEnd",
     [](Spec& s) {
       s.clear_variables();
       s.add_variables()->set_name("V");
       s.mutable_host_gaps(0)->set_offset(1);
       s.mutable_host_gaps()->RemoveLast();
     },
     "host_gaps: a gap for ${{ env }} lies nowhere"},
    {"GapNamedLikeNoVariable", [](Spec& s) { s.mutable_host_gaps(0)->set_name("A=B"); },
     "host_gaps: 'A=B' is no variable's name"},
    {"ArtifactWhoseNameIsNone", [](Spec& s) { s.add_publishes()->set_name("../x"); },
     "publishes: name '../x': " + kNameRules},
    {"ArtifactFromOutside",
     [](Spec& s) {
       auto& out = *s.add_publishes();
       out.set_name("x");
       out.set_path("a/../../etc/shadow");
     },
     "publishes: path 'a/../../etc/shadow' leads out of the task's directory"},
    {"AbsoluteArtifact",
     [](Spec& s) {
       auto& out = *s.add_publishes();
       out.set_name("x");
       out.set_path("/etc/shadow");
     },
     "publishes: path '/etc/shadow' is absolute; it is taken from the task's directory"},
    {"ArtifactTwice",
     [](Spec& s) {
       for (const char* path : {"a", "b"}) {
         auto& out = *s.add_publishes();
         out.set_name("same");
         out.set_path(path);
       }
     },
     "publishes: 'same' is there twice"},
    {"ContainerOfNothing", [](Spec& s) { s.mutable_container()->Clear(); },
     "container: it names neither image nor container"},
    {"ContainerThatIsAnOption", [](Spec& s) { s.mutable_container()->set_image("--privileged"); },
     "container: '--privileged' is no image; one looks like debian:12, registry.example:5000/team/tool:1.2 or "
     "NAME@sha256:DIGEST"},
    {"ContainerThatMountsUpwards", [](Spec& s) { s.mutable_container()->add_mounts()->set_source("../.."); },
     "container: '../..:' is no mount; one looks like /srv/data:/data or cache:/var/cache:ro, without '.' and '..'"},
    {"UnknownSandbox", [](Spec& s) { s.mutable_confinement()->set_sandbox(static_cast<v1::Confinement::Sandbox>(9)); },
     "confinement.sandbox: is unknown"},
    {"UserThatIsNone", [](Spec& s) { s.mutable_confinement()->set_user("-x"); },
     "confinement.user: '-x' is no user's name"},
    {"ContainerWithUnknownPull", [](Spec& s) { s.mutable_container()->set_pull(static_cast<v1::Container::Pull>(9)); },
     "container.pull: is unknown"},
    {"SecretInNoPlace", [](Spec& s) { s.mutable_secrets(0)->clear_env(); },
     "secrets: secret 'db' needs one of 'env', 'file' and 'registry'"},
    {"SecretInTwoPlaces", [](Spec& s) { s.mutable_secrets(0)->set_file("x"); },
     "secrets: secret 'db' needs one of 'env', 'file' and 'registry'"},
    {"SecretAsAVariableOfOurs", [](Spec& s) { s.mutable_secrets(0)->set_env("CROMT_RUN"); },
     "secrets: variable 'CROMT_RUN': names beginning with CROMT_ are set by cromt"},
    {"SecretOutsideItsFolder", [](Spec& s) { s.mutable_secrets(1)->set_file("../key"); },
     "secrets: file of a secret '../key': " + kNameRules},
    {"SecretsOfOneVariable",
     [](Spec& s) { s.add_secrets()->set_name("x"), s.mutable_secrets(3)->set_env("DB_PASSWORD"); },
     "secrets: two secrets are to be the variable DB_PASSWORD"},
    {"SecretsOfOneFile", [](Spec& s) { s.add_secrets()->set_name("x"), s.mutable_secrets(3)->set_file("key.pem"); },
     "secrets: two secrets are to be the file key.pem"},
    {"SecretsOfOneRegistry",
     [](Spec& s) { s.add_secrets()->set_name("x"), s.mutable_secrets(3)->set_registry("registry.example:5000"); },
     "secrets: two secrets are for the registry registry.example:5000"},
    {"LimitBelowNothing", [](Spec& s) { s.mutable_limits()->set_memory_bytes(-1); },
     "limits: memory: a limit is at least 0"},
    {"TooLargeAsAWhole",
     [](Spec& s) {
       s.clear_variables();
       s.mutable_command()->set_argv(0, std::string((1 << 20) + (3 << 18), 'x'));
       for (int i = 0; i < 100'000; ++i) s.add_variables()->set_name(fmt::format("A{}", i));
     },
     "spec: 4224791 bytes as a message; at most 3670016 are allowed"},
};
INSTANTIATE_TEST_SUITE_P(Limits, HostileTask, testing::ValuesIn(kLimits), kCaseName);

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
