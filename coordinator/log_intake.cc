#include "coordinator/log_intake.h"

#include <fmt/format.h>

namespace cromt {
namespace {

constexpr Duration kTellPause = seconds(60);
constexpr size_t kOwnersKept = 8192;

}  // namespace

Status LogIntake::Round(Mono now) {
  if (Status written = Write(now); !written) {
    if (!told_at_ || now >= *told_at_ + kTellPause) {
      warn_("output can't be kept and waits: " + written.error().message);
      told_at_ = now;
    }
    return written;
  }
  told_at_.reset();
  for (const Batch& batch : std::exchange(batches_, {})) batch.stored();
  return {};
}

Status LogIntake::Write(Mono now) {
  std::vector<RunLogChunk> chunks;
  for (const Batch& batch : batches_)
    for (const Chunk& chunk : batch.chunks) {
      CROMT_ASSIGN(bool has, Has(batch.agent, chunk.attempt));
      if (has)
        chunks.push_back({chunk.attempt, chunk.stream, chunk.offset, chunk.at, chunk.data});
      else
        WarnOfForeign(batch.agent, chunk.attempt, now);
    }
  if (chunks.empty()) return {};
  CROMT_TRY(store_.Append(chunks));
  return store_.Sync();
}

Result<bool> LogIntake::Has(const AgentId& agent, const AttemptId& attempt) {
  auto known = owners_.find(attempt);
  if (known == owners_.end()) {
    if (owners_.size() >= kOwnersKept) owners_.clear();
    CROMT_ASSIGN(AgentId owner, owner_of_(attempt));
    if (owner.empty()) return false;  // not kept: it may yet be leased
    known = owners_.emplace(attempt, std::move(owner)).first;
  }
  return known->second == agent;
}

void LogIntake::WarnOfForeign(const AgentId& agent, const AttemptId& attempt, Mono now) {
  if (told_of_foreign_at_ && now < *told_of_foreign_at_ + kTellPause) return;
  told_of_foreign_at_ = now;
  // What the store does not know may be of what it has lost: `recover` leaves such attempts to their end.
  const std::string_view why = owners_.contains(attempt) ? "which it never had" : "which is not in the store";
  warn_(fmt::format("agent {} sent output of attempt {}, {}: dropped", agent.text(), ToString(attempt), why));
}

}  // namespace cromt
