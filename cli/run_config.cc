#include "cli/run_config.h"

#include <array>

#include "cli/job_source.h"
#include "io/config/read_file.h"
#include "io/config/settings.h"

namespace cromt::cli {
namespace {

constexpr size_t kMaxFileBytes = 16 << 20;

// All that a coordinator's file may hold; what is not used here says nothing about a run on this machine.
constexpr std::array<SettingSpec, 7> kKeys = {{{"agents", SettingKind::kMap},
                                               {"insecure", SettingKind::kFlag},
                                               {"slots", SettingKind::kNumber},
                                               {"listen", SettingKind::kText},
                                               {"http", SettingKind::kText},
                                               {"local-agent", SettingKind::kText},
                                               {"data-dir", SettingKind::kText}}};

}  // namespace

Result<RunConfig> ReadRunConfig(const std::optional<std::string>& file, const World& world) {
  if (!file) return ParseRunConfig("", "", world);
  auto text = ReadFile(AbsolutePath(*file, world), kMaxFileBytes);
  if (!text) return Fail(ErrorCode::kInvalid, std::move(text).error().message);
  return ParseRunConfig(std::move(*text), *file, world);
}

Result<RunConfig> ParseRunConfig(std::string text, const std::string& name, const World& world) {
  RunConfig config;
  const std::string home = world.variable("HOME").value_or("");
  if (text.empty()) {
    CROMT_ASSIGN(config.git, ReadGitSettings(Settings(), home));
    return config;
  }
  config.text = text;
  CROMT_ASSIGN(const Settings settings, ReadSettings(std::move(text), name, WithGitKeys(kKeys)));
  config.agents = settings.Map("agents");
  auto git = ReadGitSettings(settings, home);
  if (!git) return Fail(name, git.error());
  config.git = std::move(*git);
  config.insecure = settings.Flag("insecure").value_or(false);
  const int64_t slots = settings.Number("slots").value_or(0);
  if (slots < 0 || slots > kMaxSlots) return Fail(ErrorCode::kInvalid, name + ": slots is out of range");
  config.slots = static_cast<uint32_t>(slots);
  return config;
}

}  // namespace cromt::cli
