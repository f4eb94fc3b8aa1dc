// Both ends of a session: the order of the handshake, batches, heartbeats and silence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/lease.h"
#include "tests/unit/core/plan_builder.h"
#include "tests/unit/core/seeds.h"
#include "tests/unit/core/session_pair.h"

namespace cromt {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Now At(Duration time) {
  return {MonoFromMicros(1'000'000) + time, WallFromMicros(1) + time};
}

std::shared_ptr<const TaskSpec> Spec() {
  return std::make_shared<TaskSpec>(TaskSpec{.name = "x", .work = Command{{"x"}}});
}
AttemptResult Exit() {
  AttemptResult result;
  result.kind = AttemptResult::Kind::kExited;
  return result;
}
AttemptId Id(TaskIndex task) {
  return {RunId("r"), task, 1};
}

template <class T>
void ExpectRefused(const Result<T>& result, ErrorCode code, const std::string& why) {
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code);
  EXPECT_THAT(result.error().message, HasSubstr(why));
}

// ---- The agent's end --------------------------------------------------------------------------

struct AgentEnd {
  AgentQueue queue{{.slots = 2}, "boot", JournalId("journal")};
  AgentSession session{{.agent = AgentId("a"), .boot = "boot", .slots = 2, .version = "1"}, At(seconds(0))};

  AgentEnd() {
    queue.Restore({}, At(seconds(0)));
    queue.Apply(queue_event::LauncherUp{"launcher", {}}, At(seconds(0)));
  }
  Result<std::vector<QueueEvent>> Receive(const ToAgent& message, Duration at = seconds(0)) {
    auto events = session.Receive(message, queue, At(at));
    if (events)
      for (const QueueEvent& event : *events) queue.Apply(event, At(at));
    return events;
  }
  FromAgent Poll(Duration at = seconds(0)) { return session.Poll(queue, At(at)); }
  static ToAgent Hello(CoordinatorHello hello = {.mesh = MeshId("m"), .epoch = 3, .session = 1, .commit = 50}) {
    ToAgent message;
    message.hello = hello;
    return message;
  }
  // Hello and no verdicts: the session is live.
  void Greet() {
    ASSERT_TRUE(Receive(Hello()));
    Poll();
    ToAgent verdicts;
    verdicts.verdicts_done = true;
    ASSERT_TRUE(Receive(verdicts));
  }
};

ToAgent WithLease(TaskIndex task) {
  ToAgent message;
  message.leases.push_back({Id(task), Spec(), "host"});
  return message;
}

TEST(AgentSession, SaysNothingBeforeItIsGreeted) {
  AgentEnd end;
  EXPECT_TRUE(end.Poll().empty());
  EXPECT_FALSE(end.session.greeted());
  auto events = end.Receive(AgentEnd::Hello());
  ASSERT_TRUE(events);
  ASSERT_THAT(*events, SizeIs(1));
  FromAgent hello = end.Poll();
  ASSERT_TRUE(hello.hello);
  EXPECT_EQ(hello.hello->agent, AgentId("a"));
  EXPECT_EQ(hello.hello->journal, JournalId("journal"));
  EXPECT_EQ(hello.hello->slots, 2u);
  EXPECT_EQ(hello.hello->seen_epoch, 3u);
  EXPECT_EQ(hello.hello->seen_commit, 50u);
  EXPECT_TRUE(hello.inventory_done);
  EXPECT_EQ(hello.heartbeat, 1u);
  EXPECT_TRUE(end.Poll().empty());
}

TEST(AgentSession, HandshakeOutOfOrderIsRefused) {
  ExpectRefused(AgentEnd().Receive(WithLease(0)), ErrorCode::kInvalid, "the first message must be a hello");
  ExpectRefused(AgentEnd().Receive(ToAgent{}), ErrorCode::kInvalid, "the first message must be a hello");
  {
    AgentEnd end;
    ASSERT_TRUE(end.Receive(AgentEnd::Hello()));
    ExpectRefused(end.Receive(AgentEnd::Hello()), ErrorCode::kInvalid, "a second hello");
  }
  ToAgent stop, ack;
  stop.stops = {Id(0)};
  ack.ack = Ack{0, 1};
  for (const ToAgent& early : {WithLease(0), stop, ack}) {
    AgentEnd end;
    ASSERT_TRUE(end.Receive(AgentEnd::Hello()));
    ExpectRefused(end.Receive(early), ErrorCode::kInvalid, "before the verdicts");
  }
  AgentEnd end;
  end.Greet();
  ToAgent late;
  late.verdicts = {{Id(0), Verdict::Kind::kStop}};
  ExpectRefused(end.Receive(late), ErrorCode::kInvalid, "verdicts after the last of them");
  late.verdicts.clear();
  late.verdicts_done = true;
  ExpectRefused(end.Receive(late), ErrorCode::kInvalid, "verdicts after the last of them");
}

TEST(AgentSession, WhoOnlyAsksChangesNothing) {
  AgentEnd end;
  end.Greet();
  ASSERT_TRUE(end.Receive(WithLease(0)));
  end.session = AgentSession({.agent = AgentId("a"), .boot = "boot", .slots = 2, .version = "1"}, At(seconds(0)));
  auto events = end.Receive(AgentEnd::Hello({.mesh = MeshId("m"), .inspect = true}));
  ASSERT_TRUE(events);
  EXPECT_THAT(*events, IsEmpty());
  const FromAgent answer = end.Poll();
  EXPECT_EQ(answer.hello.value().seen_commit, 50u);
  EXPECT_THAT(answer.inventory, SizeIs(1));
  EXPECT_TRUE(answer.inventory_done);
  ExpectRefused(end.Receive(WithLease(1)), ErrorCode::kInvalid, "says nothing more");
}

TEST(AgentSession, WrongHellosAreRefused) {
  ExpectRefused(AgentEnd().Receive(AgentEnd::Hello({.mesh = MeshId("../m")})), ErrorCode::kInvalid, "mesh id");
  ExpectRefused(AgentEnd().Receive(AgentEnd::Hello({.mesh = MeshId("")})), ErrorCode::kInvalid, "mesh id");
  ExpectRefused(AgentEnd().Receive(AgentEnd::Hello({.mesh = kPlainMesh})), ErrorCode::kInvalid,
                "no mesh of a coordinator");
}

// What the newer one has seen and done is told, and nothing is taken.
TEST(AgentSession, OlderEpochIsOnlyToldWhatThereIs) {
  AgentEnd end;
  end.Greet();
  AgentSession second({.agent = AgentId("a")}, At(seconds(0)));
  auto events =
      second.Receive(AgentEnd::Hello({.mesh = MeshId("m"), .epoch = 2, .session = 9}), end.queue, At(seconds(0)));
  ASSERT_TRUE(events);
  EXPECT_TRUE(events->empty());
  EXPECT_EQ(second.Poll(end.queue, At(seconds(0))).hello->seen_epoch, 3u);
  ToAgent verdicts;
  verdicts.verdicts_done = true;
  ExpectRefused(second.Receive(verdicts, end.queue, At(seconds(0))), ErrorCode::kInvalid, "says nothing more");
  AgentSession third({.agent = AgentId("a")}, At(seconds(0)));
  EXPECT_TRUE(third.Receive(AgentEnd::Hello({.mesh = MeshId("other"), .epoch = 1}), end.queue, At(seconds(0))));
}

TEST(AgentSession, LeasesOfNoAttemptAreRefused) {
  for (const Lease& lease : {Lease{{RunId("a/b"), 0, 1}, Spec(), "h"}, Lease{{RunId("r"), 0, 0}, Spec(), "h"}}) {
    AgentEnd end;
    end.Greet();
    ToAgent message;
    message.leases.push_back(lease);
    ExpectRefused(end.Receive(message), ErrorCode::kInvalid, "a lease without");
  }
}

TEST(AgentSession, OversizeBatchesAreRefused) {
  ToAgent leases, stops, verdicts;
  for (TaskIndex i = 0; i <= kMaxBatch; ++i) {
    leases.leases.push_back({Id(i), Spec(), "h"});
    stops.stops.push_back(Id(i));
    verdicts.verdicts.push_back({Id(i), Verdict::Kind::kKeep});
  }
  for (const ToAgent& message : {leases, stops}) {
    AgentEnd end;
    end.Greet();
    ExpectRefused(end.Receive(message), ErrorCode::kExhausted, "a message may hold 4096");
  }
  AgentEnd end;
  ASSERT_TRUE(end.Receive(AgentEnd::Hello()));
  ExpectRefused(end.Receive(verdicts), ErrorCode::kExhausted, "a message may hold 4096");
}

TEST(AgentSession, AckOrEchoOfWhatWasNeverSentIsRefused) {
  {
    AgentEnd end;
    end.Greet();
    ToAgent message;
    message.ack = Ack{1, 1};
    ExpectRefused(end.Receive(message), ErrorCode::kInvalid, "report 1 is acknowledged but 0 was the last one sent");
  }
  AgentEnd end;
  end.Greet();
  ToAgent message;
  message.heartbeat_echo = 2;
  ExpectRefused(end.Receive(message), ErrorCode::kInvalid, "heartbeat 2 was never sent");
}

// Leases count from the sending of the heartbeat, not from when its echo came.
TEST(AgentSession, EchoExtendsLeasesFromTheSendingOfTheHeartbeat) {
  AgentEnd end;
  end.Greet();  // heartbeat 1 at 0 s
  EXPECT_EQ(end.Poll(seconds(2)).heartbeat, 2u);
  EXPECT_EQ(end.Poll(milliseconds(3900)).heartbeat, 0u);
  EXPECT_EQ(end.Poll(seconds(4)).heartbeat, 3u);
  ToAgent echo;
  echo.heartbeat_echo = 2;
  auto events = end.Receive(echo, seconds(9));
  ASSERT_TRUE(events);
  ASSERT_THAT(*events, SizeIs(1));
  EXPECT_EQ(std::get<queue_event::LeasesExtended>(events->front()).until, At(seconds(2)).mono + kLeaseTime);
  echo.heartbeat_echo = 1;  // an older one adds nothing
  events = end.Receive(echo, seconds(9));
  ASSERT_TRUE(events);
  EXPECT_THAT(*events, IsEmpty());
}

TEST(AgentSession, SilenceIsTenSecondsWithoutAMessage) {
  AgentEnd end;
  EXPECT_FALSE(end.session.Silent(At(milliseconds(9999))));
  EXPECT_TRUE(end.session.Silent(At(seconds(10))));
  EXPECT_EQ(end.session.NextDeadline(true), At(seconds(10)).mono);
  ASSERT_TRUE(end.Receive(AgentEnd::Hello(), seconds(9)));
  EXPECT_FALSE(end.session.Silent(At(seconds(18))));
  end.Poll(seconds(9));
  EXPECT_EQ(end.session.NextDeadline(true), At(seconds(11)).mono);   // the next heartbeat
  EXPECT_EQ(end.session.NextDeadline(false), At(seconds(19)).mono);  // it could not be sent
}

TEST(AgentSession, InventoryGoesInBatchesAndReportsAfterTheVerdicts) {
  AgentEnd end;
  end.queue.Apply(queue_event::LeasesExtended{MeshId("m"), At(seconds(60)).mono}, At(seconds(0)));
  constexpr TaskIndex kCount = 2 * kMaxBatch + 10;
  for (TaskIndex i = 0; i < kCount; ++i)
    end.queue.Apply(queue_event::LeaseOffered{MeshId("m"), {Id(i), Spec(), "h"}}, At(seconds(0)));
  end.queue.Apply(queue_event::LauncherStarted{1, At(seconds(0)).wall, 0}, At(seconds(0)));
  ASSERT_TRUE(end.Receive(AgentEnd::Hello()));
  std::vector<size_t> sizes;
  size_t total = 0;
  for (bool done = false; !done; total += sizes.back()) {
    FromAgent message = end.Poll();
    EXPECT_THAT(message.reports, IsEmpty());
    sizes.push_back(message.inventory.size());
    done = message.inventory_done;
  }
  EXPECT_THAT(sizes, testing::ElementsAre(kMaxBatch, kMaxBatch, 10u));
  EXPECT_EQ(total, kCount);
  ToAgent some;
  some.verdicts = {{Id(0), Verdict::Kind::kStop}, {Id(1), Verdict::Kind::kKeep}, {Id(2), Verdict::Kind::kForget}};
  auto events = end.Receive(some);
  ASSERT_TRUE(events);
  EXPECT_THAT(*events, SizeIs(1));  // the stop
  EXPECT_TRUE(end.Poll().empty());
  some.verdicts.clear();
  some.verdicts_done = true;
  ASSERT_TRUE(end.Receive(some));
  EXPECT_THAT(end.Poll().reports, IsEmpty());
  EXPECT_THAT(end.Poll(kStartPause).reports, SizeIs(1));
}

TEST(AgentSession, ReportsAreSentOnceASession) {
  AgentEnd end;
  end.Greet();
  ToAgent message = WithLease(0);
  message.heartbeat_echo = 1;
  ASSERT_TRUE(end.Receive(message));
  end.queue.Apply(queue_event::LauncherStarted{1, At(seconds(0)).wall, 0}, At(seconds(0)));
  end.queue.Apply(queue_event::LauncherEnded{1, Exit()}, At(seconds(0)));
  EXPECT_THAT(end.Poll().reports, SizeIs(2));
  EXPECT_THAT(end.Poll(seconds(1)).reports, IsEmpty());
  AgentSession second({.agent = AgentId("a")}, At(seconds(0)));
  ASSERT_TRUE(second.Receive(AgentEnd::Hello({.mesh = MeshId("m"), .epoch = 3, .session = 2, .commit = 50}), end.queue,
                             At(seconds(0))));
  second.Poll(end.queue, At(seconds(0)));
  ToAgent verdicts;
  verdicts.verdicts_done = true;
  ASSERT_TRUE(second.Receive(verdicts, end.queue, At(seconds(0))));
  EXPECT_THAT(second.Poll(end.queue, At(seconds(0))).reports, SizeIs(2));
}

// The start of an attempt waits a little for its end, and ends that follow each other closely share a message.
TEST(AgentSession, ReportsShareMessages) {
  AgentEnd end;
  end.Greet();
  ToAgent leases = WithLease(0);
  leases.leases.push_back({Id(1), Spec(), "host"});
  leases.heartbeat_echo = 1;
  ASSERT_TRUE(end.Receive(leases));
  auto started = [&](Ticket ticket, Duration at) {
    end.queue.Apply(queue_event::LauncherStarted{ticket, At(at).wall, 0}, At(at));
  };
  auto ended = [&](Ticket ticket, Duration at) { end.queue.Apply(queue_event::LauncherEnded{ticket, Exit()}, At(at)); };
  constexpr Duration kBegin = milliseconds(100);
  started(1, kBegin);
  EXPECT_TRUE(end.Poll(kBegin).empty());
  EXPECT_EQ(end.session.NextDeadline(true), At(kBegin + kStartPause).mono);
  EXPECT_TRUE(end.Poll(kBegin + kStartPause - milliseconds(1)).empty());
  ended(1, kBegin + milliseconds(3));
  EXPECT_THAT(end.Poll(kBegin + milliseconds(3)).reports, SizeIs(2));  // an end leaves at once
  started(2, kBegin + milliseconds(4));
  ended(2, kBegin + milliseconds(4));
  EXPECT_TRUE(end.Poll(kBegin + milliseconds(4)).empty());  // but not right after the last
  EXPECT_EQ(end.session.NextDeadline(true), At(kBegin + milliseconds(3) + kReportPause).mono);
  EXPECT_EQ(end.session.NextDeadline(false), At(seconds(10)).mono);
  EXPECT_THAT(end.Poll(kBegin + milliseconds(3) + kReportPause).reports, SizeIs(2));
  EXPECT_EQ(end.session.NextDeadline(true), At(seconds(2)).mono);  // a heartbeat, no report
}

// The more of them there are, the longer they gather.
TEST(AgentSession, ManyReportsGoInFewMessages) {
  AgentEnd end;
  end.Greet();
  ToAgent leases;
  leases.heartbeat_echo = 1;
  for (uint32_t task = 0; task < 8; ++task) leases.leases.push_back({Id(task), Spec(), "host"});
  ASSERT_TRUE(end.Receive(leases));
  constexpr Duration kBegin = milliseconds(100);
  auto run = [&](Ticket ticket, Duration at) {
    end.queue.Apply(queue_event::LauncherStarted{ticket, At(at).wall, 0}, At(at));
    end.queue.Apply(queue_event::LauncherEnded{ticket, Exit()}, At(at));
  };
  for (Ticket ticket = 1; ticket <= 2; ++ticket) run(ticket, kBegin);
  EXPECT_THAT(end.Poll(kBegin).reports, SizeIs(4));
  for (Ticket ticket = 3; ticket <= 8; ++ticket) run(ticket, kBegin);
  EXPECT_TRUE(end.Poll(kBegin + 3 * kPausePerReport).empty());
  const Duration second = kBegin + 4 * kPausePerReport;
  EXPECT_EQ(end.session.NextDeadline(true), At(second).mono);
  EXPECT_THAT(end.Poll(second).reports, SizeIs(12));
  leases.leases = {{Id(8), Spec(), "host"}};
  leases.heartbeat_echo = 0;
  ASSERT_TRUE(end.Receive(leases));
  run(9, second);
  EXPECT_TRUE(end.Poll(second + kLongestReportPause - milliseconds(1)).empty());
  EXPECT_THAT(end.Poll(second + kLongestReportPause).reports, SizeIs(2));
}

// What is written anyway takes along what waits.
TEST(AgentSession, AHeartbeatTakesReportsAlong) {
  AgentEnd end;
  end.Greet();
  ToAgent lease = WithLease(0);
  lease.heartbeat_echo = 1;
  ASSERT_TRUE(end.Receive(lease));
  end.queue.Apply(queue_event::LauncherStarted{1, At(seconds(2)).wall, 0}, At(seconds(2)));
  FromAgent message = end.Poll(seconds(2));
  EXPECT_EQ(message.heartbeat, 2u);
  EXPECT_THAT(message.reports, SizeIs(1));
}

TEST(AgentSession, WantedBlobsWaitForTheHandshakeAndGoInBatches) {
  AgentEnd end;
  for (size_t i = 0; i < kMaxBatch + 1; ++i) end.session.WantBlob({std::to_string(i), 1});
  ASSERT_TRUE(end.Receive(AgentEnd::Hello()));
  EXPECT_THAT(end.Poll().wanted_blobs, IsEmpty());
  ToAgent verdicts;
  verdicts.verdicts_done = true;
  ASSERT_TRUE(end.Receive(verdicts));
  EXPECT_THAT(end.Poll().wanted_blobs, SizeIs(kMaxBatch));
  EXPECT_THAT(end.Poll().wanted_blobs, SizeIs(1));
  EXPECT_THAT(end.Poll().wanted_blobs, IsEmpty());
}

TEST(AgentSession, SaysWhenItTakesNoLeasesAndWhenItDoesAgain) {
  AgentEnd end;
  end.queue.Apply(queue_event::Refuse{"no room"}, At(seconds(0)));
  ASSERT_TRUE(end.Receive(AgentEnd::Hello()));
  EXPECT_EQ(end.Poll().refuses, "no room");  // with the hello, before anything can be leased
  ToAgent verdicts;
  verdicts.verdicts_done = true;
  ASSERT_TRUE(end.Receive(verdicts));
  EXPECT_TRUE(end.Poll().empty());  // and once
  end.queue.Apply(queue_event::Refuse{""}, At(seconds(0)));
  EXPECT_EQ(end.Poll().refuses, "");
  EXPECT_TRUE(end.Poll().empty());
}

// ---- The coordinator's end --------------------------------------------------------------------

AgentHello Agent() {
  return {.agent = AgentId("a"), .journal = JournalId("j"), .boot = "boot", .slots = 4};
}

FromAgent HelloOf(const AgentHello& agent, bool inventory_done = true) {
  FromAgent message;
  message.hello = agent;
  message.inventory_done = inventory_done;
  return message;
}

struct CoordinatorEnd {
  CoordinatorSession session{"a:4000", {.mesh = MeshId("m"), .epoch = 3, .session = 1, .commit = 50}, At(seconds(0))};

  Result<std::vector<Event>> Receive(FromAgent message, Duration at = seconds(0)) {
    return session.Receive(std::move(message), At(at));
  }
  void Greet() {
    ASSERT_TRUE(session.Poll().hello);
    ASSERT_TRUE(Receive(HelloOf(Agent())));
    session.AddVerdicts({});
    ASSERT_TRUE(session.Poll().verdicts_done);
  }
};

Report Started(uint64_t sequence) {
  return {sequence, Id(0), Report::Started{}};
}

TEST(CoordinatorSession, GreetsFirstAndTellsOfTheAgentWhenItsInventoryIsComplete) {
  CoordinatorEnd end;
  ToAgent first = end.session.Poll();
  ASSERT_TRUE(first.hello);
  EXPECT_EQ(first.hello->mesh, MeshId("m"));
  EXPECT_TRUE(end.session.Poll().empty());
  FromAgent hello = HelloOf(Agent(), false);
  hello.inventory = {{Id(0), InventoryItem::Phase::kRunning}};
  auto events = end.Receive(hello);
  ASSERT_TRUE(events);
  EXPECT_THAT(*events, IsEmpty());
  EXPECT_FALSE(end.session.greeted());
  FromAgent rest;
  rest.inventory = {{Id(1), InventoryItem::Phase::kLeased}};
  rest.inventory_done = true;
  events = end.Receive(rest);
  ASSERT_TRUE(events);
  ASSERT_THAT(*events, SizeIs(1));
  const auto& up = std::get<AgentUp>(events->front());
  EXPECT_EQ(up.address, "a:4000");
  EXPECT_EQ(up.hello, Agent());
  EXPECT_THAT(up.inventory, SizeIs(2));
  EXPECT_TRUE(end.session.greeted());
}

TEST(CoordinatorSession, TellsWhyTheAgentTakesNoLeases) {
  CoordinatorEnd end;
  FromAgent hello = HelloOf(Agent(), false);
  hello.refuses = "no room";
  ASSERT_TRUE(end.Receive(hello));
  FromAgent rest;
  rest.inventory_done = true;
  auto events = end.Receive(rest);
  ASSERT_TRUE(events);
  EXPECT_EQ(std::get<AgentUp>(events->front()).refuses, "no room");
  FromAgent again;
  again.refuses = "";
  events = end.Receive(again);
  ASSERT_TRUE(events);
  ASSERT_THAT(*events, SizeIs(1));
  EXPECT_EQ(std::get<AgentRefuses>(events->front()).reason, "");
  EXPECT_EQ(std::get<AgentRefuses>(events->front()).address, "a:4000");
}

TEST(CoordinatorSession, HandshakeOutOfOrderIsRefused) {
  ExpectRefused(CoordinatorEnd().Receive(FromAgent{}), ErrorCode::kInvalid, "the first message must be a hello");
  {
    CoordinatorEnd end;
    ASSERT_TRUE(end.Receive(HelloOf(Agent(), false)));
    ExpectRefused(end.Receive(HelloOf(Agent())), ErrorCode::kInvalid, "a second hello");
  }
  FromAgent more;
  more.inventory_done = true;
  {
    CoordinatorEnd end;
    ASSERT_TRUE(end.Receive(HelloOf(Agent())));
    ExpectRefused(end.Receive(more), ErrorCode::kInvalid, "inventory after the last of it");
  }
  FromAgent report;
  report.reports = {Started(1)};
  {
    CoordinatorEnd end;
    ASSERT_TRUE(end.Receive(HelloOf(Agent())));
    end.session.AddVerdicts({});  // decided, but not sent yet
    ExpectRefused(end.Receive(report), ErrorCode::kInvalid, "reports before the verdicts");
  }
  CoordinatorEnd end;
  end.Greet();
  auto events = end.Receive(report);
  ASSERT_TRUE(events);
  EXPECT_THAT(*events, SizeIs(1));
}

TEST(CoordinatorSession, WrongHellosAreRefused) {
  auto refused = [](auto change, ErrorCode code, const char* why) {
    AgentHello hello = Agent();
    change(hello);
    ExpectRefused(CoordinatorEnd().Receive(HelloOf(hello)), code, why);
  };
  refused([](AgentHello& h) { h.agent = AgentId("a b"); }, ErrorCode::kInvalid, "agent id");
  refused([](AgentHello& h) { h.journal = {}; }, ErrorCode::kInvalid, "journal id");
  refused([](AgentHello& h) { h.slots = 0; }, ErrorCode::kInvalid, "0 slots");
  refused([](AgentHello& h) { h.slots = 1 << 30; }, ErrorCode::kInvalid, "slots");
}

TEST(CoordinatorSession, OversizeBatchesAreRefused) {
  FromAgent reports, inventory, blobs;
  for (size_t i = 0; i <= kMaxBatch; ++i) {
    reports.reports.push_back(Started(i + 1));
    inventory.inventory.push_back({Id(static_cast<TaskIndex>(i)), InventoryItem::Phase::kLeased});
    blobs.wanted_blobs.push_back({"d", 1});
  }
  for (const FromAgent& message : {reports, blobs}) {
    CoordinatorEnd end;
    end.Greet();
    ExpectRefused(end.Receive(message), ErrorCode::kExhausted, "a message may hold 4096");
  }
  inventory.hello = Agent();
  ExpectRefused(CoordinatorEnd().Receive(inventory), ErrorCode::kExhausted, "a message may hold 4096");
}

TEST(CoordinatorSession, WantedBlobsThatNobodyTakesAreBounded) {
  CoordinatorEnd end;
  end.Greet();
  FromAgent message;
  message.wanted_blobs.resize(kMaxBatch);
  ASSERT_TRUE(end.Receive(message));
  ExpectRefused(end.Receive(message), ErrorCode::kExhausted, "too many blobs");
}

TEST(CoordinatorSession, GapWithinTheSessionIsRefused) {
  CoordinatorEnd end;
  end.Greet();
  FromAgent message;
  message.reports = {Started(7), Started(8)};  // the first of a session may be any: older ones are acknowledged
  ASSERT_TRUE(end.Receive(message));
  message.reports = {Started(10)};
  ExpectRefused(end.Receive(message), ErrorCode::kInvalid, "report 10 came where 9 was due");
}

TEST(CoordinatorSession, WhatIsToBeSentWaitsForTheVerdictsAndGoesInBatches) {
  CoordinatorEnd end;
  end.session.Poll();
  FromAgent hello = HelloOf(Agent());
  hello.heartbeat = 1;
  ASSERT_TRUE(end.Receive(hello));
  std::vector<Verdict> verdicts(kMaxBatch + 1);
  end.session.AddVerdicts(verdicts);
  end.session.AddLease({Id(0), Spec(), "h"});
  end.session.AddAck({5, 51});
  ToAgent first = end.session.Poll();
  EXPECT_EQ(first.heartbeat_echo, 1u);
  EXPECT_THAT(first.verdicts, SizeIs(kMaxBatch));
  EXPECT_FALSE(first.verdicts_done);
  EXPECT_THAT(first.leases, IsEmpty());
  EXPECT_FALSE(first.ack);
  ToAgent second = end.session.Poll();
  EXPECT_THAT(second.verdicts, SizeIs(1));
  EXPECT_TRUE(second.verdicts_done);
  EXPECT_THAT(second.leases, SizeIs(1));
  EXPECT_EQ(second.ack, (Ack{5, 51}));
  EXPECT_TRUE(end.session.Poll().empty());
}

// A stop that came before the lease it is about would be taken for one about nothing.
TEST(CoordinatorSession, StopNeverOvertakesItsLease) {
  CoordinatorEnd end;
  end.Greet();
  for (TaskIndex i = 0; i < kMaxBatch + 1; ++i) end.session.AddLease({Id(i), Spec(), "h"});
  end.session.AddStop(Id(kMaxBatch));
  end.session.AddLease({Id(kMaxBatch + 1), Spec(), "h"});
  ToAgent first = end.session.Poll();
  EXPECT_THAT(first.leases, SizeIs(kMaxBatch));
  EXPECT_THAT(first.stops, IsEmpty());
  ToAgent second = end.session.Poll();
  EXPECT_THAT(second.leases, SizeIs(2));
  EXPECT_THAT(second.stops, IsEmpty());  // leases of one message may still be cut into several on the wire
  ToAgent third = end.session.Poll();
  EXPECT_THAT(third.stops, testing::ElementsAre(Id(kMaxBatch)));
}

TEST(CoordinatorSession, NewestAckAndEchoStandForTheOlder) {
  CoordinatorEnd end;
  end.Greet();
  FromAgent beat;
  for (uint64_t i = 2; i < 5; ++i) {
    beat.heartbeat = i;
    ASSERT_TRUE(end.Receive(beat));
    end.session.AddAck({i, i});
  }
  ToAgent message = end.session.Poll();
  EXPECT_EQ(message.heartbeat_echo, 4u);
  EXPECT_EQ(message.ack, (Ack{4, 4}));
}

TEST(CoordinatorSession, SilenceIsTenSecondsWithoutAMessage) {
  CoordinatorEnd end;
  EXPECT_EQ(end.session.NextDeadline(), At(seconds(10)).mono);
  ASSERT_TRUE(end.Receive(HelloOf(Agent()), seconds(4)));
  EXPECT_EQ(end.session.NextDeadline(), At(seconds(14)).mono);
}

}  // namespace
}  // namespace cromt
