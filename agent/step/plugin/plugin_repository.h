// Takes plugins from a Sparrow repository (plugin_pins.h) and keeps them for every job of this host and user. It is
// done by the host's curl, sha256sum and tar. Not thread-safe.
#pragma once

#include <string>
#include <vector>

#include "agent/step/child.h"
#include "agent/step/output.h"
#include "agent/step/plugin/plugin_pins.h"
#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxPluginBytes = 64 << 20;      // of an archive
inline constexpr size_t kMaxIndexBytes = 8 << 20;        // of api/v1/index
inline constexpr seconds kDownloadLimit = seconds(300);  // for one file

class PluginRepository {
 public:
  // `cache` as of CacheFolder; both others outlive it.
  PluginRepository(PluginPins pins, std::string cache, ChildRunner& children, Output& output)
      : pins_(std::move(pins)), cache_(std::move(cache)), children_(children), output_(output) {}

  const std::string& url() const { return pins_.url; }
  const std::string& cache() const { return cache_; }

  // The name of the plugin's folder in cache(). kNotFound: it isn't pinned. kDenied: the archive has another digest.
  // Else why it can't be had: kUnavailable from the repository.
  Result<std::string> Install(const std::string& name);

 private:
  const PluginPins pins_;
  const std::string cache_;
  ChildRunner& children_;
  Output& output_;
};

// What the agent's configuration says to pin these plugins as the repository has them now.
Result<std::string> PinPlugins(const std::string& url, const std::vector<std::string>& names, ChildRunner& children);

}  // namespace cromt::step
