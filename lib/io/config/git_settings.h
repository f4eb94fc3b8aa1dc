// The part `git:` of a coordinator's configuration, and `allow_local_git`: which repositories may be cloned, as whom,
// and how much of them. docs/config.md describes the keys.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/config/settings.h"

namespace cromt {

// What is nullopt was not said. All paths are absolute.
struct GitSettings {
  std::map<std::string, std::string> rewrite;      // URL prefix → what replaces it
  bool allow_local = false;                        // file:// and paths in job files
  std::map<std::string, std::string> credentials;  // URL prefix → file of USER:PASSWORD
  std::vector<std::string> submodules;             // URL prefixes that submodules may be fetched from
  std::string ca_file;
  std::vector<std::string> ssh_keys;
  std::vector<std::string> known_hosts;
  std::optional<Duration> timeout;
  std::optional<int64_t> max_fetch_bytes;
  std::optional<int64_t> max_objects;
  std::optional<int64_t> max_files;
  std::optional<int64_t> max_tree_bytes;
};

// `specs` and the keys that ReadGitSettings reads.
std::vector<SettingSpec> WithGitKeys(std::span<const SettingSpec> specs);

// kInvalid: a path that is not absolute after `home` has taken the place of "~", a limit that is none, what is not
// built. Without `known_hosts` the user's and the host's own files are meant.
Result<GitSettings> ReadGitSettings(const Settings& settings, const std::string& home);

}  // namespace cromt
