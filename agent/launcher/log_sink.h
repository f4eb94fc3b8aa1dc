// What jobs print on its way to the segmented log: frames gather in a batch, written once a loop round. When the
// log can't be written the batch is kept and tried again; nothing is dropped here. Launcher thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/seglog/writer.h"

namespace cromt::launcher {

class LogSink {
 public:
  // A batch of this size is written before more is added.
  static constexpr size_t kBatchBytes = 1 << 20;

  explicit LogSink(seglog::Writer writer) : writer_(std::move(writer)) {}

  // Adds a frame to the batch. A batch over kBatchBytes is written first; while that fails (blocked()), callers
  // add nothing but a few notes. `end` becomes the position behind the frame, once it is written.
  void Add(const seglog::Frame& frame, const std::shared_ptr<seglog::Position>& end);

  // Writes the batch; false when there is one and it can't be written now.
  bool Flush();

  // The last write failed and none has succeeded since.
  bool blocked() const { return blocked_; }
  const std::string& blocked_reason() const { return blocked_reason_; }

  // Batches are counted from 1. A frame added while batch() gave N is in the log once written(N).
  uint64_t batch() const { return batch_number_; }
  bool written(uint64_t batch) const { return batch < batch_number_; }

  // The end of what is written: frames added from now on lie at or after it.
  seglog::Position position() const { return writer_.position(); }

 private:
  seglog::Writer writer_;
  std::string batch_;
  std::vector<std::pair<std::shared_ptr<seglog::Position>, size_t>> ends_;  // of its frames, in bytes
  uint64_t batch_number_ = 1;
  bool blocked_ = false;
  std::string blocked_reason_;
};

}  // namespace cromt::launcher
