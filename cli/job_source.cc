#include "cli/job_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/name.h"
#include "io/config/job_reader.h"
#include "io/config/read_file.h"

namespace cromt::cli {
namespace {

constexpr size_t kMaxFileBytes = 16 << 20;
constexpr size_t kMaxListed = 20;

std::string ListProjects(const JobFile& file) {
  std::string list;
  for (size_t i = 0; i < std::min(file.projects.size(), kMaxListed); ++i)
    list += (i > 0 ? ", " : "") + file.projects[i].name;
  if (file.projects.size() > kMaxListed) list += fmt::format(", … ({} more)", file.projects.size() - kMaxListed);
  return list;
}

}  // namespace

std::string AbsolutePath(const std::string& name, const World& world) {
  return (std::filesystem::path(world.directory) / name).lexically_normal().string();
}

Result<JobSource> ReadJobSource(const std::string& name, const World& world) {
  JobSource source;
  source.path = AbsolutePath(name, world);
  auto text = ReadFile(source.path, kMaxFileBytes);
  if (!text) return Fail(ErrorCode::kInvalid, std::move(text).error().message);
  source.text = std::move(*text);
  JobFileReading reading = ReadJobFile(source.text, name);
  if (!reading.file) return Fail(ErrorCode::kInvalid, ErrorText(reading.diagnostics));
  source.file = std::move(*reading.file);
  return source;
}

Result<uint32_t> FindProject(const JobFile& file, const std::string& wanted) {
  if (wanted.empty() && file.projects.size() > 1)
    return Fail(ErrorCode::kInvalid, fmt::format("{} has {} projects, name one of them: {}", file.file,
                                                 file.projects.size(), ListProjects(file)));
  return file.Choose(wanted);
}

Status CheckStartable(const JobFile& file, uint32_t project) {
  const auto refusals = StartRefusals(file, project);
  if (!refusals.empty()) return Fail(ErrorCode::kInvalid, ErrorText(refusals));
  return {};
}

}  // namespace cromt::cli
