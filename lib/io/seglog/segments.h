// The files of a segmented log: names, numbers, positions, and their removal. Any thread; no state. `files`, here and
// in the writer and the reader, lives longer than who was given it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "io/file/file_system.h"

namespace cromt::seglog {

// A place in the log: segment number << 32 | byte offset in it. Positions of one log only grow.
// 0 lies before the first segment and stands for "the oldest frame there is".
using Position = uint64_t;

inline constexpr uint32_t kFirstSegment = 1;

constexpr Position MakePosition(uint32_t segment, uint64_t offset) {
  return static_cast<Position>(segment) << 32 | offset;
}
constexpr uint32_t SegmentOf(Position position) {
  return static_cast<uint32_t>(position >> 32);
}
constexpr uint64_t OffsetOf(Position position) {
  return position & 0xffffffffu;
}

// "DIR/00000012.seg".
std::string SegmentPath(const std::string& dir, uint32_t segment);

// The lowest and highest segment number in `dir`; nullopt when it holds none. Other files are ignored.
struct SegmentRange {
  uint32_t first = 0;
  uint32_t last = 0;
};
Result<std::optional<SegmentRange>> ListSegments(const std::string& dir, FileSystem& files = SystemFiles());

// Deletes the segments that end before the one `position` lies in. The last one always stays, since the
// writer is at it. May run beside a writer and readers; a reader that was in a deleted segment is told so.
Status RemoveBefore(const std::string& dir, Position position, FileSystem& files = SystemFiles());

}  // namespace cromt::seglog
