#include "agent/launcher/log_sink.h"

namespace cromt::launcher {

void LogSink::Add(const seglog::Frame& frame, const std::shared_ptr<seglog::Position>& end) {
  if (batch_.size() >= kBatchBytes && !blocked_) Flush();
  seglog::EncodeFrame(frame, batch_);
  if (!ends_.empty() && ends_.back().first == end)
    ends_.back().second = batch_.size();
  else
    ends_.emplace_back(end, batch_.size());
}

bool LogSink::Flush() {
  if (batch_.empty()) return true;
  Status appended = writer_.Append(batch_);
  blocked_ = !appended;
  if (!appended) {
    blocked_reason_ = appended.error().message;
    return false;
  }
  for (const auto& [end, in_batch] : ends_) *end = writer_.position() - (batch_.size() - in_batch);
  ends_.clear();
  batch_.clear();
  ++batch_number_;
  return true;
}

}  // namespace cromt::launcher
