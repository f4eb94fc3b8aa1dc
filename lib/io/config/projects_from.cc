#include "io/config/projects_from.h"

#include <fmt/format.h>

#include <array>

#include "base/name.h"
#include "core/artifact.h"

namespace cromt {
namespace {

constexpr auto kKeys = std::to_array<SettingSpec>({
    {"projects_from.url", SettingKind::kText},
    {"projects_from.ref", SettingKind::kText},
    {"projects_from.file", SettingKind::kText},
    {"projects_from.poll_interval", SettingKind::kText},
});

}  // namespace

std::vector<SettingSpec> WithProjectsFromKeys(std::span<const SettingSpec> specs) {
  std::vector<SettingSpec> all(specs.begin(), specs.end());
  all.insert(all.end(), kKeys.begin(), kKeys.end());
  return all;
}

Result<std::optional<ProjectsFrom>> ReadProjectsFrom(const Settings& settings) {
  ProjectsFrom from;
  const auto url = settings.Text("projects_from.url");
  from.ref = settings.Text("projects_from.ref").value_or("");
  from.file = settings.Text("projects_from.file").value_or(from.file);
  const auto interval = settings.Text("projects_from.poll_interval");
  if (!url) {
    if (!from.ref.empty() || interval || from.file != ProjectsFrom().file)
      return Fail(ErrorCode::kInvalid, "'projects_from' has no 'url'");
    return std::optional<ProjectsFrom>();
  }
  from.url = *url;
  if (from.ref == "HEAD") from.ref.clear();
  if (Status good = CheckArtifactPath(from.file); !good)
    return Fail(ErrorCode::kInvalid, "'projects_from.file': " + good.error().message);
  if (interval) {
    auto given = ParseDuration(*interval);
    if (!given || *given < ProjectsFrom::kShortestInterval)
      return Fail(ErrorCode::kInvalid,
                  fmt::format("'projects_from.poll_interval': {} is no duration of at least 1 s, such as 30s or 5m",
                              Quote(*interval)));
    from.interval = *given;
  }
  return std::optional(std::move(from));
}

}  // namespace cromt
