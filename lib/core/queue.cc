#include "core/queue.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/size.h"
#include "core/queue_state.h"
#include "core/script.h"

namespace cromt {
namespace {

size_t BytesOf(const SecretValues& values) {
  size_t bytes = 0;
  if (values)
    for (const auto& [name, value] : *values) bytes += name.size() + value.size();
  return bytes;
}

// What stands for the task of an attempt that is known only to be reported as ended: it has to cost less than what is
// refused for its cost. No lease has such a one.
const std::shared_ptr<const TaskSpec>& NoTask() {
  static const auto kNoTask =
      std::make_shared<const TaskSpec>(TaskSpec{.name = "not taken", .project = "x", .work = Command{}});
  return kNoTask;
}

// What the agent has lost in a restart and can't begin this without; empty = nothing.
std::string WhatIsLost(const QueuedAttempt& attempt) {
  // A crash has cut the journal between the two records of EndUntaken.
  if (attempt.spec->work == NoTask()->work)
    return "the agent was restarted before it had said why it does not take this";
  if (!attempt.secrets && !attempt.spec->secrets.empty())
    return "the agent was restarted, and keeps no secrets over that";
  return "";
}

AttemptResult LeaseRanOut() {
  return {.kind = AttemptResult::Kind::kNotStarted, .reason = "its lease ran out before it began", .returned = true};
}

// By the task's own rule: then its artifacts are published.
bool Succeeded(const TaskSpec& spec, const AttemptResult& result) {
  if (result.kind != AttemptResult::Kind::kExited || !result.status) return false;
  const auto* exited = std::get_if<Exited>(&*result.status);
  auto among = [&](const std::vector<int>& codes) {
    return std::find(codes.begin(), codes.end(), exited->code) != codes.end();
  };
  return exited && (among(spec.exit_policy.success) || among(spec.exit_policy.stop));
}

}  // namespace

AgentQueue::AgentQueue(QueueLimits limits, std::string boot, JournalId journal, Ticket first, Ticket passed_over)
    : state_(std::make_unique<State>()) {
  state_->next_ticket = first;
  state_->passed_over = passed_over;
  state_->limits = limits;
  state_->boot = std::move(boot);
  state_->journal = std::move(journal);
  for (uint32_t slot = 0; slot < limits.slots; ++slot) state_->free_slots.insert(slot);
}
AgentQueue::~AgentQueue() = default;

QueueDecision AgentQueue::Apply(const QueueEvent& event, Now now) {
  state_->now = now;
  std::visit([&](const auto& e) { state_->On(e); }, event);
  state_->FillSlots();
  return std::exchange(state_->out, {});
}

QueueDecision AgentQueue::Restore(const std::vector<JournalRecord>& records, Now now, const OutputsInLog& outputs) {
  state_->now = now;
  std::string boot_now = state_->boot;
  JournalId new_journal = state_->journal;
  if (records.empty())
    state_->out.records.push_back(journal::Opened{state_->journal, boot_now, state_->next_ticket});
  else
    state_->next_ticket = 1;  // as the journal says
  for (const JournalRecord& record : records) state_->Replay(record);
  state_->out.effects.clear();  // what was done once
  if (!records.empty()) state_->next_ticket += state_->passed_over;
  bool same_boot = state_->boot == boot_now;
  if (!same_boot) {
    journal::Opened opened{new_journal, boot_now, state_->next_ticket};
    state_->Replay(opened);
    state_->out.records.push_back(std::move(opened));
    state_->Recover(outputs);
  }
  state_->ForgetAllDone();
  state_->ForgetMeshes(state_->limits.meshes);
  return std::exchange(state_->out, {});
}

// After a host restart nothing of the old boot is started or resumed. Nothing is returned either: the crash may have
// cost the journal its end, so what is in line by what is left of it may have been launched, and must not run twice.
void AgentQueue::State::Recover(const OutputsInLog& outputs) {
  std::vector<Ticket> open;
  for (const auto& [ticket, attempt] : attempts) {
    if (attempt.phase != QueuedAttempt::Phase::kEnded) {
      open.push_back(ticket);
    } else if (auto output = outputs.find(ticket); output != outputs.end() && output->second.end > attempt.log_end) {
      // A note that lies there says that some is missing.
      journal::Ended further{ticket, 0, attempt.result, attempt.log_begin, output->second.end};
      Replay(further);
      out.records.push_back(std::move(further));
    }
  }
  for (Ticket ticket : open) {
    QueuedAttempt& attempt = attempts.at(ticket);
    attempt.slot.reset();
    EndLost(attempt, {.kind = AttemptResult::Kind::kLost, .reason = "lost: the host was restarted"}, outputs);
  }
  used_dirs.clear();
  free_slots.clear();
  for (uint32_t slot = 0; slot < limits.slots; ++slot) free_slots.insert(slot);
}

std::optional<Mono> AgentQueue::NextDeadline() const {
  std::optional<Mono> next;
  for (const auto& [id, mesh] : state_->meshes)
    if (!mesh.line.empty() && id != kPlainMesh) next = next ? std::min(*next, mesh.lease_until) : mesh.lease_until;
  return next;
}

// ---- Sessions ---------------------------------------------------------------------------------

void AgentQueue::State::On(const queue_event::SessionBegan& event) {
  MeshState& mesh = Meet(event.mesh);
  mesh.epoch = std::max(mesh.epoch, event.epoch);
  mesh.commit = std::max(mesh.commit, event.commit);
  mesh.heard = now.mono;
  out.records.push_back(SeenRecord(event.mesh, mesh));
}

void AgentQueue::State::On(const queue_event::LeaseOffered& event) {
  const Lease& lease = event.lease;
  if (QueuedAttempt* known = FindById(event.mesh, lease.id)) {
    if (known->end_acked) SayEndAgain(*known);
    return;  // offered before
  }
  if (!lease.spec)
    return EndUntaken(event, {.kind = AttemptResult::Kind::kNotStarted,
                              .reason = "the agent can't read what it is to do: " + lease.wrong});
  std::string why = draining           ? "the agent drains and takes nothing new"
                    : !refusal.empty() ? "the agent takes nothing new: " + refusal
                                       : WhyFull(*lease.spec);
  if (!why.empty())
    return EndUntaken(event, {.kind = AttemptResult::Kind::kNotStarted, .reason = std::move(why), .returned = true});
  if (Status all = CheckDelivered(lease.spec->project, lease.spec->secrets, lease.secrets); !all)
    return EndUntaken(event, {.kind = AttemptResult::Kind::kNotStarted, .reason = std::move(all).error().message});
  KeepSecrets(Accept({next_ticket, event.mesh, lease.id, lease.spec, lease.host, {}, now.wall, lease.inputs}),
              lease.secrets);
}

// Known and ended at once, so that its end is kept and reported like any other.
void AgentQueue::State::EndUntaken(const queue_event::LeaseOffered& event, AttemptResult result) {
  QueuedAttempt& attempt = Accept({next_ticket, event.mesh, event.lease.id, NoTask(), event.lease.host, {}, now.wall});
  DropFromLine(attempt);
  End(attempt, std::move(result));
}

void AgentQueue::State::On(const queue_event::LeasesExtended& event) {
  MeshState& mesh = meshes[event.mesh];
  mesh.lease_until = std::max(mesh.lease_until, event.until);
  mesh.heard = now.mono;
}

void AgentQueue::State::On(const queue_event::StopWanted& event) {
  QueuedAttempt* attempt = FindById(event.mesh, event.id);
  if (!attempt || attempt->phase == QueuedAttempt::Phase::kEnded) return;
  if (!std::exchange(attempt->stop_wanted, true)) out.records.push_back(journal::StopAsked{attempt->ticket});
  if (attempt->phase == QueuedAttempt::Phase::kPublishing) return;  // its process has ended
  if (attempt->phase >= QueuedAttempt::Phase::kLaunching) {
    out.effects.push_back(queue_effect::StopProcess{attempt->ticket});
    return;
  }
  if (attempt->phase == QueuedAttempt::Phase::kPreparing) {  // ends when its preparing has
    out.effects.push_back(queue_effect::StopPreparing{attempt->ticket});
    return;
  }
  DropFromLine(*attempt);
  End(*attempt, {.kind = AttemptResult::Kind::kNotStarted, .reason = "stopped before it began"});
}

void AgentQueue::State::On(const queue_event::ReportsAcked& event) {
  MeshState& mesh = meshes[event.mesh];
  uint64_t sequence = std::max(mesh.acked, std::min(event.sequence, mesh.next_sequence - 1));
  if (sequence == mesh.acked && event.commit <= mesh.commit) return;
  mesh.commit = std::max(mesh.commit, event.commit);
  mesh.acked = sequence;
  out.records.push_back(journal::Acked{event.mesh, sequence, mesh.commit});
  std::vector<Ticket> ended;
  for (; !mesh.unacked.empty() && mesh.unacked.front().sequence <= sequence; mesh.unacked.pop_front())
    if (std::holds_alternative<AttemptResult>(mesh.unacked.front().fact))
      if (QueuedAttempt* attempt = FindById(event.mesh, mesh.unacked.front().id)) ended.push_back(attempt->ticket);
  for (Ticket ticket : ended) {
    QueuedAttempt& attempt = attempts.at(ticket);
    attempt.end_acked = true;
    ForgetIfDone(attempt);
  }
}

void AgentQueue::State::On(const queue_event::LogsStored& event) {
  auto known = meshes.find(event.mesh);  // one that is not here has no output, and gets no place for saying so
  if (known == meshes.end() || event.position <= known->second.logs_stored) return;
  MeshState& mesh = known->second;
  mesh.logs_stored = event.position;
  out.records.push_back(journal::Stored{event.mesh, event.position});
  std::vector<Ticket> waiting;
  for (const auto& [id, ticket] : by_id[event.mesh])
    if (attempts.at(ticket).end_acked) waiting.push_back(ticket);
  for (Ticket ticket : waiting) ForgetIfDone(attempts.at(ticket));
}

void AgentQueue::State::On(const queue_event::DrainWanted& event) {
  draining = event.drain;
  if (!draining) return;
  for (auto& [id, mesh] : meshes) {
    if (id == kPlainMesh) continue;  // acknowledged jobs are done
    for (const InLine& place : std::exchange(mesh.line, {}))
      End(attempts.at(place.ticket),
          {.kind = AttemptResult::Kind::kNotStarted, .reason = "the agent drains", .returned = true});
  }
}

void AgentQueue::State::On(const queue_event::Refuse& event) {
  refusal = event.reason;
  warning = event.warning;
}

// ---- The launcher and the workspace -----------------------------------------------------------

void AgentQueue::State::On(const queue_event::Prepared& event) {
  auto found = attempts.find(event.ticket);
  if (found == attempts.end() || found->second.phase != QueuedAttempt::Phase::kPreparing) return;
  QueuedAttempt& attempt = found->second;
  if (attempt.stop_wanted) {
    ReleaseSlot(attempt, false);
    return End(attempt, {.kind = AttemptResult::Kind::kNotStarted, .reason = "stopped before it began"});
  }
  // As those in line: its coordinator may have given it up meanwhile.
  if (attempt.mesh != kPlainMesh && now.mono >= meshes[attempt.mesh].lease_until) {
    ReleaseSlot(attempt, false);
    return End(attempt, LeaseRanOut());
  }
  Launch(attempt);
}

void AgentQueue::State::On(const queue_event::PrepareFailed& event) {
  auto found = attempts.find(event.ticket);
  if (found == attempts.end() || found->second.phase != QueuedAttempt::Phase::kPreparing) return;
  ReleaseSlot(found->second, false);
  End(found->second, {.kind = AttemptResult::Kind::kNotStarted, .reason = event.reason});
}

// The same launcher never got an order that it has not heard of, and takes none of an older connection.
bool IsLost(const QueuedAttempt& attempt, const std::string& incarnation) {
  using Phase = QueuedAttempt::Phase;
  return attempt.phase == Phase::kRunning || (attempt.phase == Phase::kLaunching && attempt.incarnation != incarnation);
}

void AgentQueue::State::On(const queue_event::LauncherUp& event) {
  launcher = event.incarnation;
  std::unordered_map<Ticket, bool> known;
  for (const auto& item : event.known) known.emplace(item.ticket, item.running);
  std::vector<Ticket> lost, unheard;
  for (auto& [ticket, attempt] : attempts) {
    if (attempt.phase != QueuedAttempt::Phase::kLaunching && attempt.phase != QueuedAttempt::Phase::kRunning) continue;
    if (auto item = known.find(ticket); item != known.end()) {
      if (attempt.stop_wanted && item->second) out.effects.push_back(queue_effect::StopProcess{ticket});
    } else {
      (IsLost(attempt, event.incarnation) ? lost : unheard).push_back(ticket);
    }
  }
  // It has not begun, and may have been given up long ago. So it needs its lease again.
  for (Ticket ticket : unheard) BackInLine(attempts.at(ticket));
  std::string died = "lost: the launcher died";
  if (!event.remains.empty()) died += "; " + event.remains;
  for (Ticket ticket : lost) {
    QueuedAttempt& attempt = attempts.at(ticket);
    const bool lives = attempt.incarnation == event.incarnation;
    AttemptResult result{.kind = AttemptResult::Kind::kLost,
                         .reason = lives ? "lost: its end was in what the disk has lost of the agent's journal" : died};
    ReleaseSlot(attempt, false);
    EndLost(attempt, std::move(result), event.written);
  }
  // What the launcher keeps and the journal does not know was journaled as ended before, or with the journal it is
  // gone.
  orphans.clear();
  for (const auto& [ticket, running] : known)
    if (auto mine = attempts.find(ticket);
        mine == attempts.end() || mine->second.phase == QueuedAttempt::Phase::kEnded) {
      if (running) {
        orphans.insert(ticket);
        out.effects.push_back(queue_effect::StopProcess{ticket});
      } else {
        out.effects.push_back(queue_effect::ForgetResult{ticket});
      }
    }
}

void AgentQueue::State::On(const queue_event::LauncherDown&) {
  launcher.reset();
}

void AgentQueue::State::On(const queue_event::LaunchHeld& event) {
  auto found = attempts.find(event.ticket);
  if (found != attempts.end() && found->second.phase == QueuedAttempt::Phase::kLaunching) BackInLine(found->second);
}

void AgentQueue::State::On(const queue_event::LauncherStarted& event) {
  auto found = attempts.find(event.ticket);
  if (found == attempts.end() || found->second.phase != QueuedAttempt::Phase::kLaunching) return;
  QueuedAttempt& attempt = found->second;
  attempt.phase = QueuedAttempt::Phase::kRunning;
  attempt.started_at = event.at;
  attempt.log_begin = event.log_begin;
  DropSecrets(attempt);
  uint64_t sequence = meshes[attempt.mesh].next_sequence;
  out.records.push_back(journal::Started{attempt.ticket, sequence, event.at, event.log_begin});
  AddReport(attempt, sequence);
}

void AgentQueue::State::On(const queue_event::LauncherEnded& event) {
  orphans.erase(event.ticket);
  auto found = attempts.find(event.ticket);
  if (found != attempts.end() && found->second.phase != QueuedAttempt::Phase::kEnded) {
    QueuedAttempt& attempt = found->second;
    if (attempt.phase == QueuedAttempt::Phase::kPublishing) return;  // told again by a launcher that was reconnected
    attempt.log_begin = event.log_begin;
    attempt.log_end = event.log_end;
    if (attempt.slot && !attempt.spec->publishes.empty() && Succeeded(*attempt.spec, event.result)) {
      attempt.phase = QueuedAttempt::Phase::kPublishing;
      attempt.result = event.result;
      out.effects.push_back(queue_effect::Publish{event.ticket, *attempt.slot});
      return;  // the launcher keeps the result until it is in the journal
    }
    ReleaseSlot(attempt, event.workspace_clean);
    End(attempt, event.result);
  }
  out.effects.push_back(queue_effect::ForgetResult{event.ticket});
}

void AgentQueue::State::On(const queue_event::Published& event) {
  auto found = attempts.find(event.ticket);
  if (found == attempts.end() || found->second.phase != QueuedAttempt::Phase::kPublishing) return;
  AttemptResult result = std::move(found->second.result);
  result.published = event.artifacts;
  EndPublishing(found->second, std::move(result));
}

void AgentQueue::State::On(const queue_event::PublishFailed& event) {
  auto found = attempts.find(event.ticket);
  if (found == attempts.end() || found->second.phase != QueuedAttempt::Phase::kPublishing) return;
  AttemptResult result = std::move(found->second.result);
  result.kind = AttemptResult::Kind::kNotPublished;
  result.reason = event.reason;
  EndPublishing(found->second, std::move(result));
}

void AgentQueue::State::EndPublishing(QueuedAttempt& attempt, AttemptResult result) {
  if (attempt.stop_wanted) {
    result.kind = AttemptResult::Kind::kStopped;
    result.reason = "stopped";
    result.published.clear();
  }
  const Ticket ticket = attempt.ticket;
  ReleaseSlot(attempt, false);
  End(attempt, std::move(result));
  out.effects.push_back(queue_effect::ForgetResult{ticket});
}

void AgentQueue::State::On(const queue_event::SlotCleaned& event) {
  if (dirty_slots.erase(event.slot) != 0) free_slots.insert(event.slot);
}

void AgentQueue::State::On(const queue_event::Tick&) {
  for (auto& [id, mesh] : meshes)
    if (id != kPlainMesh) ReturnExpired(mesh);
}

void AgentQueue::State::ReturnExpired(MeshState& mesh) {
  if (now.mono < mesh.lease_until) return;
  for (const InLine& place : std::exchange(mesh.line, {})) End(attempts.at(place.ticket), LeaseRanOut());
}

// ---- Steps ------------------------------------------------------------------------------------

QueuedAttempt* AgentQueue::State::FindById(const MeshId& mesh, const AttemptId& id) {
  auto ids = by_id.find(mesh);
  if (ids == by_id.end()) return nullptr;
  auto found = ids->second.find(id);
  return found == ids->second.end() ? nullptr : &attempts.at(found->second);
}

// Why there is no room for one more, "" if there is. Ended plain jobs that only stay readable make room.
std::string AgentQueue::State::WhyFull(const TaskSpec& spec) {
  const size_t more = BytesOf(spec);
  while (bytes + more > limits.bytes && !kept_jobs.empty()) {
    out.records.push_back(journal::Forgotten{kept_jobs.front()});
    Forget(kept_jobs.front());
  }
  if (attempts.size() >= limits.attempts)
    return fmt::format("the agent knows {} attempts, which is its limit", limits.attempts);
  if (bytes + more <= limits.bytes) return "";
  return fmt::format("what the agent knows takes {}; with {} more its limit of {} is passed",
                     FormatSize(static_cast<int64_t>(bytes)), FormatSize(static_cast<int64_t>(more)),
                     FormatSize(static_cast<int64_t>(limits.bytes)));
}

QueuedAttempt& AgentQueue::State::Accept(journal::Accepted record) {
  Replay(record);
  Ticket ticket = record.ticket;
  out.records.push_back(std::move(record));
  return attempts.at(ticket);
}

InLine PlaceOf(const QueuedAttempt& attempt) {
  return {attempt.spec->priority, attempt.ticket};
}

void AgentQueue::State::JoinLine(const QueuedAttempt& attempt) {
  auto& line = meshes[attempt.mesh].line;
  const InLine place = PlaceOf(attempt);
  line.insert(std::lower_bound(line.begin(), line.end(), place), place);
}

void AgentQueue::State::DropFromLine(const QueuedAttempt& attempt) {
  auto& line = meshes[attempt.mesh].line;
  auto found = std::lower_bound(line.begin(), line.end(), PlaceOf(attempt));
  if (found != line.end() && found->ticket == attempt.ticket) line.erase(found);
}

// The meshes in turn, beginning after the one served last.
std::optional<Ticket> AgentQueue::State::NextInLine() {
  auto start = meshes.upper_bound(served_last);
  for (size_t i = 0; i < meshes.size(); ++i, ++start) {
    if (start == meshes.end()) start = meshes.begin();
    MeshState& mesh = start->second;
    if (start->first != kPlainMesh) ReturnExpired(mesh);
    auto next = std::find_if(mesh.line.begin(), mesh.line.end(), [this](const InLine& place) {
      const std::string& dir = OwnDirectory(attempts.at(place.ticket));
      return dir.empty() || !used_dirs.contains(dir);
    });
    if (next == mesh.line.end()) continue;
    Ticket ticket = next->ticket;
    mesh.line.erase(next);
    served_last = start->first;
    return ticket;
  }
  return std::nullopt;
}

void AgentQueue::State::FillSlots() {
  while (launcher && orphans.empty() && refusal.empty() && !free_slots.empty()) {
    std::optional<Ticket> ticket = NextInLine();
    if (!ticket) return;
    QueuedAttempt& attempt = attempts.at(*ticket);
    if (std::string lost = WhatIsLost(attempt); !lost.empty()) {
      End(attempt, {.kind = AttemptResult::Kind::kNotStarted, .reason = std::move(lost), .returned = true});
      continue;
    }
    attempt.slot = *free_slots.begin();
    free_slots.erase(free_slots.begin());
    if (const std::string& dir = OwnDirectory(attempt); !dir.empty()) used_dirs.insert(dir);
    if (NeedsPreparing(attempt)) {
      attempt.phase = QueuedAttempt::Phase::kPreparing;
      out.effects.push_back(queue_effect::Prepare{*ticket, *attempt.slot});
    } else {
      Launch(attempt);
    }
  }
}

void AgentQueue::State::Launch(QueuedAttempt& attempt) {
  if (!launcher) return BackInLine(attempt);  // it went while the attempt was prepared
  attempt.phase = QueuedAttempt::Phase::kLaunching;
  attempt.incarnation = *launcher;
  out.records.push_back(journal::Launching{attempt.ticket, *attempt.slot, *launcher});
  out.effects.push_back(queue_effect::Launch{attempt.ticket, *attempt.slot});
}

// It has not begun: to its place in the line, as if it had never left it.
void AgentQueue::State::BackInLine(QueuedAttempt& attempt) {
  ReleaseSlot(attempt, false);
  if (attempt.stop_wanted)
    return End(attempt, {.kind = AttemptResult::Kind::kNotStarted, .reason = "stopped before it began"});
  attempt.phase = QueuedAttempt::Phase::kQueued;
  attempt.incarnation.clear();
  JoinLine(attempt);
}

void AgentQueue::State::KeepSecrets(QueuedAttempt& attempt, SecretValues values) {
  if (attempt.spec->secrets.empty()) return;  // what was not asked for
  attempt.secrets = std::move(values);
  bytes += BytesOf(attempt.secrets);
}

void AgentQueue::State::DropSecrets(QueuedAttempt& attempt) {
  bytes -= BytesOf(attempt.secrets);
  attempt.secrets.reset();
}

void AgentQueue::State::ReleaseSlot(QueuedAttempt& attempt, bool clean) {
  if (!attempt.slot) return;
  uint32_t slot = *std::exchange(attempt.slot, std::nullopt);
  used_dirs.erase(OwnDirectory(attempt));
  if (slot >= limits.slots) return;  // taken when the agent had more of them
  if (clean) {
    free_slots.insert(slot);
    return;
  }
  dirty_slots.insert(slot);
  out.effects.push_back(queue_effect::CleanSlot{slot});
}

void AgentQueue::State::End(QueuedAttempt& attempt, AttemptResult result) {
  DropSecrets(attempt);
  if (!result.started_at) result.started_at = attempt.started_at;
  ReportEnd(attempt, std::move(result));
  ForgetOldJobs();
}

void AgentQueue::State::ReportEnd(QueuedAttempt& attempt, AttemptResult result) {
  uint64_t sequence = meshes[attempt.mesh].next_sequence;
  journal::Ended record{attempt.ticket, sequence, std::move(result), attempt.log_begin, attempt.log_end};
  Replay(record);
  out.records.push_back(std::move(record));
}

// With what is left of its output.
void AgentQueue::State::EndLost(QueuedAttempt& attempt, AttemptResult result, const OutputsInLog& outputs) {
  if (auto output = outputs.find(attempt.ticket); output != outputs.end()) {
    result.log_bytes = output->second.bytes;
    attempt.log_begin = output->second.begin;
    attempt.log_end = output->second.end;
  }
  End(attempt, std::move(result));
}

// The report of what the attempt's state now says.
void AgentQueue::State::AddReport(QueuedAttempt& attempt, uint64_t sequence) {
  MeshState& mesh = meshes[attempt.mesh];
  mesh.next_sequence = std::max(mesh.next_sequence, sequence + 1);
  if (attempt.mesh == kPlainMesh) {
    out.effects.push_back(queue_effect::JobChanged{attempt.ticket});
    return;
  }
  Report report{sequence, attempt.id, Report::Started{attempt.started_at.value_or(Wall{})}};
  if (attempt.phase == QueuedAttempt::Phase::kEnded) report.fact = attempt.result;
  if (sequence > mesh.acked) mesh.unacked.push_back(std::move(report));
  out.effects.push_back(queue_effect::ReportsReady{attempt.mesh});
}

void AgentQueue::State::ForgetIfDone(QueuedAttempt& attempt) {
  if (!attempt.end_acked || attempt.mesh == kPlainMesh) return;
  if (attempt.result.log_bytes > 0 && attempt.log_end > meshes[attempt.mesh].logs_stored) return;
  out.records.push_back(journal::Forgotten{attempt.ticket});
  Forget(attempt.ticket);
}

// What a crash kept from being forgotten.
void AgentQueue::State::ForgetAllDone() {
  std::vector<Ticket> done;
  for (const auto& [ticket, attempt] : attempts)
    if (attempt.end_acked) done.push_back(ticket);
  for (Ticket ticket : done) ForgetIfDone(attempts.at(ticket));
  ForgetOldJobs();
}

void AgentQueue::State::Forget(Ticket ticket) {
  auto found = attempts.find(ticket);
  if (found == attempts.end()) return;
  by_id[found->second.mesh].erase(found->second.id);
  if (!found->second.request.empty()) by_request.erase(found->second.request);
  std::erase(kept_jobs, ticket);
  bytes -= BytesOf(*found->second.spec);
  attempts.erase(found);
}

bool NeedsPreparing(const QueuedAttempt& attempt) {
  const TaskSpec& spec = *attempt.spec;
  if (!spec.source.tree.empty() || attempt.inputs || !OwnDirectory(attempt).empty()) return true;
  const auto* script = std::get_if<Script>(&spec.work);
  return script && !ScriptArgv(script->text);
}

const std::string& OwnDirectory(const QueuedAttempt& attempt) {
  static const std::string kNone;
  return attempt.inputs || !attempt.spec->publishes.empty() ? attempt.spec->source.directory : kNone;
}

}  // namespace cromt
