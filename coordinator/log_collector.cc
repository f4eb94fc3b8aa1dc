#include "coordinator/log_collector.h"

#include <fmt/format.h>

namespace cromt {
namespace {

constexpr Duration kTellPause = seconds(60);
constexpr size_t kOwnersKept = 8192;

}  // namespace

LogCollector::LogCollector(LogStore& store, OwnerOf owner_of, std::function<void(const std::string&)> warn)
    : store_(store), owner_of_(std::move(owner_of)), warn_(std::move(warn)), thread_([this] { Run(); }) {}

LogCollector::~LogCollector() {
  inbox_.Close();
  thread_.join();
}

void LogCollector::Run() {
  std::vector<Batch> batches;
  std::optional<Mono> retry_at, told_at;
  while (!inbox_.closed()) {
    for (Batch& batch : inbox_.WaitAndTakeAll(retry_at)) batches.push_back(std::move(batch));
    Mono now = SystemClock().Read().mono;
    if (retry_at && now < *retry_at) continue;
    retry_at.reset();
    if (auto written = Write(batches); !written) {
      if (!told_at || now >= *told_at + kTellPause) {
        warn_("output can't be kept and waits: " + written.error().message);
        told_at = now;
      }
      WaitsFor(written.error().message);
      retry_at = now + kRetryPause;
      continue;
    }
    if (told_at) WaitsFor("");
    told_at.reset();
    for (const Batch& batch : batches) batch.stored();
    batches.clear();
  }
}

Status LogCollector::Write(const std::vector<Batch>& batches) {
  std::vector<RunLogChunk> chunks;
  for (const Batch& batch : batches)
    for (const Chunk& chunk : batch.chunks) {
      CROMT_ASSIGN(bool has, Has(batch.agent, chunk.attempt));
      if (has)
        chunks.push_back({chunk.attempt, chunk.stream, chunk.offset, chunk.at, chunk.data});
      else
        WarnOfForeign(batch.agent, chunk.attempt);
    }
  if (chunks.empty()) return {};
  CROMT_TRY(store_.Append(chunks));
  return store_.Sync();
}

Result<bool> LogCollector::Has(const AgentId& agent, const AttemptId& attempt) {
  auto known = owners_.find(attempt);
  if (known == owners_.end()) {
    if (owners_.size() >= kOwnersKept) owners_.clear();
    CROMT_ASSIGN(AgentId owner, owner_of_(attempt));
    if (owner.empty()) return false;  // not kept: it may yet be leased
    known = owners_.emplace(attempt, std::move(owner)).first;
  }
  return known->second == agent;
}

void LogCollector::WarnOfForeign(const AgentId& agent, const AttemptId& attempt) {
  Mono now = SystemClock().Read().mono;
  if (told_of_foreign_at_ && now < *told_of_foreign_at_ + kTellPause) return;
  told_of_foreign_at_ = now;
  // What the store does not know may be of what it has lost: `recover` leaves such attempts to their end.
  const std::string_view why = owners_.contains(attempt) ? "which it never had" : "which is not in the store";
  warn_(fmt::format("agent {} sent output of attempt {}, {}: dropped", agent.text(), ToString(attempt), why));
}

}  // namespace cromt
