// Appends to a segmented log (frame.h says the format). One writer a directory, and one thread: whoever opens
// a Writer holds a lock of its own on the directory. Nothing is synced: a crash of the process loses nothing,
// a crash of the host may lose the end of the log, and after one nothing of the old boot is resumed anyway.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/seglog/frame.h"
#include "io/seglog/segments.h"

namespace cromt::seglog {

class Writer {
 public:
  // Opens the log in `dir` (made, mode 0700, when missing) at its end. A last frame that was cut short by a
  // crash is truncated; where the last segment holds bytes that are no frames, it is left as it is and a new
  // segment begins.
  static Result<Writer> Open(std::string dir, uint64_t segment_bytes = kSegmentBytes,
                             FileSystem& files = SystemFiles());

  // Appends whole frames with one write. On an error (disk full) nothing counts as appended and position()
  // stays, but a part may be in the file and a reader may have seen whole frames of it: so the next call must
  // begin with the same bytes. REQUIRES: frames.size() <= kSegmentBytes.
  Status Append(std::string_view frames);

  // What is appended from now on lies behind this position and all that is there, in a new segment: after a crash of
  // the host the log may end before positions that were given out.
  Status GoBehind(Position position);

  // Where the next frame will lie.
  Position position() const { return MakePosition(segment_, offset_); }

 private:
  Writer(std::string dir, uint64_t segment_bytes, FileSystem& files)
      : dir_(std::move(dir)), segment_bytes_(segment_bytes), files_(&files) {}
  Status OpenSegment(uint32_t segment);

  std::string dir_;
  uint64_t segment_bytes_;
  FileSystem* files_;
  std::unique_ptr<File> file_;
  uint32_t segment_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace cromt::seglog
