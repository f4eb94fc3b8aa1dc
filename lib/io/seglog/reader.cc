#include "io/seglog/reader.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "io/seglog/read_at.h"

namespace cromt::seglog {
namespace {

constexpr size_t kLargestFrame = kHeaderBytes + kMaxDataBytes;

}  // namespace

Result<Reader> Reader::Open(std::string dir, Position position, FileSystem& files) {
  CROMT_ASSIGN(std::optional<SegmentRange> range, ListSegments(dir, files));
  if (!range) return Fail(ErrorCode::kNotFound, "no log in " + dir);
  if (position == 0) position = MakePosition(range->first, 0);
  uint32_t segment = SegmentOf(position);
  if (segment < range->first || segment > range->last) {
    return Fail(ErrorCode::kNotFound, fmt::format("log segment {} is gone: {} has segments {} to {}", segment, dir,
                                                  range->first, range->last));
  }
  Reader reader(std::move(dir), files);
  CROMT_TRY(reader.OpenSegment(segment, OffsetOf(position)));
  CROMT_ASSIGN(const uint64_t size, reader.SegmentSize());
  if (size < OffsetOf(position)) {
    if (reader.HasNext()) {
      CROMT_TRY(reader.OpenSegment(segment + 1, 0));
      return reader;
    }
    return Fail(ErrorCode::kNotFound, fmt::format("{} ends at byte {}, before {}", SegmentPath(reader.dir_, segment),
                                                  size, OffsetOf(position)));
  }
  return reader;
}

Status Reader::OpenSegment(uint32_t segment, uint64_t offset) {
  std::string path = SegmentPath(dir_, segment);
  auto file = files_->Open(path, O_RDONLY | O_NOFOLLOW);
  if (!file) return tl::unexpected(ErrnoError("opening " + path, errno));
  file_ = std::move(file);
  segment_ = segment;
  offset_ = offset;
  return {};
}

Result<uint64_t> Reader::SegmentSize() const {
  const int64_t size = file_->Size();
  if (size < 0) return tl::unexpected(ErrnoError("size of " + SegmentPath(dir_, segment_), errno));
  return static_cast<uint64_t>(size);
}

bool Reader::HasNext() const {
  return files_->Exists(SegmentPath(dir_, segment_ + 1));
}

// Takes whole frames off `bytes` and moves on by them. What is wrong behind good frames is told next time.
Result<std::vector<PlacedFrame>> Reader::Decode(std::string_view bytes) {
  std::vector<PlacedFrame> frames;
  while (true) {
    size_t before = bytes.size();
    Result<std::optional<Frame>> frame = DecodeFrame(bytes);
    if (!frame && frames.empty())
      return Fail(fmt::format("{} at byte {}", SegmentPath(dir_, segment_), offset_), std::move(frame).error());
    if (!frame || !*frame) return frames;
    frames.push_back({**frame, position()});
    offset_ += before - bytes.size();
  }
}

Result<std::vector<PlacedFrame>> Reader::Read(size_t budget_bytes) {
  budget_bytes = std::max(budget_bytes, kLargestFrame);
  while (true) {
    // Asked before reading: once the next segment exists, the end of this one is final.
    bool has_next = HasNext();
    CROMT_ASSIGN(std::string_view bytes, ReadAt(*file_, offset_, budget_bytes, buffer_));
    CROMT_ASSIGN(std::vector<PlacedFrame> frames, Decode(bytes));
    if (!frames.empty()) return frames;
    if (!has_next) return NothingMore();
    if (!bytes.empty()) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("{} ends within a frame at byte {}", SegmentPath(dir_, segment_), offset_));
    }
    CROMT_TRY(OpenSegment(segment_ + 1, 0));
  }
}

// At the end of the last segment; unless that was deleted together with its successors, where nothing would
// ever come.
Result<std::vector<PlacedFrame>> Reader::NothingMore() const {
  const int64_t size = files_->Size(SegmentPath(dir_, segment_));  // another log may be there by now
  if (size < 0 || static_cast<uint64_t>(size) < offset_)
    return Fail(ErrorCode::kNotFound, SegmentPath(dir_, segment_) + " was deleted while it was read");
  return std::vector<PlacedFrame>();
}

// `bytes` begin with a frame that is damaged; there are no more of the segment if `all`. Up to the next whole one, or
// 0. Nothing is looked for: what a job prints may look like a frame.
uint64_t Reader::DamagedBytes(std::string_view bytes, bool all) {
  for (size_t damaged = 0;;) {
    const auto size = BytesOfDamaged(bytes.substr(damaged));
    if (!size || damaged + *size > bytes.size()) return 0;
    damaged += *size;
    std::string_view rest = bytes.substr(damaged);
    if (rest.empty()) return all ? damaged : 0;
    if (const auto frame = DecodeFrame(rest)) return *frame ? damaged : 0;
  }
}

Result<uint64_t> Reader::SkipDamage() {
  constexpr size_t kWindow = 2 * kLargestFrame;
  CROMT_ASSIGN(const std::string_view bytes, ReadAt(*file_, offset_, kWindow, buffer_));
  std::string_view rest = bytes;
  const auto again = DecodeFrame(rest);
  if (again && *again) return uint64_t{0};  // it was being written
  if (const uint64_t damaged = again ? 0 : DamagedBytes(bytes, bytes.size() < kWindow); damaged > 0) {
    offset_ += damaged;
    return damaged;
  }
  if (!HasNext()) return Fail(ErrorCode::kNotFound, fmt::format("segment {} is the last of {}", segment_, dir_));
  CROMT_ASSIGN(const uint64_t size, SegmentSize());
  uint64_t skipped = size > offset_ ? size - offset_ : 0;
  CROMT_TRY(OpenSegment(segment_ + 1, 0));
  return skipped;
}

}  // namespace cromt::seglog
