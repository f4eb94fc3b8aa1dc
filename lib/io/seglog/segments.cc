#include "io/seglog/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <vector>

namespace cromt::seglog {
namespace {

// The number in "00000012.seg"; nullopt for any other name.
std::optional<uint32_t> SegmentNumber(std::string_view name) {
  constexpr std::string_view kSuffix = ".seg";
  if (name.size() < 8 + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  uint32_t number = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < kFirstSegment) return std::nullopt;
  return number;
}

}  // namespace

std::string SegmentPath(const std::string& dir, uint32_t segment) {
  return fmt::format("{}/{:08}.seg", dir, segment);
}

Result<std::optional<SegmentRange>> ListSegments(const std::string& dir, FileSystem& files) {
  std::vector<std::string> names;
  if (files.List(dir, names) != 0) return tl::unexpected(ErrnoError("log directory " + dir, errno));
  std::optional<SegmentRange> range;
  for (const std::string& name : names) {
    std::optional<uint32_t> number = SegmentNumber(name);
    if (!number) continue;
    if (!range) range = SegmentRange{*number, *number};
    range->first = std::min(range->first, *number);
    range->last = std::max(range->last, *number);
  }
  return range;
}

Status RemoveBefore(const std::string& dir, Position position, FileSystem& files) {
  CROMT_ASSIGN(std::optional<SegmentRange> range, ListSegments(dir, files));
  if (!range) return {};
  uint32_t end = std::min(SegmentOf(position), range->last);
  // Oldest first, so that a crash in between leaves no hole.
  for (uint32_t segment = range->first; segment < end; ++segment) {
    std::string path = SegmentPath(dir, segment);
    if (files.Unlink(path) != 0 && errno != ENOENT) return tl::unexpected(ErrnoError("deleting " + path, errno));
  }
  return {};
}

}  // namespace cromt::seglog
