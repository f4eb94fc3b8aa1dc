// A scheduler with its store and a few simple agents that never fail, under a seed: what comes next (a message
// arrives, a task ends, a session breaks, the coordinator crashes) is drawn at random. A mesh is a value: a copy goes
// on from the same moment on its own. How a task ends is written in its spec, so that every history of one workload has
// to end alike.
//
// The agents check what no scheduler may ever do: start a task twice, or more tasks of a group than its depth.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/scheduler.h"
#include "tests/unit/core/stored_runs.h"

namespace cromt {

struct FakeAgent {
  std::string address;
  bool connected = false;
  uint64_t next_sequence = 1;
  std::deque<Report> unacked;
  uint64_t sent = 0;  // in this session
  std::map<AttemptId, InventoryItem::Phase> attempts;
  std::deque<Effect> inbox;  // sent to it in this session and not arrived yet
};

class FakeMesh {
 public:
  explicit FakeMesh(uint64_t seed) : random_(seed) {
    for (const char* name : {"a", "b", "c"}) agents_[std::string(name) + ":4000"].address = std::string(name) + ":4000";
  }

  void Submit(const std::shared_ptr<const Plan>& plan) { waiting_.push_back(plan); }

  // One thing happens. False once all that was submitted has finished.
  bool Step(Scheduler& scheduler) {
    now_.mono += milliseconds(Below(200));
    now_.wall += milliseconds(Below(200));
    if (scheduler.NextDeadline() && *scheduler.NextDeadline() <= now_.mono) Apply(scheduler, ClockTick{});
    if (waiting_.empty() && scheduler.unfinished_runs() == 0) return false;
    if (!waiting_.empty() && Below(20) == 0) return StartOne(scheduler), true;
    if (cancels && random_() % cancels == 0) CancelOne(scheduler);
    auto agent = std::next(agents_.begin(), Below(static_cast<int>(agents_.size())));
    Act(scheduler, agent->second);
    return true;
  }

  // The coordinator died and comes up with what its store holds.
  void Restore(Scheduler& scheduler) {
    for (auto& [address, agent] : agents_) Break(agent);
    Take(scheduler, scheduler.Restore(store_.Unfinished(), store_.Agents(), store_.Held(), now_));
  }

  // Where a crash may strike: before what Apply decided is on disk, or after that but before its effects have left.
  std::function<void(const FakeMesh&)> on_stored = [](const FakeMesh&) {};
  uint64_t faults = 40;  // a session breaks once in so many actions; 0 = never
  uint64_t cancels = 0;  // a run is canceled once in so many steps; 0 = never
  void Reseed(uint64_t seed) { random_.seed(seed); }

  std::vector<std::string> Outcomes() const {
    std::vector<std::string> outcomes;
    for (const RunId& id : store_.Ids()) {
      const StoredRun& run = store_.Run(id);
      std::string text = run.status.outcome ? std::string(ToString(*run.status.outcome)) : "unfinished";
      for (const TaskStatus& task : run.tasks)
        text += fmt::format(" {}", task.outcome ? ToString(*task.outcome) : ToString(task.state));
      outcomes.push_back(text);
    }
    return outcomes;
  }
  size_t not_started() const { return waiting_.size(); }
  const StoredRuns& store() const { return store_; }
  Now now() const { return now_; }

 private:
  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint64_t>(limit)); }

  void StartOne(Scheduler& scheduler) {
    auto plan = waiting_.front();
    waiting_.pop_front();
    RunId run(fmt::format("r{}", store_.Ids().size() + 1));
    Apply(scheduler, StartRun{.run = run, .request = RequestId("q-" + run.text()), .plan = std::move(plan)});
  }

  void CancelOne(Scheduler& scheduler) {
    if (store_.Ids().empty()) return;
    const RunId& run = store_.Ids()[static_cast<size_t>(Below(static_cast<int>(store_.Ids().size())))];
    auto tasks = static_cast<int>(store_.Run(run).tasks.size());
    if (tasks > 0 && Below(2) == 0)
      Apply(scheduler, CancelTask{run, static_cast<TaskIndex>(Below(tasks)), "eve"});
    else
      Apply(scheduler, CancelRun{run, "eve"});
  }

  void Act(Scheduler& scheduler, FakeAgent& agent) {
    if (!agent.connected) return Connect(scheduler, agent);
    if (faults && random_() % faults == 0) {
      Break(agent);
      return Apply(scheduler, AgentDown{agent.address, "the connection broke"});
    }
    switch (Below(4)) {
      case 0:
        if (!agent.inbox.empty()) Arrive(agent);
        return;
      case 1: return StartTask(agent);
      case 2: return EndTask(agent);
      default: return SendReports(scheduler, agent);
    }
  }

  void Connect(Scheduler& scheduler, FakeAgent& agent) {
    agent.connected = true;
    AgentHello hello{.agent = AgentId("id-" + agent.address.substr(0, 1)), .journal = JournalId("j"), .slots = 2};
    std::vector<InventoryItem> inventory;
    for (const auto& [id, phase] : agent.attempts) inventory.push_back({id, phase});
    Apply(scheduler, AgentUp{agent.address, hello, std::move(inventory)});
  }

  // What is on its way is lost.
  void Break(FakeAgent& agent) {
    agent.connected = false;
    agent.inbox.clear();
    agent.sent = agent.unacked.empty() ? agent.next_sequence - 1 : agent.unacked.front().sequence - 1;
  }

  void Arrive(FakeAgent& agent) {
    Effect effect = std::move(agent.inbox.front());
    agent.inbox.pop_front();
    if (auto* lease = std::get_if<SendLease>(&effect)) {
      agent.attempts.emplace(lease->lease.id, InventoryItem::Phase::kLeased);
      specs_[lease->lease.id] = lease->lease.spec;
    } else if (auto* ack = std::get_if<SendAck>(&effect)) {
      for (; !agent.unacked.empty() && agent.unacked.front().sequence <= ack->sequence; agent.unacked.pop_front())
        if (std::holds_alternative<AttemptResult>(agent.unacked.front().fact))
          agent.attempts.erase(agent.unacked.front().id);
    } else if (auto* verdicts = std::get_if<SendVerdicts>(&effect)) {
      for (const Verdict& verdict : verdicts->verdicts)
        if (verdict.kind == Verdict::Kind::kStop) Stop(agent, verdict.id);
    } else if (auto* stop = std::get_if<SendStop>(&effect)) {
      Stop(agent, stop->id);
    }
  }

  void Stop(FakeAgent& agent, const AttemptId& id) {
    EXPECT_NE(cancels, 0u) << ToString(id) << " was stopped and nobody had canceled it";
    auto attempt = agent.attempts.find(id);
    if (attempt == agent.attempts.end() || attempt->second == InventoryItem::Phase::kEnded) return;
    AttemptResult result;
    result.kind = AttemptResult::Kind::kNotStarted;
    if (attempt->second == InventoryItem::Phase::kRunning) {
      result.kind = AttemptResult::Kind::kStopped;
      LeaveGroups(id);
    }
    End(agent, id, std::move(result));
  }

  std::optional<AttemptId> One(const FakeAgent& agent, InventoryItem::Phase phase) {
    std::vector<AttemptId> ids;
    for (const auto& [id, p] : agent.attempts)
      if (p == phase) ids.push_back(id);
    if (ids.empty()) return std::nullopt;
    return ids[static_cast<size_t>(Below(static_cast<int>(ids.size())))];
  }

  void StartTask(FakeAgent& agent) {
    auto id = One(agent, InventoryItem::Phase::kLeased);
    if (!id) return;
    EXPECT_TRUE(started_.insert({id->run, id->task}).second) << ToString(*id) << " had been started before";
    const Plan& plan = *store_.Run(id->run).plan;
    for (uint32_t g : plan.tasks[id->task].groups) {
      const PlannedGroup& group = plan.groups[g];
      EXPECT_LE(++running_[GroupKey(id->run, group)], group.depth)
          << ToString(*id) << " is one too many in " << group.name;
    }
    agent.attempts[*id] = InventoryItem::Phase::kRunning;
    agent.unacked.push_back({agent.next_sequence++, *id, Report::Started{now_.wall}});
  }

  void EndTask(FakeAgent& agent) {
    auto id = One(agent, InventoryItem::Phase::kRunning);
    if (!id) return;
    LeaveGroups(*id);
    AttemptResult result;
    result.kind = AttemptResult::Kind::kExited;
    result.status = Exited{std::stoi(specs_.at(*id)->name)};
    End(agent, *id, std::move(result));
  }

  void End(FakeAgent& agent, const AttemptId& id, AttemptResult result) {
    agent.attempts[id] = InventoryItem::Phase::kEnded;
    agent.unacked.push_back({agent.next_sequence++, id, std::move(result)});
  }

  void LeaveGroups(const AttemptId& id) {
    const Plan& plan = *store_.Run(id.run).plan;
    for (uint32_t g : plan.tasks[id.task].groups) --running_[GroupKey(id.run, plan.groups[g])];
  }

  void SendReports(Scheduler& scheduler, FakeAgent& agent) {
    std::vector<Report> reports;
    for (const Report& report : agent.unacked)
      if (report.sequence > agent.sent && (reports.empty() || Below(4) != 0)) {
        if (!reports.empty() && report.sequence != reports.back().sequence + 1) break;
        reports.push_back(report);
      }
    if (reports.empty()) return;
    agent.sent = reports.back().sequence;
    Apply(scheduler, AgentReported{agent.address, std::move(reports)});
  }

  static std::string GroupKey(const RunId& run, const PlannedGroup& group) {
    return group.mesh_wide ? group.name : run.text() + "/" + group.name;
  }

  void Apply(Scheduler& scheduler, const Event& event) { Take(scheduler, scheduler.Apply(event, now_)); }

  void Take(Scheduler& scheduler, Decision decision) {
    EXPECT_EQ(scheduler.Check(), "");
    for (const Record& record : decision.records) store_.Write(record);
    on_stored(*this);
    for (Effect& effect : decision.effects) {
      std::string address;
      if (auto* lease = std::get_if<SendLease>(&effect)) address = lease->address;
      if (auto* stop = std::get_if<SendStop>(&effect)) address = stop->address;
      if (auto* ack = std::get_if<SendAck>(&effect)) address = ack->address;
      if (auto* verdicts = std::get_if<SendVerdicts>(&effect)) address = verdicts->address;
      if (auto* hang_up = std::get_if<HangUpAgent>(&effect)) ADD_FAILURE() << hang_up->reason;
      if (!address.empty() && agents_.at(address).connected) agents_.at(address).inbox.push_back(std::move(effect));
    }
  }

  std::mt19937_64 random_;
  Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
  StoredRuns store_;
  std::deque<std::shared_ptr<const Plan>> waiting_;
  std::map<std::string, FakeAgent> agents_;
  std::map<AttemptId, std::shared_ptr<const TaskSpec>> specs_;
  std::set<std::pair<RunId, TaskIndex>> started_;
  std::map<std::string, uint32_t> running_;
};

}  // namespace cromt
