// A scheduler, its store and its agents as a test tells of them. Each step says to the scheduler what happened;
// Effects() and Records() then give, as text, exactly what the scheduler made of it, and nothing is left over:
//
//   env.Connect("a");
//   env.Start(Chain(2));
//   EXPECT_THAT(env.Effects(), ElementsAre("reply r1", "lease r1/1/1 to a"));
//
// After each step all invariants are checked. Agent "a" is at address "a:4000", has the id "agent-a" and the journal
// "journal-a". Runs are named r1, r2, … and tasks are counted from 1, as people see them.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "core/lease.h"
#include "core/scheduler.h"
#include "tests/unit/core/plan_builder.h"
#include "tests/unit/core/stored_runs.h"

namespace cromt {

inline AttemptResult ExitedWith(int code) {
  AttemptResult result;
  result.kind = AttemptResult::Kind::kExited;
  result.status = Exited{code};
  return result;
}
inline AttemptResult NotRun(AttemptResult::Kind kind, std::string reason, bool returned = false) {
  AttemptResult result;
  result.kind = kind;
  result.reason = std::move(reason);
  result.returned = returned;
  return result;
}

class SchedulerEnv {
 public:
  explicit SchedulerEnv(SchedulerLimits limits = {}) : scheduler_(std::make_unique<Scheduler>(limits)) {}

  // ---- What happens -----------------------------------------------------------------------------

  // A session with the agent begins. It lists what it has been leased and has not reported as ended.
  void Connect(const std::string& name, uint32_t slots = 4) { ConnectAt(name, name, slots); }
  void ConnectAt(const std::string& address, const std::string& agent, uint32_t slots = 4) {
    Agent& known = agents_[agent];
    if (known.journal.empty()) known.journal = "journal-" + agent;
    known.address = address;
    std::vector<InventoryItem> inventory;
    for (const auto& [id, phase] : known.attempts) inventory.push_back({id, phase});
    AgentHello hello{.agent = AgentId("agent-" + agent), .journal = JournalId(known.journal), .slots = slots};
    Apply(AgentUp{address + ":4000", hello, std::move(inventory), session_});
  }
  // The sessions that are connected from now on have this number.
  void NextSession(uint64_t number) { session_ = number; }
  void Disconnect(const std::string& address, const std::string& reason = "connection refused") {
    Apply(AgentDown{address + ":4000", reason});
  }
  // Everything that the agent knew is gone.
  void LoseJournal(const std::string& agent) { agents_[agent] = {.journal = agents_[agent].journal + "-new"}; }
  // The agent never got this lease.
  void LoseLease(const std::string& agent, const std::string& attempt) {
    agents_[agent].attempts.erase(Parse(attempt));
  }

  RunId Start(std::shared_ptr<const Plan> plan, const std::string& request = "") {
    RunId run("r" + std::to_string(++runs_));
    RequestId id(request.empty() ? "request-" + run.text() : request);
    Apply(StartRun{.run = run, .request = id, .project = "p", .plan = std::move(plan)});
    return run;
  }
  void Cancel(const std::string& run, const std::string& author = "") { Apply(CancelRun{RunId(run), author}); }
  void ForgetAgent(const std::string& address, const std::string& author = "") {
    Apply(cromt::ForgetAgent{address + ":4000", author});
  }
  void ForgetById(const std::string& agent) { Apply(cromt::ForgetAgent{agent + ":4000", "", AgentId(agent)}); }
  void CancelOne(const std::string& run, TaskIndex task, const std::string& author = "") {
    Apply(CancelTask{RunId(run), task - 1, author});
  }

  // As a recovery adopts what an agent was found to run, for the next Restart.
  void Adopted(const std::string& agent, const std::string& attempt) {
    const AttemptId id = Parse(attempt);
    agents_[agent].attempts[id] = InventoryItem::Phase::kRunning;
    TaskStatus status = store_.Run(id.run).tasks[id.task];
    status.state = TaskState::kRunning;
    status.attempt = id.attempt;
    status.agent = AgentId("agent-" + agent);
    status.journal = JournalId(agents_[agent].journal);
    store_.Write(TaskChanged{id.run, id.task, status});
  }

  // The agent reports, in sequence; attempts are written "r1/2/1".
  void Begins(const std::string& agent, const std::string& attempt) {
    agents_[agent].attempts[Parse(attempt)] = InventoryItem::Phase::kRunning;
    Report(agent, attempt, Report::Started{now_.wall});
  }
  void Ends(const std::string& agent, const std::string& attempt, int code = 0) {
    Ends(agent, attempt, ExitedWith(code));
  }
  void Ends(const std::string& agent, const std::string& attempt, AttemptResult result) {
    agents_[agent].attempts.erase(Parse(attempt));
    Report(agent, attempt, std::move(result));
  }
  void ReportAs(const std::string& agent, uint64_t sequence, const std::string& attempt, AttemptResult result) {
    Apply(AgentReported{agents_[agent].address + ":4000", {{sequence, Parse(attempt), std::move(result)}}});
  }

  // Time goes on; the scheduler is woken exactly when it asked for it.
  void Pass(Duration time) {
    Mono end = now_.mono + time;
    while (scheduler_->NextDeadline() && *scheduler_->NextDeadline() <= end) {
      Set(std::max(now_.mono, *scheduler_->NextDeadline()));
      auto before = scheduler_->NextDeadline();
      Apply(ClockTick{});
      ASSERT_NE(scheduler_->NextDeadline(), before) << "the same deadline again: the owner would spin";
    }
    Set(end);
  }

  void SetWallBack(Duration time) { now_.wall -= time; }

  void Apply(const Event& event) { Take(scheduler_->Apply(event, now_)); }
  void Watch(const std::string& address) { Take(scheduler_->WatchAgent(address + ":4000", now_)); }

  // The coordinator dies and comes up from its store; sessions are gone.
  void Restart() {
    scheduler_ = std::make_unique<Scheduler>();
    effects_.clear();
    records_.clear();
    Take(scheduler_->Restore(store_.Unfinished(), store_.Agents(), store_.Held(), now_, store_.Drained()));
  }

  // ---- What came of it --------------------------------------------------------------------------

  // Since the last call.
  std::vector<std::string> Effects() { return std::exchange(effects_, {}); }
  std::vector<std::string> Records() { return std::exchange(records_, {}); }
  // Only those that begin with this word.
  std::vector<std::string> Effects(const std::string& word) {
    std::vector<std::string> all = Effects();
    std::erase_if(all, [&](const std::string& text) { return !text.starts_with(word + " "); });
    return all;
  }
  void Forget() { effects_.clear(), records_.clear(); }

  // Every change of a task that was recorded, in order, with its time.
  const std::vector<std::pair<TaskChanged, Wall>>& changes() const { return changes_; }
  RunId last_run() const { return RunId("r" + std::to_string(runs_)); }
  const StoredRun& Stored(const std::string& run) const { return store_.Run(RunId(run)); }

  // "kind: sentence", a line each.
  std::vector<std::string> Why(const std::string& run, std::optional<TaskIndex> task = {}) const {
    auto lines = scheduler_->Why(RunId(run), task ? std::optional(*task - 1) : task, now_);
    std::vector<std::string> texts;
    if (!lines) return {"error: " + lines.error().message};
    for (const WhyLine& line : *lines) texts.push_back(fmt::format("{}: {}", ToString(line.kind), line.text));
    return texts;
  }

  const TaskStatus& Task(const std::string& run, TaskIndex task) const {
    return store_.Run(RunId(run)).tasks.at(task - 1);
  }
  const RunStatus& Run(const std::string& run) const { return store_.Run(RunId(run)).status; }
  // "succeeded", "failed: exit code 5", or the state of what has not finished.
  std::string TaskText(const std::string& run, TaskIndex task) const { return StatusText(Task(run, task)); }
  std::string RunText(const std::string& run) const {
    const RunStatus& status = Run(run);
    return std::string(status.outcome ? ToString(*status.outcome) : ToString(status.state));
  }
  std::vector<std::string> TaskTexts(const std::string& run) const {
    std::vector<std::string> texts;
    for (const TaskStatus& status : store_.Run(RunId(run)).tasks) texts.push_back(StatusText(status));
    return texts;
  }
  Scheduler& scheduler() { return *scheduler_; }
  Now now() const { return now_; }

 private:
  struct Agent {
    std::string journal;
    std::string address;
    uint64_t sequence = 0;
    std::map<AttemptId, InventoryItem::Phase> attempts;
  };

  static AttemptId Parse(const std::string& text) {
    size_t task = text.find('/'), attempt = text.rfind('/');
    return {RunId(text.substr(0, task)), static_cast<TaskIndex>(std::stoul(text.substr(task + 1)) - 1),
            static_cast<uint32_t>(std::stoul(text.substr(attempt + 1)))};
  }
  static std::string StatusText(const TaskStatus& status) {
    std::string text(status.outcome ? ToString(*status.outcome) : ToString(status.state));
    if (status.ignored) text += " (ignored)";
    return status.reason.empty() ? text : text + ": " + status.reason;
  }
  // "a:4000" as "a".
  static std::string Short(const std::string& address) { return address.substr(0, address.find(':')); }

  template <class Fact>
  void Report(const std::string& agent, const std::string& attempt, Fact fact) {
    Agent& known = agents_[agent];
    Apply(AgentReported{known.address + ":4000", {{++known.sequence, Parse(attempt), std::move(fact)}}});
  }

  void Set(Mono mono) {
    now_.wall += mono - now_.mono;
    now_.mono = mono;
  }

  void Take(Decision decision) {
    for (const Record& record : decision.records) {
      store_.Write(record);
      if (const auto* changed = std::get_if<TaskChanged>(&record)) changes_.emplace_back(*changed, now_.wall);
      std::visit([this](const auto& r) { Tell(r); }, record);
    }
    for (const Effect& effect : decision.effects) std::visit([this](const auto& e) { Tell(e); }, effect);
    EXPECT_EQ(scheduler_->Check(), "");
  }

  void Tell(const RunCreated& r) { records_.push_back(fmt::format("run {} created", r.header.id.text())); }
  void Tell(const RunPlanned& r) { records_.push_back(fmt::format("run {} planned", r.run.text())); }
  void Tell(const RunChanged& r) {
    std::string text(r.status.outcome ? ToString(*r.status.outcome) : ToString(r.status.state));
    if (r.status.cancel == CancelWish::kAllButCleanups && !r.status.outcome) text += ", cancel wanted";
    if (r.status.cancel == CancelWish::kAll && !r.status.outcome) text += ", all of it";
    records_.push_back(fmt::format("run {} {}", r.run.text(), text));
  }
  void Tell(const TaskChanged& r) {
    records_.push_back(fmt::format("task {}/{} {}", r.run.text(), r.task + 1, StatusText(r.status)));
  }
  void Tell(const ArtifactsPublished& r) {
    for (const PublishedArtifact& artifact : r.artifacts)
      records_.push_back(fmt::format("published {}/{} {}", r.run.text(), r.task + 1, artifact.name));
  }
  void Tell(const ImageRan& r) {
    records_.push_back(fmt::format("image of {}/{}/{} {}", r.run.text(), r.task + 1, r.attempt, r.digest));
  }
  void Tell(const LaneHeld& r) {
    std::string text = fmt::format("{} keeps", ToString(r.id));
    for (const std::string& lane : r.lanes) text += " " + lane;
    records_.push_back(text);
  }
  void Tell(const LaneFreed& r) { records_.push_back(ToString(r.id) + " frees its lanes"); }
  void Tell(const AgentSeen& r) {
    records_.push_back(fmt::format("seen {} of {}", r.applied_sequence, r.journal.text()));
  }
  void Tell(const AgentDrained& r) { records_.push_back("drained " + Short(r.address)); }
  void Tell(const AgentResumed& r) { records_.push_back("resumed " + Short(r.address)); }
  void Tell(const FileApplied&) { ADD_FAILURE() << "the scheduler applies no files"; }
  void Tell(const ScheduleSet&) { ADD_FAILURE() << "the scheduler has no schedules"; }
  void Tell(const ScheduleDropped&) { ADD_FAILURE() << "the scheduler has no schedules"; }
  void Tell(const TickSettled&) { ADD_FAILURE() << "the scheduler has no schedules"; }
  void Tell(const Paused&) { ADD_FAILURE() << "the scheduler has no schedules"; }
  void Tell(const Unpaused&) { ADD_FAILURE() << "the scheduler has no schedules"; }
  void Tell(const TriggerSet&) { ADD_FAILURE() << "the scheduler has no triggers"; }
  void Tell(const TriggerDropped&) { ADD_FAILURE() << "the scheduler has no triggers"; }
  void Tell(const RunRemoved&) { ADD_FAILURE() << "the scheduler removes nothing"; }
  void Tell(const RemnantsSwept&) { ADD_FAILURE() << "the scheduler removes nothing"; }
  void Tell(const OutputRemoved&) { ADD_FAILURE() << "the scheduler removes nothing"; }
  void Tell(const TicksForgotten&) { ADD_FAILURE() << "the scheduler removes nothing"; }

  void Tell(const DialAgent& e) { effects_.push_back("dial " + Short(e.address)); }
  void Tell(const HangUpAgent& e) { effects_.push_back(fmt::format("hang-up {}: {}", Short(e.address), e.reason)); }
  void Tell(const SendVerdicts& e) {
    std::string text = "verdicts to " + Short(e.address);
    for (const Verdict& verdict : e.verdicts) {
      constexpr std::array<const char*, 3> kWords = {"keep", "stop", "forget"};
      text += fmt::format(", {} {}", kWords.at(static_cast<size_t>(verdict.kind)), ToString(verdict.id));
    }
    effects_.push_back(text);
  }
  void Tell(const SendLease& e) {
    std::string text = fmt::format("lease {} to {}", ToString(e.lease.id), Short(e.address));
    if (e.lease.inputs)
      for (const LeaseInput& input : *e.lease.inputs)
        text += fmt::format(", {} from {} at {}", input.path, input.holder.text(), Short(input.address));
    effects_.push_back(text);
    for (auto& [name, agent] : agents_)
      if (agent.address == Short(e.address)) agent.attempts[e.lease.id] = InventoryItem::Phase::kLeased;
  }
  void Tell(const SendStop& e) { effects_.push_back(fmt::format("stop {} at {}", ToString(e.id), Short(e.address))); }
  void Tell(const SendAck& e) { effects_.push_back(fmt::format("ack {} to {}", e.sequence, Short(e.address))); }
  void Tell(const ResolveSources& e) {
    std::string text = "resolve " + e.run.text();
    for (const auto& [url, ref, commit] : e.repositories)
      text += fmt::format(" {}@{}{}{}", url, ref, commit.empty() ? "" : ":", commit);
    effects_.push_back(text);
  }
  void Tell(const Reply& e) {
    effects_.push_back("reply " + (e.result ? e.result->text() : "refused: " + e.result.error().message));
  }

  std::unique_ptr<Scheduler> scheduler_;
  StoredRuns store_;
  Now now_{MonoFromMicros(1'000'000), WallFromMicros(1'700'000'000'000'000)};
  int runs_ = 0;
  std::map<std::string, Agent> agents_;
  uint64_t session_ = 0;
  std::vector<std::string> effects_, records_;
  std::vector<std::pair<TaskChanged, Wall>> changes_;
};

}  // namespace cromt
