// Runs one task after another: writes its parameters and helper, starts its interpreter, forwards what it prints
// between a TaskBegan and a TaskEnded mark. Not thread-safe.
#pragma once

#include "agent/step/child.h"
#include "agent/step/output.h"
#include "agent/step/repository.h"
#include "agent/step/scratch.h"
#include "agent/step/task_dir.h"
#include "agent/step/value.h"

namespace cromt::step {

// What a shell would exit with.
inline constexpr int kExitNotExecutable = 126;
inline constexpr int kExitNoProgram = 127;
inline constexpr int kExitSignalBase = 128;

class TaskRunner {
 public:
  // All three outlive it.
  TaskRunner(const Repository& repository, ChildRunner& children, Output& output)
      : repository_(repository), children_(children), output_(output) {}

  // The task's exit code; 128+N when killed by signal N; 126 or 127 with a note when its interpreter can't be started;
  // 1 with a note when its files can't be written.
  int Run(const TaskFile& task, Map parameters);

 private:
  struct Invocation {
    std::vector<std::string> argv;
    std::vector<std::string> environment;
  };

  Result<Invocation> Prepare(const TaskFile& task, const Map& parameters);
  Status WriteFiles(const TaskFile& task, const Map& parameters, const std::string& cache_root);

  const Repository& repository_;
  ChildRunner& children_;
  Output& output_;
  Scratch scratch_;
  int tasks_ = 0;  // so far
};

}  // namespace cromt::step
