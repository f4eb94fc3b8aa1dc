#include "coordinator/git_cache_settings.h"

namespace cromt {

Result<GitCache::Settings> GitCacheSettings(const GitSettings& said, const std::string& program_dir) {
  GitCache::Settings settings;
  settings.helper = program_dir + "/cromt-git";
  settings.rewrites.assign(said.rewrite.begin(), said.rewrite.end());
  settings.allow_local = said.allow_local;
  for (const auto& [prefix, file] : said.credentials) {
    if (auto good = CheckLoginPrefix(prefix); !good) return Fail("'git.credentials'", good.error());
    settings.logins.emplace_back(prefix, file);
  }
  for (const std::string& text : said.submodules) {
    auto prefix = ParseGitPrefix(text);
    if (!prefix) return Fail("'git.submodules'", prefix.error());
    settings.submodules.push_back(std::move(*prefix));
  }
  settings.ca_file = said.ca_file;
  settings.ssh_keys = said.ssh_keys;
  settings.known_hosts = said.known_hosts;
  settings.timeout = said.timeout.value_or(settings.timeout);
  settings.max_pack_bytes = said.max_fetch_bytes.value_or(settings.max_pack_bytes);
  settings.max_objects = static_cast<uint32_t>(said.max_objects.value_or(settings.max_objects));
  settings.max_files = said.max_files.value_or(settings.max_files);
  settings.max_tree_bytes = said.max_tree_bytes.value_or(settings.max_tree_bytes);
  return settings;
}

}  // namespace cromt
