#include "tests/sim/watcher.h"

#include <array>

namespace cromt::sim {
namespace {

constexpr std::string_view kNone = "none";

std::string_view NameOf(QueuedAttempt::Phase phase) {
  constexpr std::array<std::string_view, 6> kNames = {"queued",  "preparing",  "launching",
                                                      "running", "publishing", "ended"};
  return kNames.at(static_cast<size_t>(phase));
}

std::string_view NameOf(Verdict::Kind kind) {
  constexpr std::array<std::string_view, 3> kNames = {"keep", "stop", "forget"};
  return kNames.at(static_cast<size_t>(kind));
}

std::string_view NameOf(InventoryItem::Phase phase) {
  constexpr std::array<std::string_view, 3> kNames = {"leased", "running", "ended"};
  return kNames.at(static_cast<size_t>(phase));
}

}  // namespace

// ---- What is committed ------------------------------------------------------------------------

void CommitWatcher::See(std::span<const Record> records) {
  for (const Record& record : records) {
    if (const auto* created = std::get_if<RunCreated>(&record)) See(*created);
    if (const auto* changed = std::get_if<RunChanged>(&record)) See(*changed);
    if (const auto* changed = std::get_if<TaskChanged>(&record)) See(*changed);
    if (const auto* settled = std::get_if<TickSettled>(&record)) SeeStart(*settled);
    if (std::holds_alternative<RunPlanned>(record)) situations_.Saw("record", "run planned");
    if (std::holds_alternative<ArtifactsPublished>(record)) situations_.Saw("record", "artifacts published");
    if (std::holds_alternative<LaneHeld>(record)) situations_.Saw("record", "lane held by a lost attempt");
    if (std::holds_alternative<LaneFreed>(record)) situations_.Saw("record", "lane freed");
    if (std::holds_alternative<FileApplied>(record)) situations_.Saw("record", "file applied");
    if (std::holds_alternative<AgentDrained>(record)) situations_.Saw("record", "agent drained");
    if (std::holds_alternative<AgentResumed>(record)) situations_.Saw("record", "agent resumed");
    if (std::holds_alternative<Paused>(record)) situations_.Saw("record", "paused");
    if (std::holds_alternative<Unpaused>(record)) situations_.Saw("record", "unpaused");
    if (std::holds_alternative<RunRemoved>(record)) situations_.Saw("record", "run removed");
  }
}

void CommitWatcher::TakeUp(const StoredState& state) {
  tasks_.clear();
  runs_.clear();
  for (const StoredRun& run : state.runs) {
    runs_[run.header.id] = run.status.state;
    for (TaskIndex task = 0; task < run.tasks.size(); ++task) tasks_[{run.header.id, task}] = run.tasks[task].state;
  }
}

void CommitWatcher::See(const RunCreated& record) {
  situations_.Saw("run starts by", ToString(record.header.trigger));
  runs_[record.header.id] = RunState::kQueued;
}

void CommitWatcher::See(const RunChanged& record) {
  RunState& state = runs_[record.run];
  if (state != record.status.state) situations_.Saw("run", ToString(state), ToString(record.status.state));
  if (state != RunState::kFinished && record.status.outcome)
    situations_.Saw("run ends", ToString(*record.status.outcome));
  state = record.status.state;
}

void CommitWatcher::See(const TaskChanged& record) {
  TaskState& state = tasks_[{record.run, record.task}];  // the first one: waiting
  if (state != record.status.state) situations_.Saw("task", ToString(state), ToString(record.status.state));
  if (state != TaskState::kFinished && record.status.outcome) {
    situations_.Saw("task ends", ToString(*record.status.outcome));
    if (record.status.ignored) situations_.Saw("task ends", "ignored");
    if (record.status.tries > 0 && *record.status.outcome == TaskOutcome::kSucceeded)
      situations_.Saw("task ends", "succeeded after a retry");
    if (record.status.losses > 0) situations_.Saw("task ends", "tried again after a loss");
  }
  state = record.status.state;
}

void CommitWatcher::SeeStart(const TickSettled& record) {
  situations_.Saw("tick or push", ToString(record.outcome));
  if (record.count > 1) situations_.Saw("tick or push", "several missed in one line");
}

// ---- What an agent does -----------------------------------------------------------------------

void QueueWatcher::See(const AgentQueue& queue) {
  std::map<Ticket, QueuedAttempt::Phase> now;
  for (const InventoryTicket& known : queue.Tickets()) {
    const QueuedAttempt& attempt = *queue.Find(known.ticket);
    now[known.ticket] = attempt.phase;
    const auto before = phases_.find(known.ticket);
    const std::string_view from = before == phases_.end() ? kNone : NameOf(before->second);
    if (before != phases_.end() && before->second == attempt.phase) continue;
    situations_.Saw("attempt", from, NameOf(attempt.phase));
    if (attempt.phase != QueuedAttempt::Phase::kEnded) continue;
    situations_.Saw("attempt ends", ToString(attempt.result.kind));
    if (attempt.result.returned) situations_.Saw("lease", "given back unused");
  }
  for (const auto& [ticket, phase] : phases_)
    if (!now.contains(ticket)) situations_.Saw("attempt", NameOf(phase), "forgotten");
  phases_ = std::move(now);
}

// ---- What they say ----------------------------------------------------------------------------

void SessionWatcher::GoTo(std::string_view phase) {
  if (phase_ == phase || phase_ == "ended") return;
  situations_->Saw("session", phase_, phase);
  phase_ = phase;
}

void SessionWatcher::Ended() {
  GoTo("ended");
}

void SessionWatcher::See(const ToAgent& message) {
  if (message.hello) GoTo("coordinator's hello");
  for (const Verdict& verdict : message.verdicts) situations_->Saw("verdict", NameOf(verdict.kind));
  if (message.verdicts_done) GoTo("live");
  for (const Lease& lease : message.leases) situations_->Saw("lease", lease.wrong.empty() ? "offered" : "unreadable");
  if (!message.stops.empty()) situations_->Saw("to agent", "stop");
  if (message.ack) situations_->Saw("to agent", "ack");
  if (message.heartbeat_echo != 0) situations_->Saw("lease", "extended");
  if (!message.blob_failures.empty()) situations_->Saw("to agent", "blob can't be brought");
}

void SessionWatcher::See(const FromAgent& message) {
  if (message.hello) GoTo("agent's hello");
  for (const InventoryItem& item : message.inventory) situations_->Saw("inventory", NameOf(item.phase));
  if (message.inventory_done) GoTo("inventory");
  if (!message.reports.empty()) situations_->Saw("from agent", "reports");
  if (!message.wanted_blobs.empty()) situations_->Saw("from agent", "wants a blob");
  if (message.refuses)
    situations_->Saw("from agent", message.refuses->empty() ? "takes leases again" : "takes no leases");
}

}  // namespace cromt::sim
