// The agent's engine with a journal in memory. The test is the coordinators, the launcher, the disk and the clock.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/engine.h"
#include "agent/fake_journal.h"

namespace cromt {

class EngineEnv : public testing::Test, private AgentEdges {
 protected:
  EngineEnv() {
    AgentEdges& edges = *this;
    engine_ = std::make_unique<AgentEngine>(journal_, edges, AgentIdentity{.agent = AgentId("a"), .boot = "boot"},
                                            QueueLimits{.slots = 2}, JournalId("journal"));
    EXPECT_TRUE(engine_->Start({}, now_));
    Step({agent_input::LauncherConnected{7}, agent_input::Tell{queue_event::LauncherUp{"launcher", {}}, {}}});
  }

  void Step(std::vector<AgentInput> inputs = {}) { EXPECT_TRUE(engine_->Step(std::move(inputs), now_)); }
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
  static std::shared_ptr<const TaskSpec> Spec() {
    return std::make_shared<const TaskSpec>(TaskSpec{.name = "x", .project = "x", .work = Command{{"x"}}});
  }
  static AgentInput LeaseOn(StreamId stream, TaskIndex task) {
    ToAgent message;
    message.leases.push_back({.id = {RunId("run"), task, 1}, .spec = Spec(), .host = "h", .inputs = {}});
    return agent_input::StreamMessage{stream, message};
  }
  // "" until it is answered.
  AgentInput Submit(const std::string& job, std::shared_ptr<const TaskSpec> spec = Spec()) {
    return agent_input::Tell{
        queue_event::JobSubmitted{RunId(job), RequestId(job), std::move(spec)},
        [&answer = answers_[job]](Result<RunId> reply) { answer = reply ? "ok" : reply.error().message; }};
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

  FakeJournal journal_;
  Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
  std::unique_ptr<AgentEngine> engine_;
  std::map<std::string, std::string> answers_;  // by job
  std::vector<std::string> launched_;           // runs
  std::vector<Ticket> prepares_, stopped_;
  std::vector<FromAgent> sent_;

 private:
  void Launch(const QueuedAttempt& attempt, uint32_t) override { launched_.push_back(attempt.id.run.text()); }
  void StopProcess(Ticket ticket) override { stopped_.push_back(ticket); }
  void ForgetResult(Ticket) override {}
  void Prepare(const QueuedAttempt& attempt, uint32_t) override { prepares_.push_back(attempt.ticket); }
  void StopPreparing(Ticket) override {}
  void CleanSlot(uint32_t) override {}
  void Publish(const QueuedAttempt&, uint32_t) override {}
  void BlobFailed(const BlobFailure&) override {}
  void Send(StreamId stream, FromAgent message) override {
    auto& told = told_[stream];
    told.insert(told.end(), message.inventory.begin(), message.inventory.end());
    sent_.push_back(std::move(message));
  }
  void Close(StreamId stream, const Error& why) override { closed_[stream] = why.message; }
  void Refuses(const std::string&) override {}
  void JobChanged(const QueuedAttempt&) override {}
  void Forgotten(Ticket) override {}

  std::map<StreamId, std::string> closed_;
  std::map<StreamId, std::vector<InventoryItem>> told_;
};

}  // namespace cromt
