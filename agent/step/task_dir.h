// What a task is made of: finds an action's or a task directory's program, and refuses by name what cromt doesn't act
// on yet, before anything runs. Reads the repository only.
#pragma once

#include <string>
#include <string_view>

#include "agent/step/repository.h"
#include "base/result.h"

namespace cromt::step {

enum class Language { kBash, kSh, kPython };

// A program to run.
struct TaskFile {
  Language language = Language::kBash;
  std::string file;       // relative to the root: "tasks/hello/task.bash"
  std::string directory;  // "tasks/hello"
  std::string title;      // "task.bash - tasks/hello"
  std::string name;       // "tasks/hello", as the user wrote it
};

// The main file of the task directory `path` (relative, checked: no ".."), which the user knows as `name`.
// kNotFound: no such directory. kInvalid: no main file, or one, a hook, a check… that cromt doesn't run itself yet.
// kDenied: a symlink leads out of the repository.
Result<TaskFile> FindTask(const Repository& repository, std::string_view name, const std::string& path);

// What the action `name` means, first found: a scenario, a script of .tom, a task directory.
struct Action {
  enum class Kind { kScenario, kTask };
  Kind kind = Kind::kScenario;
  std::string scenario;  // ".tom/hello.raku"
  TaskFile task;
};

// kNotFound with the places searched; else as FindTask.
Result<Action> FindAction(const Repository& repository, const std::string& name);

}  // namespace cromt::step
