#include "coordinator/log_collector.h"

namespace cromt {
namespace {

constexpr Duration kTellPause = seconds(60);

}  // namespace

LogCollector::LogCollector(LogStore& store, std::function<void(const Error&)> failed)
    : store_(store), failed_(std::move(failed)), thread_([this] { Run(); }) {}

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
        failed_(written.error());
        told_at = now;
      }
      retry_at = now + kRetryPause;
      continue;
    }
    told_at.reset();
    for (const Batch& batch : batches) batch.stored();
    batches.clear();
  }
}

Status LogCollector::Write(const std::vector<Batch>& batches) {
  std::vector<RunLogChunk> chunks;
  for (const Batch& batch : batches)
    for (const Chunk& chunk : batch.chunks)
      chunks.push_back({chunk.attempt, chunk.stream, chunk.offset, chunk.at, chunk.data});
  if (chunks.empty()) return {};
  CROMT_TRY(store_.Append(chunks));
  return store_.Sync();
}

}  // namespace cromt
