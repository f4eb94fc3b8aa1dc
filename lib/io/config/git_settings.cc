#include "io/config/git_settings.h"

#include <fmt/format.h>

#include <array>

#include "base/name.h"

namespace cromt {

namespace {

constexpr auto kKeys = std::to_array<SettingSpec>({
    {"allow_local_git", SettingKind::kFlag},
    {"git.rewrite", SettingKind::kMap},
    {"git.credentials", SettingKind::kMap},
    {"git.ca_file", SettingKind::kText},
    {"git.ssh_keys", SettingKind::kList},
    {"git.known_hosts", SettingKind::kList},
    {"git.submodules", SettingKind::kList},
    {"git.timeout", SettingKind::kText},
    {"git.max_fetch_bytes", SettingKind::kNumber},
    {"git.max_objects", SettingKind::kNumber},
    {"git.max_files", SettingKind::kNumber},
    {"git.max_tree_bytes", SettingKind::kNumber},
});

Status ExpandPath(std::string_view key, const std::string& home, std::string& path) {
  if (path.starts_with("~/") && !home.empty()) path = home + path.substr(1);
  if (path.starts_with('/')) return {};
  return Fail(ErrorCode::kInvalid, fmt::format("'{}': {} where an absolute path is meant", key, Quote(path)));
}

Status ExpandPaths(std::string_view key, const std::string& home, std::vector<std::string>& paths) {
  for (std::string& path : paths) CROMT_TRY(ExpandPath(key, home, path));
  return {};
}

// Where ssh(1) looks.
std::vector<std::string> UsualKnownHosts(const std::string& home) {
  std::vector<std::string> files = {"/etc/ssh/ssh_known_hosts"};
  if (!home.empty()) files.insert(files.begin(), home + "/.ssh/known_hosts");
  return files;
}

Status ReadLimit(const Settings& settings, std::string_view key, int64_t most, std::optional<int64_t>& limit) {
  limit = settings.Number(key);
  if (!limit || (*limit > 0 && *limit <= most)) return {};
  return Fail(ErrorCode::kInvalid, fmt::format("'{}': {} is not from 1 to {}", key, *limit, most));
}

Status ReadLimits(const Settings& settings, GitSettings& git) {
  constexpr int64_t kMostBytes = int64_t{1} << 50;
  CROMT_TRY(ReadLimit(settings, "git.max_fetch_bytes", kMostBytes, git.max_fetch_bytes));
  CROMT_TRY(ReadLimit(settings, "git.max_tree_bytes", kMostBytes, git.max_tree_bytes));
  CROMT_TRY(ReadLimit(settings, "git.max_objects", UINT32_MAX, git.max_objects));
  CROMT_TRY(ReadLimit(settings, "git.max_files", UINT32_MAX, git.max_files));
  auto text = settings.Text("git.timeout");
  if (!text) return {};
  auto timeout = ParseDuration(*text);
  if (!timeout) return Fail("'git.timeout'", timeout.error());
  if (*timeout <= Duration::zero()) return Fail(ErrorCode::kInvalid, "'git.timeout': it must be more than 0");
  git.timeout = *timeout;
  return {};
}

}  // namespace

std::vector<SettingSpec> WithGitKeys(std::span<const SettingSpec> specs) {
  std::vector<SettingSpec> all(specs.begin(), specs.end());
  all.insert(all.end(), kKeys.begin(), kKeys.end());
  return all;
}

Result<GitSettings> ReadGitSettings(const Settings& settings, const std::string& home) {
  GitSettings git;
  git.allow_local = settings.Flag("allow_local_git").value_or(false);
  git.rewrite = settings.Map("git.rewrite");
  git.credentials = settings.Map("git.credentials");
  for (auto& [prefix, file] : git.credentials) CROMT_TRY(ExpandPath("git.credentials", home, file));
  git.ca_file = settings.Text("git.ca_file").value_or("");
  if (!git.ca_file.empty()) CROMT_TRY(ExpandPath("git.ca_file", home, git.ca_file));
  git.ssh_keys = settings.List("git.ssh_keys");
  CROMT_TRY(ExpandPaths("git.ssh_keys", home, git.ssh_keys));
  git.known_hosts = settings.List("git.known_hosts");
  if (git.known_hosts.empty()) git.known_hosts = UsualKnownHosts(home);
  CROMT_TRY(ExpandPaths("git.known_hosts", home, git.known_hosts));
  git.submodules = settings.List("git.submodules");
  if (git.submodules == std::vector<std::string>{"false"}) git.submodules.clear();
  CROMT_TRY(ReadLimits(settings, git));
  return git;
}

}  // namespace cromt
