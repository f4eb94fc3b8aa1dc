#include "coordinator/log_collector.h"

#include "base/time.h"

namespace cromt {

LogCollector::LogCollector(LogStore& store, LogIntake::OwnerOf owner_of, std::function<void(const std::string&)> warn)
    : intake_(store, std::move(owner_of), std::move(warn)), thread_([this] { Run(); }) {}

LogCollector::~LogCollector() {
  inbox_.Close();
  thread_.join();
}

void LogCollector::Run() {
  std::optional<Mono> retry_at;
  while (!inbox_.closed()) {
    for (Batch& batch : inbox_.WaitAndTakeAll(retry_at)) intake_.Add(std::move(batch));
    const Mono now = SystemClock().Read().mono;
    if (retry_at && now < *retry_at) continue;
    const Status written = intake_.Round(now);
    retry_at.reset();
    if (!written) retry_at = now + kRetryPause;
    MutexLock lock(mutex_);
    waits_for_ = written ? "" : written.error().message;
  }
}

}  // namespace cromt
