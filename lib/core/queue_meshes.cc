// The meshes that an agent's queue knows: what was seen of each, and which is forgotten for another.
#include <fmt/format.h>

#include "core/queue_state.h"

namespace cromt {

journal::MeshSeen SeenRecord(const MeshId& id, const MeshState& mesh) {
  return {id, mesh.epoch, mesh.commit, mesh.acked, mesh.next_sequence, mesh.logs_stored, mesh.met};
}

size_t AgentQueue::State::Met() const {
  return meshes.size() - meshes.count(kPlainMesh);
}

MeshState& AgentQueue::State::Meet(const MeshId& id) {
  auto known = meshes.find(id);
  if (known != meshes.end()) return known->second;
  ForgetMeshes(limits.meshes - 1);
  MeshState& mesh = meshes[id];
  mesh.met = next_ticket - 1;
  return mesh;
}

// It has nothing here, is owed nothing, and is silent for longer than any session is. What it would have proved, that
// its store went back, is forgotten with it.
const MeshId* AgentQueue::State::Forgettable() const {
  const MeshId* longest = nullptr;
  Mono heard{};
  for (const auto& [id, mesh] : meshes) {
    if (id == kPlainMesh || !mesh.unacked.empty() || now.mono < mesh.heard + kMeshSilence) continue;
    if (auto ids = by_id.find(id); ids != by_id.end() && !ids->second.empty()) continue;
    if (longest && mesh.heard >= heard) continue;
    longest = &id;
    heard = mesh.heard;
  }
  return longest;
}

void AgentQueue::State::ForgetMeshes(size_t kept) {
  while (Met() > kept) {
    const MeshId* id = Forgettable();
    if (!id) return;
    by_id.erase(*id);
    meshes.erase(meshes.find(*id));
  }
}

bool AgentQueue::Knows(const MeshId& mesh) const {
  return state_->meshes.contains(mesh);
}

JournalId AgentQueue::JournalOf(const MeshId& mesh) const {
  const auto found = state_->meshes.find(mesh);
  const Ticket met = found == state_->meshes.end() ? state_->next_ticket - 1 : found->second.met;
  return met == 0 ? state_->journal : JournalId(fmt::format("{}-{}", state_->journal.text(), met));
}

std::string AgentQueue::WhyNotMet(const MeshId& mesh, Now now, bool inspect) const {
  if (Knows(mesh)) return "";
  // A mesh that knows us from an earlier journal takes for gone what that had, and gives its lanes to others.
  if (!state_->launcher) return "its launcher does not answer yet, which may run jobs of an earlier installation";
  if (!state_->orphans.empty())
    return fmt::format("its launcher still runs {} jobs of an earlier installation, which are being stopped",
                       state_->orphans.size());
  if (inspect || state_->Met() < state_->limits.meshes) return "";
  state_->now = now;
  if (state_->Forgettable()) return "";
  return fmt::format("the agent serves {} meshes that have attempts or were heard just now, which is its limit",
                     state_->Met());
}

std::pair<uint64_t, uint64_t> AgentQueue::Seen(const MeshId& mesh) const {
  auto found = state_->meshes.find(mesh);
  if (found == state_->meshes.end()) return {0, 0};
  return {found->second.epoch, found->second.commit};
}

uint64_t AgentQueue::AckedSequence(const MeshId& mesh) const {
  auto found = state_->meshes.find(mesh);
  return found == state_->meshes.end() ? 0 : found->second.acked;
}

uint64_t AgentQueue::LastSequence(const MeshId& mesh) const {
  auto found = state_->meshes.find(mesh);
  return found == state_->meshes.end() ? 0 : found->second.next_sequence - 1;
}

uint64_t AgentQueue::LogsStoredTo(const MeshId& mesh) const {
  auto found = state_->meshes.find(mesh);
  return found == state_->meshes.end() ? 0 : found->second.logs_stored;
}

// To a store that has lost its newest part, and was recovered: nobody else would tell it. Who wished that it stops is
// forgotten, so it says that its number is used up.
void AgentQueue::State::SayEndAgain(QueuedAttempt& attempt) {
  AttemptResult result = attempt.result;
  using Kind = AttemptResult::Kind;
  if (result.kind == Kind::kStopped || (result.kind == Kind::kNotStarted && attempt.stop_wanted))
    result = {.kind = Kind::kNotStarted,
              .reason = "an attempt of this number was stopped before",
              .log_bytes = result.log_bytes,
              .returned = true};
  ReportEnd(attempt, std::move(result));
  // For an older version, which the record before tells nothing.
  out.records.push_back(SeenRecord(attempt.mesh, meshes[attempt.mesh]));
}

}  // namespace cromt
