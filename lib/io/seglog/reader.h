// Follows a segmented log while it is written, in this process or in another. Not thread-safe; any number of
// readers a log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/seglog/frame.h"
#include "io/seglog/segments.h"

namespace cromt::seglog {

// A frame and the position of its first byte.
struct PlacedFrame {
  Frame frame;
  Position position = 0;
};

// What can be read of a log, piece by piece.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  // The next whole frames, as many as fit in `budget_bytes` (headers included), but one at least when there is
  // one. Empty: there is nothing more now; an unfinished frame at the end is waited for. The frames' data lies
  // here until the next Read. kNotFound when the segment was deleted under the reader. kCorrupt when the
  // bytes at position() are no frame, or a segment that has a successor ends within one: SkipDamage goes on behind
  // them.
  virtual Result<std::vector<PlacedFrame>> Read(size_t budget_bytes) = 0;
  // Where the next Read begins.
  virtual Position position() const = 0;
  // Goes on behind what is no frame; returns how many bytes were left out. Those are damaged frames of which it can be
  // said how long they are, if a whole one stands behind them, or nothing; else the rest of the segment. kNotFound when
  // that has no successor yet.
  virtual Result<uint64_t> SkipDamage() = 0;
};

class Reader final : public FrameSource {
 public:
  // Opens the log in `dir` at `position`: 0 (the oldest frame there is), or one that a Writer, Reader or
  // PlacedFrame has given; one that a crash of the host has cut off means the next segment (Writer::GoBehind).
  // kNotFound when its segment was deleted or never was, or is shorter and the last one.
  static Result<Reader> Open(std::string dir, Position position, FileSystem& files = SystemFiles());

  Result<std::vector<PlacedFrame>> Read(size_t budget_bytes) override;
  Position position() const override { return MakePosition(segment_, offset_); }
  Result<uint64_t> SkipDamage() override;

 private:
  Reader(std::string dir, FileSystem& files) : dir_(std::move(dir)), files_(&files) {}
  Status OpenSegment(uint32_t segment, uint64_t offset);
  Result<uint64_t> SegmentSize() const;
  bool HasNext() const;
  static uint64_t DamagedBytes(std::string_view bytes, bool all);
  Result<std::vector<PlacedFrame>> Decode(std::string_view bytes);
  Result<std::vector<PlacedFrame>> NothingMore() const;

  std::string dir_;
  FileSystem* files_;
  std::unique_ptr<File> file_;
  uint32_t segment_ = 0;
  uint64_t offset_ = 0;
  std::string buffer_;
};

}  // namespace cromt::seglog
