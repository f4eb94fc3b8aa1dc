#include "coordinator/log_collector.h"

namespace cromt {

LogCollector::LogCollector(LogStore& store, std::function<void(const Error&)> failed)
    : store_(store), failed_(std::move(failed)), thread_([this] { Run(); }) {}

LogCollector::~LogCollector() {
  inbox_.Close();
  thread_.join();
}

void LogCollector::Run() {
  while (!inbox_.closed()) {
    std::vector<Batch> batches = inbox_.WaitAndTakeAll(std::nullopt);
    std::vector<RunLogChunk> chunks;
    for (const Batch& batch : batches)
      for (const Chunk& chunk : batch.chunks)
        chunks.push_back({chunk.attempt, chunk.stream, chunk.offset, chunk.at, chunk.data});
    Status written;
    if (!chunks.empty()) written = store_.Append(chunks);
    if (written && !chunks.empty()) written = store_.Sync();
    if (!written) {
      failed_(written.error());
      continue;
    }
    for (const Batch& batch : batches) batch.stored();
  }
}

}  // namespace cromt
