// Finds plugins: task directories that scenarios call by a name. Looked for, in this order, among those built into
// cromt-step, in plugins/ of the job's repository, and in each folder of CROMT_PLUGIN_DIRS. A symlink there must not
// lead out of the repository or of that folder. Not thread-safe.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <vector>

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
  // `folders` as CROMT_PLUGIN_DIRS has them: absolute paths with colons between them. `repository` outlives it.
  Plugins(const Repository& repository, std::string_view folders);

  // kNotFound with the places searched; kInvalid for what no plugin can be called, and for one with nothing to run;
  // kDenied for one that leads elsewhere. A built-in one is written to a folder of our own, the first time.
  Result<Plugin> Find(const std::string& name);

 private:
  struct Folder {
    std::string path;
    std::list<Repository> opened;  // one, once it was there
  };

  Result<Plugin> FindIn(Folder& folder, const std::string& name);
  Result<Plugin> WriteBuiltin(const std::string& name);

  const Repository& repository_;
  std::list<Folder> folders_;
  Scratch scratch_;
  std::list<Repository> builtins_;    // one, over scratch_, once it's needed
  std::vector<std::string> written_;  // names of built-in plugins
};

}  // namespace cromt::step
