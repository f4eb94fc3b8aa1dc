// An agent and a coordinator joined by two queues of messages: the real AgentQueue, AgentSession, CoordinatorSession
// and Scheduler, with engines and a launcher that do no more than they must. When who writes, when a message arrives
// and when a process ends is drawn at random; so each message holds whatever has gathered by then.
#pragma once

#include <deque>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "core/agent_session.h"
#include "core/coordinator_session.h"
#include "core/queue.h"
#include "core/scheduler.h"
#include "tests/unit/core/stored_runs.h"

namespace cromt {

class SessionPair {
 public:
  explicit SessionPair(uint64_t seed, uint32_t slots = 4)
      : random_(seed), slots_(slots), queue_({.slots = slots}, "boot", JournalId("journal")) {
    queue_.Restore({}, now_);
    TakeQueue(queue_.Apply(queue_event::LauncherUp{"launcher", {}}, now_));
  }

  void Start(std::shared_ptr<const Plan> plan) {
    RunId run("r" + std::to_string(++runs_));
    Take(scheduler_.Apply(StartRun{.run = run, .request = RequestId(run.text()), .plan = std::move(plan)}, now_));
  }
  void Cancel(const RunId& run) { Take(scheduler_.Apply(CancelRun{run, ""}, now_)); }

  // One thing happens.
  void Step() {
    now_.mono += milliseconds(Below(20));
    if (auto due = scheduler_.NextDeadline(); due && *due <= now_.mono) Take(scheduler_.Apply(ClockTick{}, now_));
    if (auto due = queue_.NextDeadline(); due && *due <= now_.mono) TakeQueue(queue_.Apply(queue_event::Tick{}, now_));
    if (!agent_) return Connect();
    if (breaks && random_() % breaks == 0) return Break();
    EXPECT_FALSE(agent_->Silent(now_));
    EXPECT_GT(coordinator_->NextDeadline(), now_.mono);
    switch (Below(6)) {
      case 0:
        if (ToAgent message = coordinator_->Poll(); !message.empty()) to_agent_.push_back(std::move(message));
        return;
      case 1:
        if (FromAgent message = agent_->Poll(queue_, now_); !message.empty())
          to_coordinator_.push_back(std::move(message));
        return;
      case 2:
        if (!to_agent_.empty()) AgentReceives();
        return;
      case 3:
        if (!to_coordinator_.empty()) CoordinatorReceives();
        return;
      default:
        for (int i = Below(8); i > 0; --i) LauncherActs();
    }
  }

  std::optional<TaskIndex> unread;  // only the id of this task's leases can be read by the agent
  uint64_t breaks = 0;              // the connection breaks once in so many steps; 0 = never

  const StoredRuns& store() const { return store_; }
  Scheduler& scheduler() { return scheduler_; }
  AgentQueue& queue() { return queue_; }
  size_t largest_batch() const { return largest_batch_; }
  size_t started() const { return started_.size(); }

 private:
  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint64_t>(limit)); }

  void Connect() {
    CoordinatorHello hello{.mesh = MeshId("m"), .epoch = 1, .session = ++sessions_, .commit = commit_};
    coordinator_.emplace("a:4000", hello, now_);
    agent_.emplace(AgentIdentity{.agent = AgentId("a"), .boot = "boot", .slots = slots_}, now_);
  }

  void Break() {
    agent_.reset();
    coordinator_.reset();
    to_agent_.clear();
    to_coordinator_.clear();
    Take(scheduler_.Apply(AgentDown{"a:4000", "the connection broke"}, now_));
  }

  void AgentReceives() {
    ToAgent message = std::move(to_agent_.front());
    to_agent_.pop_front();
    largest_batch_ = std::max(largest_batch_, message.leases.size());
    for (Lease& lease : message.leases)
      if (lease.id.task == unread) lease = {.id = lease.id, .wrong = "spec.work: is missing"};
    auto events = agent_->Receive(message, queue_, now_);
    ASSERT_TRUE(events) << events.error().message;
    for (const QueueEvent& event : *events) TakeQueue(queue_.Apply(event, now_));
  }

  void CoordinatorReceives() {
    auto events = coordinator_->Receive(std::move(to_coordinator_.front()), now_);
    to_coordinator_.pop_front();
    ASSERT_TRUE(events) << events.error().message;
    for (const Event& event : *events) Take(scheduler_.Apply(event, now_));
  }

  // A process begins, or one ends.
  void LauncherActs() {
    if (!launched_.empty() && Below(2) == 0) {
      Ticket ticket = launched_.front();
      launched_.pop_front();
      EXPECT_TRUE(started_.insert(ToString(queue_.Find(ticket)->id)).second);
      running_.insert(ticket);
      TakeQueue(queue_.Apply(queue_event::LauncherStarted{ticket, now_.wall, 0}, now_));
    } else if (!running_.empty()) {
      EndOne(*std::next(running_.begin(), Below(static_cast<int>(running_.size()))), AttemptResult::Kind::kExited);
    }
  }

  void EndOne(Ticket ticket, AttemptResult::Kind kind) {
    running_.erase(ticket);
    AttemptResult result;
    result.kind = kind;
    result.status = Exited{0};
    TakeQueue(queue_.Apply(queue_event::LauncherEnded{ticket, result, 0, 0, true}, now_));
  }

  void Take(Decision decision) {
    EXPECT_EQ(scheduler_.Check(), "");
    for (const Record& record : decision.records) store_.Write(record);
    if (!decision.records.empty()) ++commit_;
    for (Effect& effect : decision.effects) {
      if (!coordinator_) continue;
      if (auto* verdicts = std::get_if<SendVerdicts>(&effect)) coordinator_->AddVerdicts(std::move(verdicts->verdicts));
      if (auto* lease = std::get_if<SendLease>(&effect)) coordinator_->AddLease(std::move(lease->lease));
      if (auto* stop = std::get_if<SendStop>(&effect)) coordinator_->AddStop(stop->id);
      if (auto* ack = std::get_if<SendAck>(&effect)) coordinator_->AddAck({ack->sequence, commit_});
      if (auto* hang_up = std::get_if<HangUpAgent>(&effect)) ADD_FAILURE() << hang_up->reason;
    }
  }

  void TakeQueue(QueueDecision decision) {
    EXPECT_EQ(queue_.Check(), "");
    std::vector<Ticket> stopped;
    for (const QueueEffect& effect : decision.effects) {
      if (const auto* launch = std::get_if<queue_effect::Launch>(&effect)) launched_.push_back(launch->ticket);
      if (const auto* stop = std::get_if<queue_effect::StopProcess>(&effect)) stopped.push_back(stop->ticket);
    }
    for (Ticket ticket : stopped) {
      if (std::erase(launched_, ticket) == 0 && !running_.contains(ticket)) continue;
      EndOne(ticket, AttemptResult::Kind::kStopped);
    }
  }

  std::mt19937_64 random_;
  uint32_t slots_;
  Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
  int runs_ = 0;
  uint64_t sessions_ = 0, commit_ = 0;
  size_t largest_batch_ = 0;
  Scheduler scheduler_;
  StoredRuns store_;
  AgentQueue queue_;
  std::optional<AgentSession> agent_;
  std::optional<CoordinatorSession> coordinator_;
  std::deque<ToAgent> to_agent_;
  std::deque<FromAgent> to_coordinator_;
  std::deque<Ticket> launched_;
  std::set<Ticket> running_;
  std::set<std::string> started_;
};

}  // namespace cromt
