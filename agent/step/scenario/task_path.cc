#include "agent/step/scenario/task_path.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"

namespace cromt::step {

Result<std::string> TaskPath(std::string_view written) {
  auto refuse = [written](std::string_view why) {
    return Fail(ErrorCode::kInvalid, fmt::format("task path {} {}", Quote(written), why));
  };
  if (written.empty()) return refuse("is empty");
  if (written.find('\0') != std::string_view::npos) return refuse("holds a NUL character");
  if (written.front() == '/') return refuse("is absolute; a task lies in the repository");
  if (written.find('@') != std::string_view::npos)
    return refuse("names a subtask with '@', which is outside what cromt reads itself yet");
  std::string path;
  for (std::string_view rest = written; !rest.empty();) {
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view segment = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (segment.empty() || segment == ".") continue;
    if (segment == "..") return refuse("leaves the repository with '..'");
    path += path.empty() ? "" : "/";
    path += segment;
  }
  return path.empty() ? "." : path;
}

}  // namespace cromt::step
