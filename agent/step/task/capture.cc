#include "agent/step/task/capture.h"

namespace cromt::step {

void CaptureOutput::Bytes(seglog::Stream stream, std::string_view data) {
  (stream == seglog::Stream::kStderr ? err : out) += data;
}

void TeeOutput::Bytes(seglog::Stream stream, std::string_view data) {
  next_.Bytes(stream, data);
  if (stream != seglog::Stream::kStdout) return;
  overflown_ |= data.size() > limit_ - out_.size();
  out_ += data.substr(0, limit_ - out_.size());
}

}  // namespace cromt::step
