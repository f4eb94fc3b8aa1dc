#include "io/archive/entry.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/name.h"

namespace cromt {

namespace {

std::vector<std::string_view> Components(std::string_view path) {
  std::vector<std::string_view> parts;
  for (size_t at = 0;;) {
    size_t slash = path.find('/', at);
    parts.push_back(path.substr(at, slash - at));
    if (slash == std::string_view::npos) return parts;
    at = slash + 1;
  }
}

tl::unexpected<Error> Refuse(std::string_view path, std::string_view why) {
  return Fail(ErrorCode::kInvalid, fmt::format("{}: {}", Quote(path), why));
}

Status CheckPath(std::string_view path, const std::vector<std::string_view>& parts) {
  if (path.empty()) return Refuse(path, "an empty name");
  if (path.size() > kMaxPathBytes) return Refuse(path, "a path of more than 4095 bytes");
  if (path.find('\0') != std::string_view::npos) return Refuse(path, "a NUL in a name");
  if (path.front() == '/') return Refuse(path, "an absolute path");
  if (parts.size() > kMaxPathDepth) return Refuse(path, fmt::format("more than {} directories deep", kMaxPathDepth));
  for (std::string_view part : parts) {
    if (part.empty() || part == "." || part == "..") {
      return Refuse(path, fmt::format("a path with '{}' as a component", part));
    }
    if (part.size() > kMaxComponentBytes) return Refuse(path, "a name of more than 255 bytes");
  }
  return {};
}

Status CheckTarget(std::string_view path, size_t directories_above, std::string_view target) {
  const std::string shown = fmt::format("a symbolic link to {}", Quote(target));
  if (target.empty() || target.size() > kMaxPathBytes)
    return Refuse(path, "a symbolic link with an empty or overlong target");
  if (target.find('\0') != std::string_view::npos) return Refuse(path, "a NUL in the target of a symbolic link");
  if (target.front() == '/') return Refuse(path, shown + ", which points out of the tree");
  size_t climbed = 0;
  bool descended = false;
  for (std::string_view part : Components(target)) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      descended = true;
    } else if (descended) {
      return Refuse(path, shown + ": '..' is taken only at the beginning of a target");
    } else if (++climbed > directories_above) {
      return Refuse(path, shown + ", which points out of the tree");
    }
  }
  return {};
}

}  // namespace

Status CheckEntry(const ArchiveEntry& entry) {
  const auto parts = Components(entry.path);
  CROMT_TRY(CheckPath(entry.path, parts));
  if (entry.size_bytes < 0) return Refuse(entry.path, "a negative size");
  if (entry.kind == EntryKind::kSymlink) return CheckTarget(entry.path, parts.size() - 1, entry.target);
  return {};
}

}  // namespace cromt
