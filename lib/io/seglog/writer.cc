#include "io/seglog/writer.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "io/seglog/read_at.h"

namespace cromt::seglog {
namespace {

constexpr size_t kScanBytes = 1 << 20;
static_assert(kScanBytes > kHeaderBytes + kMaxDataBytes);

struct ScanEnd {
  uint64_t offset = 0;   // just after the last whole frame
  bool corrupt = false;  // what follows is no beginning of a frame
};

// Reads a segment from its start to the last whole frame.
Result<ScanEnd> Scan(File& file, const std::string& path) {
  ScanEnd end;
  std::string buffer;
  while (true) {
    auto bytes = ReadAt(file, end.offset, kScanBytes, buffer);
    if (!bytes) return Fail(path, std::move(bytes).error());
    std::string_view rest = *bytes;
    size_t before = rest.size();
    while (true) {
      Result<std::optional<Frame>> frame = DecodeFrame(rest);
      if (!frame) {
        end.offset += before - rest.size();
        end.corrupt = true;
        return end;
      }
      if (!*frame) break;
    }
    end.offset += before - rest.size();
    if (before < kScanBytes) return end;
  }
}

}  // namespace

Result<Writer> Writer::Open(std::string dir, uint64_t segment_bytes, FileSystem& files) {
  if (files.MakeDirectory(dir, 0700) != 0 && errno != EEXIST)
    return tl::unexpected(ErrnoError("making the log directory " + dir, errno));
  CROMT_ASSIGN(std::optional<SegmentRange> range, ListSegments(dir, files));
  Writer writer(std::move(dir), segment_bytes, files);
  CROMT_TRY(writer.OpenSegment(range ? range->last : kFirstSegment));
  std::string path = SegmentPath(writer.dir_, writer.segment_);
  CROMT_ASSIGN(ScanEnd end, Scan(*writer.file_, path));
  if (end.corrupt) {
    CROMT_TRY(writer.OpenSegment(writer.segment_ + 1));
    return writer;
  }
  if (writer.file_->Truncate(end.offset) != 0) return tl::unexpected(ErrnoError("truncating " + path, errno));
  writer.offset_ = end.offset;
  return writer;
}

Status Writer::OpenSegment(uint32_t segment) {
  std::string path = SegmentPath(dir_, segment);
  auto file = files_->Open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file) return tl::unexpected(ErrnoError("opening " + path, errno));
  file_ = std::move(file);
  segment_ = segment;
  offset_ = 0;
  return {};
}

Status Writer::GoBehind(Position position) {
  const uint32_t last = std::max(segment_, SegmentOf(position)) + 1;
  while (segment_ < last) CROMT_TRY(OpenSegment(segment_ + 1));  // a reader looks for the very next one
  return {};
}

Status Writer::Append(std::string_view frames) {
  if (offset_ >= segment_bytes_) CROMT_TRY(OpenSegment(segment_ + 1));
  // At a fixed offset and not in append mode, so that after a failure the same bytes come to lie where a
  // part of them may already be.
  size_t done = 0;
  while (done < frames.size()) {
    ssize_t put = file_->Write(frames.data() + done, frames.size() - done, offset_ + done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return tl::unexpected(ErrnoError("writing " + SegmentPath(dir_, segment_), put < 0 ? errno : ENOSPC));
    done += static_cast<size_t>(put);
  }
  offset_ += done;
  return {};
}

}  // namespace cromt::seglog
