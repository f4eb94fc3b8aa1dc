// Runs tasks as Sparrow does: the defaults of the task's root under the caller's parameters, its hook, the subtasks
// that the hook asks for, then its program, then its check. What a program prints is forwarded between a TaskBegan and
// a TaskEnded mark. Not thread-safe.
//
// A hook runs to its end before anything that it asks for: it is its exit status that says whether any of it counts.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "agent/step/child.h"
#include "agent/step/output.h"
#include "agent/step/repository.h"
#include "agent/step/scratch.h"
#include "agent/step/staged_folder.h"
#include "agent/step/task/dependencies.h"
#include "agent/step/task/task_dir.h"
#include "agent/step/value.h"

namespace cromt::step {

// What a shell would exit with.
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNoProgram = 127;
inline constexpr int kExitSignalBase = 128;
// As Sparrow's.
inline constexpr int kExitCheckFailed = 2;
inline constexpr int kExitHookFailed = 101;

inline constexpr int kMaxTaskDepth = 32;              // subtasks of subtasks
inline constexpr int kMaxPrograms = 100'000;          // hooks and tasks of one job
inline constexpr size_t kMaxHookBytes = 4 << 20;      // that a hook may print
inline constexpr size_t kMaxCheckedBytes = 64 << 20;  // of a task's stdout, where it has a check
inline constexpr size_t kMaxDefaultsBytes = 1 << 20;  // of config.yaml
inline constexpr size_t kMaxStateBytes = 4 << 20;     // of state.json

struct TaskRun {
  std::string name;        // as people know it
  std::string root;        // relative to the repository: root_dir, which has config.yaml, tasks/, lib/ and bin/
  std::string task = ".";  // below the root: what runs
  std::optional<ProgramFile> script;  // runs instead of a directory, without hook, defaults and check
  Map parameters;
};

struct TaskResult {
  int exit_code = 0;
  Map state;                  // what the programs left by update_state
  size_t check_failures = 0;  // rules that don't hold, of all checks; some may have been ignored
};

class TaskRunner {
 public:
  // The value of a config.raku, which is an expression of Raku. `path` is absolute, `file` as messages call it.
  using ReadRaku =
      std::function<Result<Map>(const std::string& path, const std::string& file, const std::string& text)>;

  // Both outlive it.
  TaskRunner(ChildRunner& children, Output& output, ReadRaku read_raku)
      : children_(children),
        output_(output),
        read_raku_(std::move(read_raku)),
        dependencies_(CacheFolder("modules"), children, output) {}

  // The exit code is the program's; 128+N when killed by signal N; 126 or 127 with a note when its interpreter can't be
  // started; kExitCheckFailed, kExitHookFailed; 1 with a note for what can't be read or written.
  TaskResult Run(const Repository& repository, TaskRun run);

 private:
  class Session;

  ChildRunner& children_;
  Output& output_;
  ReadRaku read_raku_;
  Dependencies dependencies_;
  Scratch scratch_;
  std::set<Language> has_library_;  // whose library is in the scratch
  int programs_ = 0;                // so far
};

}  // namespace cromt::step
