// What a task directory is made of, and which file an action means. Reads the repository only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/step/check/check_file.h"
#include "agent/step/repository.h"
#include "agent/step/task/languages.h"
#include "base/result.h"

namespace cromt::step {

struct ProgramFile {
  Language language = Language::kBash;
  std::string file;  // relative to the repository: "tasks/hello/task.bash"
};

// A directory with a hook, a task or both.
struct TaskDir {
  std::string path;  // relative to the repository
  std::optional<ProgramFile> hook;
  std::optional<ProgramFile> task;
  std::optional<CheckFile> check;  // task.check
};

// kNotFound: no such directory. kInvalid: something else of that name, a check that can't be read, or nothing to run in
// it, over which Sparrow says nothing. kDenied: a symlink leads out of the repository.
Result<TaskDir> ReadTaskDir(const Repository& repository, const std::string& path);

inline constexpr size_t kMaxSubtaskFiles = 10'000;  // files and folders below tasks/ of a root

// Reads the checks of all subtasks of `root`, whichever of them its hooks will ask for. The repository as a root holds
// everybody's tasks: nothing is read. Errors as of a check in ReadTaskDir; kExhausted above kMaxSubtaskFiles.
Status CheckSubtasks(const Repository& repository, const std::string& root);

// What the action `name` means, first found: a scenario, a script of .tom, a task directory.
struct Action {
  enum class Kind { kScenario, kScript, kTask };
  Kind kind = Kind::kScenario;
  std::string path;     // ".tom/hello.raku", ".tom/hello.bash", "tasks/hello"
  ProgramFile program;  // kScript only
};

// kNotFound with the places searched; else as ReadTaskDir.
Result<Action> FindAction(const Repository& repository, const std::string& name);

// What a scenario or a hook calls a path, as one relative to the repository's root `root`, without "." and doubled
// slashes; "." is the root itself. kDenied for one that leads elsewhere and for "..", kInvalid for what is no path.
Result<std::string> RelativePath(const std::string& root, std::string_view path);

// "tasks" and "a" as "tasks/a"; "." and "a" as "a".
std::string Join(const std::string& directory, std::string_view file);
std::string BaseName(const std::string& path);
std::string DirName(const std::string& path);

}  // namespace cromt::step
