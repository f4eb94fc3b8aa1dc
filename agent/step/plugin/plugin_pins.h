// The plugins that jobs may take from a Sparrow repository, each pinned to one version and the digest of its archive:
// so the repository, and whoever is between, can withhold a plugin but not change it. Immutable values; pure.
//
// Layout of a repository (Sparrow6, documentation/repository.md): URL/api/v1/index has a line "NAME VERSION" for each
// plugin, URL/plugins/NAME-vVERSION.tar.gz is its task directory.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt::step {

inline constexpr size_t kMaxPlugins = 500;  // pinned: they travel in a variable of each job

struct PluginPin {
  std::string version;  // as the index has it: "0.000018"
  std::string sha256;   // of the archive: 64 lower-case hexadecimal digits
};

struct PluginPins {
  std::string url;  // http, https or file, without a slash at its end; empty: there is no repository
  std::map<std::string, PluginPin> plugins;
};

// The variable of a job that carries them from its agent.
inline constexpr const char* kPluginRepositoryVariable = "CROMT_PLUGIN_REPOSITORY";

// `plugins` maps names to "VERSION sha256:HEX". kInvalid with what to write instead.
Result<PluginPins> MakePluginPins(std::string url, const std::map<std::string, std::string>& plugins);

// "http://host/repo" without slashes at its end. kInvalid: another scheme, or what no URL contains.
Result<std::string> CheckRepositoryUrl(std::string url);

// URL, then a line "NAME VERSION sha256:HEX" for each.
std::string ToVariable(const PluginPins& pins);
Result<PluginPins> FromVariable(std::string_view text);

}  // namespace cromt::step
