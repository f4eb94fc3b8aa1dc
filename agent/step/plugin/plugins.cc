#include "agent/step/plugin/plugins.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/step/plugin/builtin_files.h"
#include "agent/step/task/task_dir.h"
#include "base/name.h"

namespace cromt::step {
namespace {

constexpr std::string_view kRepositoryFolder = "plugins";
// Lies beside the built-in plugins, and in each of them when it's written.
constexpr std::string_view kCommonFile = "common.bash";

bool IsOf(const BuiltinFile& file, std::string_view plugin) {
  return file.path.size() > plugin.size() && file.path.starts_with(plugin) && file.path[plugin.size()] == '/';
}

bool IsBuiltin(std::string_view name) {
  return std::ranges::any_of(BuiltinFiles(), [&](const BuiltinFile& file) { return IsOf(file, name); });
}

Result<Plugin> PluginAt(const Repository& repository, std::string root) {
  CROMT_TRY(ReadTaskDir(repository, root));
  return Plugin{&repository, std::move(root)};
}

bool IsElsewhere(const Result<Plugin>& plugin) {
  return !plugin && plugin.error().code == ErrorCode::kNotFound;
}

}  // namespace

Plugins::Plugins(const Repository& repository, std::string_view folders, PluginRepository* sparrow)
    : repository_(repository), sparrow_(sparrow), installed_{sparrow ? sparrow->cache() : "", {}} {
  while (!folders.empty()) {
    const size_t end = std::min(folders.find(':'), folders.size());
    if (end > 0) folders_.push_back({std::string(folders.substr(0, end)), {}});
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
}

Result<Plugin> Plugins::Find(const std::string& name) {
  CROMT_TRY(CheckName("the name of a plugin", name));
  if (IsBuiltin(name)) return WriteBuiltin(name);
  auto found = PluginAt(repository_, Join(std::string(kRepositoryFolder), name));
  if (!IsElsewhere(found)) return found;
  std::string searched = fmt::format("{}/{}", kRepositoryFolder, name);
  for (Folder& folder : folders_) {
    if (found = FindIn(folder, name, name); !IsElsewhere(found)) return found;
    searched += fmt::format(", {}/{}", folder.path, name);
  }
  if (sparrow_) {
    auto root = sparrow_->Install(name);
    if (root) return FindIn(installed_, *root, name);
    if (root.error().code != ErrorCode::kNotFound) return Fail("plugin " + Quote(name), std::move(root).error());
    searched += fmt::format(", nor is it pinned of {}", sparrow_->url());
  }
  return Fail(ErrorCode::kNotFound,
              fmt::format("there is no plugin {}: it isn't built in, and nothing is at {}", Quote(name), searched));
}

Result<Plugin> Plugins::FindIn(Folder& folder, const std::string& root, const std::string& name) {
  auto in_folder = [&](Error error) {
    return Fail("plugin " + Quote(name) + " in " + Quote(folder.path), std::move(error));
  };
  if (!folder.path.starts_with('/')) return in_folder({ErrorCode::kInvalid, "CROMT_PLUGIN_DIRS takes absolute paths"});
  if (folder.opened.empty()) {
    auto opened = Repository::Open(folder.path);
    if (!opened) return in_folder(std::move(opened).error());
    folder.opened.push_back(std::move(*opened));
  }
  auto found = PluginAt(folder.opened.front(), root);
  if (!found) return in_folder(std::move(found).error());
  return found;
}

Result<Plugin> Plugins::WriteBuiltin(const std::string& name) {
  if (builtins_.empty()) {
    CROMT_TRY(scratch_.Make());
    CROMT_ASSIGN(Repository opened, Repository::Open(scratch_.path()));
    builtins_.push_back(std::move(opened));
  }
  if (std::ranges::find(written_, name) == written_.end()) {
    CROMT_TRY(scratch_.MakeDirectories(name));
    for (const BuiltinFile& file : BuiltinFiles()) {
      if (file.path == kCommonFile) CROMT_TRY(scratch_.Write(fmt::format("{}/{}", name, kCommonFile), file.text));
      if (!IsOf(file, name)) continue;
      CROMT_TRY(scratch_.MakeDirectories(DirName(std::string(file.path))));
      CROMT_TRY(scratch_.Write(std::string(file.path), file.text));
    }
    written_.push_back(name);
  }
  return Plugin{&builtins_.front(), name};
}

}  // namespace cromt::step
