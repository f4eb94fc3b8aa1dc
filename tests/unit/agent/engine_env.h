// The agent's engine with a journal in memory. The test is the coordinators, the launcher, the disk and the clock.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/engine.h"
#include "agent/fake_journal.h"
#include "tests/unit/agent/quiet_edges.h"

namespace cromt {

class EngineEnv : public testing::Test, private QuietEdges {
 protected:
  EngineEnv() {
    StartWith({}, "journal");
    const auto content = journal_.Reopen();
    if (content) before_ = std::get<journal::Opened>(content->records.at(0)).next_ticket - 1;
  }

  // In a new process; `id`: of a new journal, as each process makes one.
  void StartWith(const std::vector<JournalRecord>& records, const std::string& id) {
    AgentEdges& edges = *this;
    engine_ = std::make_unique<AgentEngine>(journal_, edges, AgentIdentity{.agent = AgentId("a"), .boot = "boot"},
                                            QueueLimits{.slots = 2}, JournalId(id));
    EXPECT_TRUE(engine_->Start(records, now_));
  }

  virtual void Step(std::vector<AgentInput> inputs) { EXPECT_TRUE(engine_->Step(std::move(inputs), now_)); }
  void Step() { Step(std::vector<AgentInput>()); }
  void Tell(QueueEvent event) { Step({agent_input::Tell{std::move(event), {}}}); }

  void Connect(uint32_t pid = 7) { Step({agent_input::LauncherConnected{pid}}); }
  // Attempts count from 1 here, as in all that follows.
  void Up(const std::string& incarnation) { Tell(queue_event::LauncherUp{incarnation, {}}); }
  void Begins(Ticket number) { Tell(queue_event::LauncherStarted{before_ + number, now_.wall, 0}); }
  void Ends(Ticket number) {
    Tell(queue_event::LauncherEnded{
        before_ + number, {.kind = AttemptResult::Kind::kExited, .status = Exited{0}}, 0, 0, true});
  }
  // Of a plain job nobody stops the process but by StopWanted.
  void Stop(const std::string& job) { Tell(queue_event::StopWanted{kPlainMesh, {RunId(job), 0, 1}}); }
  static std::shared_ptr<const TaskSpec> Spec() {
    return std::make_shared<const TaskSpec>(TaskSpec{.name = "x", .project = "x", .work = Command{{"x"}}});
  }
  // What the submitter is told: "ok", or why it is refused.
  std::string Submit(const std::string& job, std::shared_ptr<const TaskSpec> spec = Spec()) {
    auto told = std::make_shared<std::string>("nothing");
    Step({agent_input::Tell{queue_event::JobSubmitted{RunId(job), RequestId(job), std::move(spec)},
                            [told](Result<RunId> reply) { *told = reply ? "ok" : reply.error().message; }}});
    return *told;
  }

  static std::vector<AgentInput> Greeting(StreamId stream, CoordinatorHello hello) {
    ToAgent message;
    message.hello = std::move(hello);
    return {agent_input::StreamOpened{stream}, agent_input::StreamMessage{stream, message}};
  }
  // A live session.
  void Greet(StreamId stream, const std::string& mesh, uint64_t session) {
    std::vector<AgentInput> inputs = Greeting(stream, {.mesh = MeshId(mesh), .epoch = 3, .session = session});
    ToAgent verdicts;
    verdicts.verdicts_done = true;
    inputs.emplace_back(agent_input::StreamMessage{stream, verdicts});
    inputs.emplace_back(agent_input::StreamWritable{stream});
    Step(std::move(inputs));
  }
  static AgentInput LeaseOn(StreamId stream, TaskIndex task) {
    ToAgent message;
    message.leases.push_back({.id = {RunId("run"), task, 1}, .spec = Spec(), .host = "h", .inputs = {}});
    return agent_input::StreamMessage{stream, message};
  }
  std::vector<TaskIndex> Taken() const {
    std::vector<TaskIndex> tasks;
    for (const InventoryTicket& item : engine_->queue().Tickets()) tasks.push_back(item.id.task);
    return tasks;
  }
  std::string WhyClosed(StreamId stream) { return closed_[stream]; }
  std::vector<TaskIndex> ToldOn(StreamId stream) {
    std::vector<TaskIndex> tasks;
    for (const InventoryItem& item : told_[stream]) tasks.push_back(item.id.task);
    return tasks;
  }

  // Why it takes nothing new, and that it does again, since the last call; and what it has ordered.
  std::vector<std::string> Said() { return std::exchange(said_, {}); }
  std::vector<std::string> Orders() { return std::exchange(orders_, {}); }

  FakeJournal journal_;
  Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
  std::unique_ptr<AgentEngine> engine_;
  Ticket before_ = 0;  // the last one that is not of this journal
  std::vector<FromAgent> sent_;

 private:
  void Order(std::string_view what, Ticket ticket) { orders_.push_back(fmt::format("{} {}", what, ticket - before_)); }
  void Launch(const QueuedAttempt& attempt, uint32_t) override { Order("start", attempt.ticket); }
  void StopProcess(Ticket ticket) override { Order("stop", ticket); }
  void Prepare(const QueuedAttempt& attempt, uint32_t) override { Order("prepare", attempt.ticket); }
  void Send(StreamId stream, FromAgent message) override {
    auto& told = told_[stream];
    told.insert(told.end(), message.inventory.begin(), message.inventory.end());
    sent_.push_back(std::move(message));
  }
  void Close(StreamId stream, const Error& why) override { closed_[stream] = why.message; }
  void Refuses(const std::string& reason) override { said_.push_back(reason); }

  std::vector<std::string> said_, orders_;
  std::map<StreamId, std::string> closed_;
  std::map<StreamId, std::vector<InventoryItem>> told_;
};

}  // namespace cromt
