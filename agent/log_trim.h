// Removes what nobody needs any more of a host's segmented log. One thread.
#pragma once

#include <string>
#include <utility>

#include "core/queue.h"
#include "io/file/file_system.h"
#include "io/seglog/segments.h"

namespace cromt {

class LogTrim {
 public:
  explicit LogTrim(std::string dir, FileSystem& files = SystemFiles()) : dir_(std::move(dir)), files_(files) {}

  // Looks only when the log has grown by another segment, or what was to go then is still there.
  void Step(const AgentQueue& queue, seglog::Position log_end) {
    if (seglog::SegmentOf(log_end) <= seglog::SegmentOf(trimmed_to_)) return;
    const seglog::Position needed = queue.LogNeededFrom(log_end);
    if (seglog::SegmentOf(needed) <= seglog::SegmentOf(trimmed_to_)) return;
    if (seglog::RemoveBefore(dir_, needed, files_)) trimmed_to_ = needed;
  }

 private:
  const std::string dir_;
  FileSystem& files_;
  seglog::Position trimmed_to_ = 0;
};

}  // namespace cromt
