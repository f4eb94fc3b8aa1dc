#include "cli/run_config.h"

#include <array>

#include "cli/job_source.h"
#include "io/config/read_file.h"
#include "io/config/settings.h"

namespace cromt::cli {
namespace {

constexpr size_t kMaxFileBytes = 16 << 20;

// All that a coordinator's file may hold; what is not used here says nothing about a run on this machine.
constexpr std::array<SettingSpec, 9> kKeys = {{{"agents", SettingKind::kMap},
                                               {"git.rewrite", SettingKind::kMap},
                                               {"insecure", SettingKind::kFlag},
                                               {"slots", SettingKind::kNumber},
                                               {"listen", SettingKind::kText},
                                               {"http", SettingKind::kText},
                                               {"local-agent", SettingKind::kText},
                                               {"data-dir", SettingKind::kText},
                                               {"allow_local_git", SettingKind::kFlag}}};

}  // namespace

Result<RunConfig> ReadRunConfig(const std::optional<std::string>& file, const World& world) {
  if (!file) return RunConfig{};
  auto text = ReadFile(AbsolutePath(*file, world), kMaxFileBytes);
  if (!text) return Fail(ErrorCode::kInvalid, std::move(text).error().message);
  CROMT_ASSIGN(const Settings settings, ReadSettings(std::move(*text), *file, kKeys));
  RunConfig config;
  config.agents = settings.Map("agents");
  config.git_rewrite = settings.Map("git.rewrite");
  config.insecure = settings.Flag("insecure").value_or(false);
  const int64_t slots = settings.Number("slots").value_or(0);
  if (slots < 0 || slots > kMaxSlots) return Fail(ErrorCode::kInvalid, *file + ": slots is out of range");
  config.slots = static_cast<uint32_t>(slots);
  return config;
}

}  // namespace cromt::cli
