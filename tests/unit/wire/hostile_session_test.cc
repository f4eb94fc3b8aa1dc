// What a peer may not say in a session, and the words with which it is refused.
#include <gtest/gtest.h>

#include "io/wire/session.h"
#include "tests/unit/wire/hostile.h"
#include "tests/unit/wire/populated.h"

namespace cromt::wire {
namespace {

// ---- Coordinators -----------------------------------------------------------------------------

using To = v1::ToAgent;
class HostileCoordinator : public testing::TestWithParam<Hostile<To>> {};
TEST_P(HostileCoordinator, IsRefused) {
  ExpectRefused(GetParam(), FullToAgent());
}

const std::vector<Hostile<To>> kToAgent = {
    {"MeshIsAPath", [](To& m) { m.mutable_hello()->set_mesh("../x"); }, "hello.mesh '../x': " + kNameRules},
    {"OldestBeyondTheNewest", [](To& m) { m.mutable_hello()->set_oldest_protocol(7); },
     "hello.oldest_protocol: 7 is newer than the newest, 6"},
    {"VerdictOnNothing", [](To& m) { m.mutable_verdicts(1)->clear_id(); }, "verdict 2: id.run '': " + kNameRules},
    {"UnknownVerdict", [](To& m) { m.mutable_verdicts(2)->set_kind(static_cast<To::Verdict::Kind>(9)); },
     "verdict 3: kind: 9 is unknown"},
    {"LeaseWithoutId", [](To& m) { m.mutable_leases(1)->clear_id(); }, "lease 2: id.run '': " + kNameRules},
    {"StopOfAttemptZero", [](To& m) { m.mutable_stops(1)->set_attempt(0); },
     "stop 2: attempt: 0; attempts are numbered from 1"},
    {"TooManyLeases",
     [](To& m) {
       while (m.leases_size() <= 4096) m.add_leases();
     },
     "leases: 4097 items; a message may hold 4096", ErrorCode::kExhausted},
    {"TooManyVerdicts",
     [](To& m) {
       while (m.verdicts_size() <= 4096) m.add_verdicts();
     },
     "verdicts: 4097 items; a message may hold 4096", ErrorCode::kExhausted},
    {"TooManyStops",
     [](To& m) {
       while (m.stops_size() <= 4096) m.add_stops();
     },
     "stops: 4097 items; a message may hold 4096", ErrorCode::kExhausted},
};
INSTANTIATE_TEST_SUITE_P(Says, HostileCoordinator, testing::ValuesIn(kToAgent), kCaseName);

// ---- Leases that can't be read: they cost their own attempt and no other -----------------------

using WrongLease = Hostile<To::Lease>;
class HostileLease : public testing::TestWithParam<WrongLease> {};
TEST_P(HostileLease, SaysWhatIsWrongAndLeavesTheOthers) {
  To proto;
  ToProto(FullToAgent(), proto);
  GetParam().spoil(*proto.mutable_leases(1));
  auto read = FromProto(proto);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->leases.size(), FullToAgent().leases.size());
  for (size_t i = 0; i < read->leases.size(); ++i) {
    const Lease& lease = read->leases[i];
    EXPECT_EQ(lease.id, FullId());
    EXPECT_EQ(lease.wrong, i == 1 ? GetParam().complaint : "");
    EXPECT_EQ(lease.spec == nullptr, i == 1);
    EXPECT_EQ(lease.secrets == nullptr, i == 1 || i + 1 == read->leases.size());
  }
}

const std::vector<WrongLease> kLeases = {
    {"NoHost", [](To::Lease& l) { l.clear_host(); }, "host '': " + kNameRules},
    {"ABadTask", [](To::Lease& l) { l.mutable_spec()->mutable_variables(0)->set_name("1"); },
     "spec.variables: bad variable name '1': use letters, digits and '_', not beginning with a digit"},
    {"InputWithNoTicket", [](To::Lease& l) { l.mutable_inputs(0)->clear_ticket(); },
     "inputs: ticket.proof '': " + kNameRules},
    {"InputWithATicketForNobody", [](To::Lease& l) { l.mutable_inputs(0)->mutable_ticket()->set_consumer("a b"); },
     "inputs: ticket.consumer 'a b': " + kNameRules},
    {"InputWithATicketOfNoTime", [](To::Lease& l) { l.mutable_inputs(0)->mutable_ticket()->set_expires_at_us(-1); },
     "inputs: ticket.expires_at_us: -1 is not within 0 and 253402300799999999"},
    {"InputOfNoName", [](To::Lease& l) { l.mutable_inputs(0)->set_path("../x"); },
     "inputs: path: name '..': " + kNameRules},
    {"SecretTwice", [](To::Lease& l) { l.mutable_secrets(1)->set_name("db"); }, "secrets: 'db' is there twice"},
    {"SecretOfNoName", [](To::Lease& l) { l.mutable_secrets(1)->set_name("../x"); }, "secret '../x': " + kNameRules},
    {"SecretOfNothing", [](To::Lease& l) { l.mutable_secrets(0)->clear_value(); }, "secret 'db' has an empty value"},
    {"SecretTooLarge", [](To::Lease& l) { l.mutable_secrets(0)->mutable_value()->assign(65'537, 'x'); },
     "secret 'db' has 65537 bytes; at most 65536 are allowed"},
    {"TooManySecrets",
     [](To::Lease& l) {
       while (l.secrets_size() <= 100) l.add_secrets();
     },
     "secrets: 101; at most 100 are allowed"},
};
INSTANTIATE_TEST_SUITE_P(Says, HostileLease, testing::ValuesIn(kLeases), kCaseName);

// ---- Agents -----------------------------------------------------------------------------------

using From = v1::FromAgent;
class HostileAgent : public testing::TestWithParam<Hostile<From>> {};
TEST_P(HostileAgent, IsRefused) {
  ExpectRefused(GetParam(), FullFromAgent());
}

const std::vector<Hostile<From>> kAgentHello = {
    {"NoAgentId", [](From& m) { m.mutable_hello()->clear_agent(); }, "hello.agent '': " + kNameRules},
    {"JournalIsAPath", [](From& m) { m.mutable_hello()->set_journal("/"); }, "hello.journal '/': " + kNameRules},
    {"BootWithNewline", [](From& m) { m.mutable_hello()->set_boot("a\nb"); }, "hello.boot 'a\\x0ab': " + kNameRules},
    {"VersionWithEscape", [](From& m) { m.mutable_hello()->set_version("\x1b]0;x"); },
     "hello.version: '\\x1b]0;x' is no title"},
    {"OldestBeyondTheNewest", [](From& m) { m.mutable_hello()->set_oldest_protocol(3); },
     "hello.oldest_protocol: 3 is newer than the newest, 2"},
    {"LabelWithABadName", [](From& m) { (*m.mutable_hello()->mutable_labels())["a b"] = "c"; },
     "hello.labels: name 'a b': " + kNameRules},
    {"LabelWithABadValue", [](From& m) { (*m.mutable_hello()->mutable_labels())["os"] = "\n"; },
     "hello.labels: 'os': the value '\\x0a' is no title"},
    {"TooManyLabels",
     [](From& m) {
       for (int i = 0; i < 63; ++i) (*m.mutable_hello()->mutable_labels())["l" + std::to_string(i)] = "x";
     },
     "hello.labels: 65 labels; at most 64 are allowed"},
};
INSTANTIATE_TEST_SUITE_P(Hello, HostileAgent, testing::ValuesIn(kAgentHello), kCaseName);

const std::vector<Hostile<From>> kFromAgent = {
    {"UnknownPhase", [](From& m) { m.mutable_inventory(0)->set_phase(static_cast<From::Item::Phase>(3)); },
     "inventory item 1: phase: 3 is unknown"},
    {"InventoryOfNothing", [](From& m) { m.mutable_inventory(2)->clear_id(); },
     "inventory item 3: id.run '': " + kNameRules},
    {"ReportZero", [](From& m) { m.mutable_reports(0)->set_sequence(0); },
     "report 1: sequence: 0; reports are numbered from 1"},
    {"ReportOfNothing", [](From& m) { m.mutable_reports(1)->clear_fact(); },
     "report 2: fact: neither started nor ended"},
    {"ReportOfABadRun", [](From& m) { m.mutable_reports(1)->mutable_id()->set_run("%2e%2e"); },
     "report 2: id.run '%2e%2e': " + kNameRules},
    {"StartedBeforeAnyClock", [](From& m) { m.mutable_reports(0)->set_started_at_us(INT64_MIN); },
     "report 1: started_at_us: -9223372036854775808 is not within 0 and 253402300799999999"},
    {"EndedWithNonsense", [](From& m) { m.mutable_reports(1)->mutable_ended()->mutable_status()->set_code(-1); },
     "report 2: ended.status.code: -1 is not within 0 and 255"},
    {"WantsAPath", [](From& m) { m.mutable_wanted_blobs(0)->set_sha256("../../etc/passwd"); },
     "wanted blob 1: sha256: '../../etc/passwd' is not 64 lower-case hex digits"},
    {"TooManyReports",
     [](From& m) {
       while (m.reports_size() <= 4096) m.add_reports();
     },
     "reports: 4097 items; a message may hold 4096", ErrorCode::kExhausted},
    {"TooLargeInventory",
     [](From& m) {
       while (m.inventory_size() <= 4096) m.add_inventory();
     },
     "inventory: 4097 items; a message may hold 4096", ErrorCode::kExhausted},
    {"RefusesAtLength", [](From& m) { m.set_refuses(std::string(513, 'x')); },
     "refuses: 513 bytes; at most 512 are allowed"},
    {"WantsTooMuch",
     [](From& m) {
       while (m.wanted_blobs_size() <= 4096) m.add_wanted_blobs();
     },
     "wanted_blobs: 4097 items; a message may hold 4096", ErrorCode::kExhausted},
};
INSTANTIATE_TEST_SUITE_P(Says, HostileAgent, testing::ValuesIn(kFromAgent), kCaseName);

}  // namespace
}  // namespace cromt::wire
