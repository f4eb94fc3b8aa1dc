// The agent queue and its journal: replaying records, writing them anew, and what outsiders may read.
#include <fmt/format.h>

#include <algorithm>

#include "core/queue_state.h"

namespace cromt {
namespace {

// A new journal counts its reports from 1; those acknowledged are not said again.
void NumberAnew(MeshState& mesh) {
  mesh.acked = 0;
  mesh.next_sequence = 1;
  for (Report& report : mesh.unacked) report.sequence = mesh.next_sequence++;
}

}  // namespace

void AgentQueue::State::ReplayReturn(QueuedAttempt& attempt) {
  if (attempt.phase != QueuedAttempt::Phase::kLaunching) return;
  ReplaySlotFree(attempt);
  attempt.phase = QueuedAttempt::Phase::kQueued;
  attempt.incarnation.clear();
  JoinLine(attempt);
}

void AgentQueue::State::ReplaySlotFree(QueuedAttempt& attempt) {
  if (!attempt.slot) return;
  if (*attempt.slot < limits.slots) free_slots.insert(*attempt.slot);
  used_dirs.erase(OwnDirectory(attempt));
  attempt.slot.reset();
}

// There is more of its output, or it is said again.
void AgentQueue::State::ReplayEndAgain(QueuedAttempt& attempt, const journal::Ended& record) {
  attempt.log_end = std::max(attempt.log_end, record.log_end);
  if (attempt.mesh == kPlainMesh || record.sequence < meshes[attempt.mesh].next_sequence) return;
  attempt.end_acked = false;
  attempt.result = record.result;
  AddReport(attempt, record.sequence);
}

// One record's change of state, the same whether it is being made now or was made before a crash.
void AgentQueue::State::Replay(const JournalRecord& record) {
  struct Visitor {
    State& s;
    void operator()(const journal::Opened& r) const {
      if (r.journal != s.journal)
        for (auto& [id, mesh] : s.meshes) NumberAnew(mesh);
      s.journal = r.journal;
      s.boot = r.boot;
      s.next_ticket = std::max(s.next_ticket, r.next_ticket);
    }
    void operator()(const journal::MeshSeen& r) const {
      MeshState& mesh = s.meshes[r.mesh];
      mesh.epoch = r.epoch;
      mesh.commit = r.commit;
      mesh.acked = r.acked_sequence;
      mesh.next_sequence = r.next_sequence;
      mesh.logs_stored = r.logs_stored;
      mesh.met = r.met;
    }
    void operator()(const journal::Accepted& r) const {
      QueuedAttempt attempt{
          .ticket = r.ticket, .mesh = r.mesh, .id = r.id, .spec = r.spec, .host = r.host, .request = r.request};
      attempt.accepted_at = r.at;
      attempt.inputs = r.inputs;
      s.next_ticket = std::max(s.next_ticket, r.ticket + 1);
      s.by_id[r.mesh].emplace(r.id, r.ticket);
      if (!r.request.empty()) s.by_request.emplace(r.request, r.ticket);
      s.JoinLine(attempt);
      if (s.attempts.emplace(r.ticket, std::move(attempt)).second) s.bytes += BytesOf(*r.spec);
      ++s.active;
    }
    void operator()(const journal::Launching& r) const {
      QueuedAttempt* attempt = At(r.ticket);
      if (!attempt) return;
      const std::string& dir = OwnDirectory(*attempt);
      s.ReplayReturn(*attempt);
      if (!s.free_slots.contains(r.slot) || s.used_dirs.contains(dir))
        for (auto& [ticket, other] : s.attempts)
          if (other.slot == r.slot || (!dir.empty() && OwnDirectory(other) == dir)) s.ReplayReturn(other);
      s.DropFromLine(*attempt);
      attempt->phase = QueuedAttempt::Phase::kLaunching;
      attempt->incarnation = r.incarnation;
      attempt->slot = r.slot;
      s.free_slots.erase(r.slot);
      if (!dir.empty()) s.used_dirs.insert(dir);
    }
    void operator()(const journal::Started& r) const {
      QueuedAttempt* attempt = At(r.ticket);
      if (!attempt) return;
      if (attempt->phase == QueuedAttempt::Phase::kQueued) s.DropFromLine(*attempt);  // of a snapshot; its end follows
      attempt->phase = QueuedAttempt::Phase::kRunning;
      attempt->started_at = r.at;
      attempt->log_begin = r.log_begin;
      s.AddReport(*attempt, r.sequence);
    }
    void operator()(const journal::StopAsked& r) const {
      if (QueuedAttempt* attempt = At(r.ticket)) attempt->stop_wanted = true;
    }
    void operator()(const journal::Ended& r) const {
      QueuedAttempt* attempt = At(r.ticket);
      if (!attempt) return;
      if (attempt->phase == QueuedAttempt::Phase::kEnded) return s.ReplayEndAgain(*attempt, r);
      if (attempt->phase == QueuedAttempt::Phase::kQueued) s.DropFromLine(*attempt);
      s.ReplaySlotFree(*attempt);
      attempt->phase = QueuedAttempt::Phase::kEnded;
      attempt->result = r.result;
      attempt->log_begin = r.log_begin;
      attempt->log_end = r.log_end;
      attempt->end_acked = attempt->mesh != kPlainMesh && r.sequence <= s.meshes[attempt->mesh].acked;
      --s.active;
      if (attempt->mesh == kPlainMesh) s.kept_jobs.push_back(r.ticket);
      s.AddReport(*attempt, r.sequence);
    }
    void operator()(const journal::Acked& r) const {
      MeshState& mesh = s.meshes[r.mesh];
      mesh.acked = std::max(mesh.acked, r.sequence);
      mesh.commit = std::max(mesh.commit, r.commit);
      for (; !mesh.unacked.empty() && mesh.unacked.front().sequence <= r.sequence; mesh.unacked.pop_front()) {
        if (!std::holds_alternative<AttemptResult>(mesh.unacked.front().fact)) continue;
        if (QueuedAttempt* attempt = s.FindById(r.mesh, mesh.unacked.front().id)) attempt->end_acked = true;
      }
    }
    void operator()(const journal::Stored& r) const {
      s.meshes[r.mesh].logs_stored = std::max(s.meshes[r.mesh].logs_stored, r.position);
    }
    void operator()(const journal::Forgotten& r) const { s.Forget(r.ticket); }

    QueuedAttempt* At(Ticket ticket) const {
      auto found = s.attempts.find(ticket);
      return found == s.attempts.end() ? nullptr : &found->second;
    }
  };
  std::visit(Visitor{*this}, record);
}

std::vector<JournalRecord> AgentQueue::Snapshot() const {
  std::vector<JournalRecord> records;
  records.push_back(journal::Opened{state_->journal, state_->boot, state_->next_ticket});
  for (const auto& [id, mesh] : state_->meshes) records.push_back(SeenRecord(id, mesh));
  // What was acknowledged (or is reported to nobody) is written with number 0, which adds no report.
  auto started = [](const QueuedAttempt& a, uint64_t sequence) {
    return journal::Started{a.ticket, sequence, a.started_at.value_or(Wall{}), a.log_begin};
  };
  auto ended = [](const QueuedAttempt& a, uint64_t sequence) {
    return journal::Ended{a.ticket, sequence, a.result, a.log_begin, a.log_end};
  };
  std::set<Ticket> start_unacked;
  for (const auto& [id, mesh] : state_->meshes)
    for (const Report& report : mesh.unacked)
      if (std::holds_alternative<Report::Started>(report.fact))
        start_unacked.insert(state_->FindById(id, report.id)->ticket);
  for (const auto& [ticket, a] : state_->attempts) {
    records.push_back(journal::Accepted{ticket, a.mesh, a.id, a.spec, a.host, a.request, a.accepted_at, a.inputs});
    if (a.stop_wanted) records.push_back(journal::StopAsked{ticket});
    if (a.phase == QueuedAttempt::Phase::kLaunching || a.phase == QueuedAttempt::Phase::kRunning ||
        a.phase == QueuedAttempt::Phase::kPublishing)
      records.push_back(journal::Launching{ticket, a.slot.value_or(0), a.incarnation});
    if (a.started_at && !start_unacked.contains(ticket)) records.push_back(started(a, 0));
    if (a.phase == QueuedAttempt::Phase::kEnded && a.mesh != kPlainMesh && a.end_acked) records.push_back(ended(a, 0));
  }
  for (Ticket ticket : state_->kept_jobs) records.push_back(ended(state_->attempts.at(ticket), 0));
  for (const auto& [id, mesh] : state_->meshes)
    for (const Report& report : mesh.unacked) {
      const QueuedAttempt& a = *state_->FindById(id, report.id);
      if (std::holds_alternative<AttemptResult>(report.fact))
        records.push_back(ended(a, report.sequence));
      else
        records.push_back(started(a, report.sequence));
    }
  return records;
}

const JournalId& AgentQueue::journal() const {
  return state_->journal;
}

std::vector<InventoryItem> AgentQueue::Inventory(const MeshId& mesh) const {
  std::vector<InventoryItem> items;
  auto ids = state_->by_id.find(mesh);
  if (ids == state_->by_id.end()) return items;
  for (const auto& [id, ticket] : ids->second) {
    const QueuedAttempt& attempt = state_->attempts.at(ticket);
    if (attempt.end_acked) continue;  // only its output is still on the way
    auto phase = attempt.phase == QueuedAttempt::Phase::kEnded     ? InventoryItem::Phase::kEnded
                 : attempt.phase >= QueuedAttempt::Phase::kRunning ? InventoryItem::Phase::kRunning
                                                                   : InventoryItem::Phase::kLeased;
    items.push_back({id, phase});
  }
  std::sort(items.begin(), items.end(), [](const InventoryItem& a, const InventoryItem& b) { return a.id < b.id; });
  return items;
}

std::vector<Report> AgentQueue::ReportsAfter(const MeshId& mesh, uint64_t sequence, size_t limit) const {
  auto found = state_->meshes.find(mesh);
  if (found == state_->meshes.end()) return {};
  const auto& unacked = found->second.unacked;
  auto first =
      std::partition_point(unacked.begin(), unacked.end(), [&](const Report& r) { return r.sequence <= sequence; });
  auto count = std::min<ptrdiff_t>(static_cast<ptrdiff_t>(limit), unacked.end() - first);
  return {first, first + count};
}

uint64_t AgentQueue::LogNeededFrom(uint64_t log_end) const {
  uint64_t needed = log_end;
  for (const auto& [ticket, a] : state_->attempts) {
    if (a.phase == QueuedAttempt::Phase::kQueued || a.phase == QueuedAttempt::Phase::kPreparing) continue;
    if (a.phase == QueuedAttempt::Phase::kEnded && a.result.log_bytes == 0) continue;
    uint64_t from = a.mesh == kPlainMesh ? a.log_begin : std::max(a.log_begin, state_->meshes.at(a.mesh).logs_stored);
    needed = std::min(needed, from);
  }
  return needed;
}

const QueuedAttempt* AgentQueue::Find(Ticket ticket) const {
  auto found = state_->attempts.find(ticket);
  return found == state_->attempts.end() ? nullptr : &found->second;
}

const QueuedAttempt* AgentQueue::Find(const MeshId& mesh, const AttemptId& id) const {
  return state_->FindById(mesh, id);
}

std::vector<InventoryTicket> AgentQueue::Tickets() const {
  std::vector<InventoryTicket> tickets;
  for (const auto& [ticket, a] : state_->attempts) tickets.push_back({ticket, a.mesh, a.id});
  return tickets;
}

std::vector<const QueuedAttempt*> AgentQueue::Jobs() const {
  std::vector<const QueuedAttempt*> jobs;
  auto ids = state_->by_id.find(kPlainMesh);
  if (ids == state_->by_id.end()) return jobs;
  for (const auto& [id, ticket] : ids->second) jobs.push_back(&state_->attempts.at(ticket));
  std::sort(jobs.begin(), jobs.end(), [](auto* a, auto* b) { return a->ticket < b->ticket; });
  return jobs;
}

const std::string& AgentQueue::refusal() const {
  return state_->refusal;
}
const std::string& AgentQueue::warning() const {
  return state_->warning;
}
bool AgentQueue::draining() const {
  return state_->draining;
}
bool AgentQueue::overfull() const {
  return state_->attempts.size() / 2 >= state_->limits.attempts || state_->bytes / 2 >= state_->limits.bytes;
}
size_t AgentQueue::attempts() const {
  return state_->attempts.size();
}
bool AgentQueue::idle() const {
  return state_->active == 0;
}

std::string AgentQueue::Check() const {
  using Phase = QueuedAttempt::Phase;
  size_t used = 0, active = 0, kept = 0;
  for (const auto& [ticket, a] : state_->attempts) {
    bool needs_slot = a.phase == Phase::kPreparing || a.phase == Phase::kLaunching || a.phase == Phase::kRunning ||
                      a.phase == Phase::kPublishing;
    if (needs_slot != a.slot.has_value()) return fmt::format("{}: slot and phase disagree", ToString(a.id));
    if (a.slot && (state_->free_slots.contains(*a.slot) || state_->dirty_slots.contains(*a.slot)))
      return fmt::format("{}: its slot {} is free or dirty", ToString(a.id), *a.slot);
    used += a.slot && *a.slot < state_->limits.slots;
    active += a.phase != Phase::kEnded;
    kept += a.phase == Phase::kEnded && a.mesh == kPlainMesh;
    const auto& line = state_->meshes.at(a.mesh).line;
    if (std::binary_search(line.begin(), line.end(), PlaceOf(a)) != (a.phase == Phase::kQueued))
      return fmt::format("{}: line and phase disagree", ToString(a.id));
    if (state_->FindById(a.mesh, a.id) != &a) return fmt::format("{}: not found by its id", ToString(a.id));
  }
  if (used + state_->free_slots.size() + state_->dirty_slots.size() != state_->limits.slots)
    return "slots in use, free and dirty are not all there are";
  if (active != state_->active) return fmt::format("{} attempts have not ended, counted {}", state_->active, active);
  if (kept != state_->kept_jobs.size())
    return fmt::format("{} jobs are kept, counted {}", state_->kept_jobs.size(), kept);
  for (const auto& [id, mesh] : state_->meshes) {
    if (!std::is_sorted(mesh.line.begin(), mesh.line.end()))
      return fmt::format("mesh {}: its line is not in order", id.text());
    for (const InLine& place : mesh.line)
      if (!state_->attempts.contains(place.ticket))
        return fmt::format("mesh {}: {} in line is unknown", id.text(), place.ticket);
    uint64_t expected = mesh.acked;
    for (const Report& report : mesh.unacked)
      if (report.sequence != ++expected)
        return fmt::format("mesh {}: report {} where {} was due", id.text(), report.sequence, expected);
    if (id != kPlainMesh && expected + 1 != mesh.next_sequence)
      return fmt::format("mesh {}: {} comes after report {}", id.text(), mesh.next_sequence, expected);
  }
  return {};
}

}  // namespace cromt
