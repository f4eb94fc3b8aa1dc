#include "agent/launcher/log_sink.h"

namespace cromt::launcher {

void LogSink::Add(const seglog::Frame& frame) {
  if (batch_.size() >= kBatchBytes && !blocked_) Flush();
  seglog::EncodeFrame(frame, batch_);
}

bool LogSink::Flush() {
  if (batch_.empty()) return true;
  Status appended = writer_.Append(batch_);
  blocked_ = !appended;
  if (!appended) {
    blocked_reason_ = appended.error().message;
    return false;
  }
  batch_.clear();
  ++batch_number_;
  return true;
}

}  // namespace cromt::launcher
