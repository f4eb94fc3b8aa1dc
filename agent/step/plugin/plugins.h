// Finds plugins: task directories that scenarios call by a name. Looked for, in this order, among those built into
// cromt-step, in plugins/ of the job's repository, in each folder of CROMT_PLUGIN_DIRS, and in a Sparrow repository. A
// symlink there must not lead out of the repository or of that folder. Not thread-safe.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "agent/step/plugin/plugin_repository.h"
#include "agent/step/repository.h"
#include "agent/step/scratch.h"
#include "base/result.h"

namespace cromt::step {

struct Plugin {
  const Repository* repository = nullptr;  // lives as long as the Plugins
  std::string root;                        // relative to it
};

class Plugins {
 public:
  // `folders` as CROMT_PLUGIN_DIRS has them: absolute paths with colons between them. `sparrow` may be null. Both
  // others outlive it.
  Plugins(const Repository& repository, std::string_view folders, PluginRepository* sparrow = nullptr);

  // kNotFound with the places searched; kInvalid for what no plugin can be called, and for one with nothing to run;
  // kDenied for one that leads elsewhere; and as PluginRepository::Install. A built-in one is written to a folder of
  // our own, the first time.
  Result<Plugin> Find(const std::string& name);

 private:
  struct Folder {
    std::string path;
    std::list<Repository> opened;  // one, once it was there
  };

  // `root` of the folder, for the plugin `name`.
  static Result<Plugin> FindIn(Folder& folder, const std::string& root, const std::string& name);
  Result<Plugin> WriteBuiltin(const std::string& name);

  const Repository& repository_;
  PluginRepository* const sparrow_;
  Folder installed_;  // what is kept of it
  std::list<Folder> folders_;
  Scratch scratch_;
  std::list<Repository> builtins_;    // one, over scratch_, once it's needed
  std::vector<std::string> written_;  // names of built-in plugins
};

}  // namespace cromt::step
