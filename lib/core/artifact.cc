#include "core/artifact.h"

#include <fmt/format.h>

#include "base/name.h"

namespace cromt {
namespace {

constexpr size_t kMaxArtifactPathBytes = 1024;

}  // namespace

Status CheckArtifactPath(std::string_view path) {
  auto refuse = [&](std::string_view why) {
    return Fail(ErrorCode::kInvalid, fmt::format("path {} {}", Quote(path), why));
  };
  if (path.empty()) return Fail(ErrorCode::kInvalid, "the path is empty");
  if (path.size() > kMaxArtifactPathBytes) return refuse(fmt::format("has more than {} bytes", kMaxArtifactPathBytes));
  for (char c : path)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return refuse("has a control character");
  if (path.front() == '/') return refuse("is absolute; it is taken from the task's directory");
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == "..") return refuse("leads out of the task's directory");
    begin = end + 1;
  }
  return {};
}

}  // namespace cromt
