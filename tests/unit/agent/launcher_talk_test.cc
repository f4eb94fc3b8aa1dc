// Goal: an agent tells its launcher nothing before that has said what it knows, nothing that was meant for another, and
// what a launcher says means the same to the queue whenever and however often it is said.
// Method: the talk and a real engine with a journal in memory; the test is the launcher and the host.
#include "agent/launcher_talk.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "agent/engine.h"
#include "agent/fake_journal.h"
#include "tests/unit/agent/quiet_edges.h"

namespace cromt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Phase = QueuedAttempt::Phase;

class LauncherTalkTest : public testing::Test, private QuietEdges, private LauncherTalk::Host {
 protected:
  LauncherTalkTest() : talk_(static_cast<LauncherTalk::Host&>(*this)) {
    AgentEdges& edges = *this;
    engine_ = std::make_unique<AgentEngine>(journal_, edges, AgentIdentity{.agent = AgentId("a"), .boot = "boot"},
                                            QueueLimits{.slots = 4}, JournalId("journal"));
    EXPECT_TRUE(engine_->Start({}, now_));
    talk_.Connected();
  }

  void Step(std::vector<AgentInput> inputs) {
    EXPECT_TRUE(engine_->Step(std::move(inputs), now_));
    // As the supervisor does: whatever is due is done at once.
    if (engine_->NextDeadline() && *engine_->NextDeadline() <= now_.mono) {
      EXPECT_TRUE(engine_->Step({}, now_));
    }
  }
  void Say(std::vector<launcher::FromLauncher> messages) {
    std::vector<AgentInput> inputs;
    talk_.Take(messages, engine_->queue(), inputs);
    Step(std::move(inputs));
  }
  void Greet(const std::string& incarnation, std::vector<launcher::Known> known = {},
             uint32_t level = launcher::kLevel) {
    std::vector<launcher::FromLauncher> messages = {launcher::Hello{.incarnation = incarnation, .level = level}};
    messages.insert(messages.end(), known.begin(), known.end());
    messages.emplace_back(launcher::Ready{});
    Say(std::move(messages));
  }
  void Break() {
    std::vector<AgentInput> inputs;
    talk_.Broke("it was closed", inputs);
    Step(std::move(inputs));
  }
  // Its ticket.
  Ticket Submit(const std::string& job) {
    auto spec = std::make_shared<TaskSpec>(TaskSpec{.name = "x", .project = "x", .work = Command{{"x"}}});
    std::vector<AgentInput> inputs;
    inputs.push_back(agent_input::Tell{queue_event::JobSubmitted{RunId(job), RequestId(job), std::move(spec)}, {}});
    Step(std::move(inputs));
    Ticket last = 0;
    for (const InventoryTicket& item : engine_->queue().Tickets()) last = std::max(last, item.ticket);
    return last;
  }
  const QueuedAttempt& Job(Ticket ticket) { return *engine_->queue().Find(ticket); }
  // What is sent now.
  std::vector<std::string> Sent() {
    std::vector<std::string> sent;
    for (const launcher::ToLauncher& order : talk_.orders()) {
      if (const auto* start = std::get_if<launcher::Start>(&order))
        sent.push_back(fmt::format("start {}", start->log_id));
      else if (const auto* stop = std::get_if<launcher::Stop>(&order))
        sent.push_back(fmt::format("stop {}", stop->log_id));
      else if (const auto* forget = std::get_if<launcher::Forget>(&order))
        sent.push_back(fmt::format("forget {}", forget->log_id));
      else
        sent.emplace_back(std::holds_alternative<launcher::Shutdown>(order) ? "shut down" : "?");
    }
    talk_.Sent();
    return sent;
  }
  static launcher::Known Runs(Ticket ticket) { return {{.log_id = ticket, .wall_us = 5}, std::nullopt}; }
  static launcher::Ended End(Ticket ticket) { return {.log_id = ticket, .exit_code = 3, .log_end = 9, .log_bytes = 4}; }

  LauncherTalk talk_;
  std::unique_ptr<AgentEngine> engine_;
  bool is_of_before_ = false;
  std::vector<std::string> met_;

 private:
  bool IsOfBefore() override { return is_of_before_; }
  void Replaces() override { met_.emplace_back("replaced"); }
  void Meet(queue_event::LauncherUp& up, std::span<const QueuedAttempt* const> lost) override {
    std::string text = up.incarnation;
    for (const QueuedAttempt* attempt : lost) text += fmt::format(" without {}", attempt->ticket);
    met_.push_back(std::move(text));
    up.remains = "nothing was left";
  }
  void Complete(const launcher::Ended&, const QueuedAttempt* attempt, queue_event::LauncherEnded& event) override {
    event.workspace_clean = true;
    if (!attempt) met_.push_back(fmt::format("unknown {}", event.ticket));
  }
  void LogGrew(launcher::LogPosition end) override { met_.push_back(fmt::format("log at {}", end)); }
  void Warn(const std::string& text) override { met_.push_back(text); }

  void Launch(const QueuedAttempt& attempt, uint32_t) override { talk_.Start({.log_id = attempt.ticket}); }
  void StopProcess(Ticket ticket) override { talk_.Stop(ticket); }
  void ForgetResult(Ticket ticket) override { talk_.Forget(ticket); }

  FakeJournal journal_;
  Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
};

TEST_F(LauncherTalkTest, NothingIsSentBeforeTheLauncherHasSaidAllThatItKnows) {
  talk_.Stop(7);
  EXPECT_THAT(Sent(), IsEmpty());
  Say({launcher::Hello{.incarnation = "one", .level = launcher::kLevel}});
  EXPECT_FALSE(talk_.ready());
  EXPECT_THAT(Sent(), IsEmpty());
}

TEST_F(LauncherTalkTest, WhatItSaysReachesTheQueue) {
  Greet("one");
  const Ticket job = Submit("a");
  EXPECT_THAT(Sent(), ElementsAre(fmt::format("start {}", job)));
  EXPECT_THAT(Sent(), IsEmpty());
  Say({launcher::Started{.log_id = job, .wall_us = 5}});
  EXPECT_EQ(Job(job).phase, Phase::kRunning);
  Say({End(job)});
  EXPECT_EQ(Job(job).phase, Phase::kEnded);
  EXPECT_EQ(Job(job).result.status, ExitStatus(Exited{3}));
  EXPECT_EQ(talk_.log_end(), 9u);
  EXPECT_THAT(Sent(), ElementsAre(fmt::format("forget {}", job)));
}

TEST_F(LauncherTalkTest, WhatALauncherThatIsGoneHasBegunIsLostOnceItsRemainsAreCleared) {
  Greet("one");
  const Ticket job = Submit("a");
  Sent();
  Say({launcher::Started{.log_id = job}});
  Break();
  EXPECT_FALSE(talk_.ready());
  met_.clear();
  talk_.Connected();
  Greet("two");
  EXPECT_THAT(met_, ElementsAre("log at 0", fmt::format("two without {}", job)));
  EXPECT_EQ(Job(job).result.kind, AttemptResult::Kind::kLost);
  EXPECT_THAT(Job(job).result.reason, HasSubstr("nothing was left"));
}

TEST_F(LauncherTalkTest, TheSameLauncherIsMetAgainAndItsJobsGoOn) {
  Greet("one");
  const Ticket runs = Submit("a"), ended = Submit("b");
  Sent();
  Say({launcher::Started{.log_id = runs}, launcher::Started{.log_id = ended}});
  Break();
  talk_.Connected();
  met_.clear();
  Greet("one", {Runs(runs), {{.log_id = ended}, End(ended)}});
  EXPECT_THAT(met_, ElementsAre("log at 0", "one"));
  EXPECT_EQ(Job(runs).phase, Phase::kRunning);
  EXPECT_EQ(Job(ended).phase, Phase::kEnded);
}

// A process of the agent before this one told it to forget the end, and the disk has forgotten what it knew of that.
TEST_F(LauncherTalkTest, WhatTheSameLauncherHasForgottenIsAmongTheLost) {
  Greet("one");
  const Ticket begun = Submit("a"), asked = Submit("b");
  Sent();
  Say({launcher::Started{.log_id = begun}});
  Break();
  talk_.Connected();
  met_.clear();
  Greet("one");
  EXPECT_THAT(met_, ElementsAre("log at 0", fmt::format("one without {}", begun)));
  EXPECT_EQ(Job(begun).result.kind, AttemptResult::Kind::kLost);
  EXPECT_EQ(Job(begun).result.reason, "lost: its end was in what the disk has lost of the agent's journal");
  EXPECT_THAT(Sent(), ElementsAre(fmt::format("start {}", asked)));
}

// The one before has gone, and the agent has not heard of that yet.
TEST_F(LauncherTalkTest, AStartThatWasMeantForAnotherIsNotSentToTheNext) {
  Greet("one");
  std::vector<AgentInput> inputs;
  talk_.Broke("it was closed", inputs);
  talk_.Connected();
  const Ticket job = Submit("a");  // in the step that is told of it only then
  talk_.Stop(77);
  Greet("two");
  EXPECT_THAT(Sent(), testing::Not(testing::Contains(fmt::format("start {}", job))));
  EXPECT_EQ(Job(job).result.kind, AttemptResult::Kind::kLost);
}

TEST_F(LauncherTalkTest, OneOfBeforeAnUpgradeIsReplacedWhereItHasNothingToDo) {
  is_of_before_ = true;
  Greet("one");
  EXPECT_THAT(met_, ElementsAre("log at 0", "replaced"));
  EXPECT_FALSE(talk_.ready());
  const Ticket job = Submit("a");
  EXPECT_THAT(Sent(), ElementsAre("shut down"));
  EXPECT_THAT(Sent(), IsEmpty());  // it would refuse what it is told now
  Break();
  is_of_before_ = false;
  talk_.Connected();
  Greet("two");
  EXPECT_THAT(Sent(), ElementsAre(fmt::format("start {}", job)));
}

TEST_F(LauncherTalkTest, OneOfBeforeAnUpgradeStaysWithItsJobs) {
  Greet("one");
  const Ticket job = Submit("a");
  Sent();
  Say({launcher::Started{.log_id = job}});
  Break();
  talk_.Connected();
  Greet("one", {Runs(job)}, /*level=*/1);
  EXPECT_TRUE(talk_.ready());
  EXPECT_EQ(talk_.level(), 1u);
  EXPECT_EQ(Job(job).phase, Phase::kRunning);
}

TEST_F(LauncherTalkTest, WhoseProcessCouldNotBeMadeIsToldWhy) {
  Greet("one");
  const Ticket job = Submit("a"), other = Submit("b");
  using Cause = launcher::Ended::Cause;
  Say({launcher::Ended{.log_id = job, .cause = Cause::kNotSpawned, .spawn_errno = ENOMEM},
       launcher::Ended{
           .log_id = other, .cause = Cause::kNotSpawned, .spawn_errno = ENOTSUP, .reason = "no limits here"}});
  EXPECT_EQ(Job(job).result.kind, AttemptResult::Kind::kNotStarted);
  EXPECT_THAT(Job(job).result.reason, HasSubstr("its process could not be made"));
  EXPECT_EQ(Job(other).result.reason, "no limits here");
}

TEST_F(LauncherTalkTest, EachWayToEndHasItsOwnKind) {
  Greet("one");
  const std::array tickets = {Submit("a"), Submit("b"), Submit("c")};
  using Cause = launcher::Ended::Cause;
  Say({launcher::Ended{.log_id = tickets[0], .cause = Cause::kStopped, .signal = 15},
       launcher::Ended{.log_id = tickets[1], .cause = Cause::kTimedOut, .signal = 9},
       launcher::Ended{.log_id = tickets[2], .signal = 11}});
  EXPECT_EQ(Job(tickets[0]).result.kind, AttemptResult::Kind::kStopped);
  EXPECT_EQ(Job(tickets[0]).result.status, ExitStatus(Signaled{15}));
  EXPECT_EQ(Job(tickets[1]).result.kind, AttemptResult::Kind::kTimedOut);
  EXPECT_EQ(Job(tickets[2]).result.kind, AttemptResult::Kind::kExited);
  EXPECT_EQ(Job(tickets[2]).result.status, ExitStatus(Signaled{11}));
}

TEST_F(LauncherTalkTest, OutputThatIsHeldBackIsToldAndNothingNewIsTakenUntilThatIsOver) {
  Greet("one");
  Say({launcher::Trouble{std::string(launcher::kHeldBack) + ": the disk is full"}});
  EXPECT_THAT(engine_->queue().refusal(), HasSubstr("the disk is full"));
  Say({launcher::Trouble{"the log could not be written for 3s"}});
  EXPECT_THAT(engine_->queue().refusal(), IsEmpty());
}

}  // namespace
}  // namespace cromt
