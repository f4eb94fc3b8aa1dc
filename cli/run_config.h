// The configuration that `cromt run --config` and `cromt plan --config` take: a coordinator's, of which they use how
// agents are found and Git URLs are rewritten.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/world.h"
#include "io/config/git_settings.h"

namespace cromt::cli {

inline constexpr uint32_t kMaxSlots = 4096;

struct RunConfig {
  std::map<std::string, std::string> agents;
  GitSettings git;
  bool insecure = false;
  uint32_t slots = 0;  // of the embedded agent; 0 = not said
  std::string text;    // what it was read from; empty where no file was named
};

// Defaults where no file is named. kInvalid with all errors, one a line; also for a file that can't be read.
Result<RunConfig> ReadRunConfig(const std::optional<std::string>& file, const World& world);

// The same from a text that was read before; errors name `name`. An empty text: the defaults.
Result<RunConfig> ParseRunConfig(std::string text, const std::string& name, const World& world);

}  // namespace cromt::cli
