// What happens in a new process between clone and exec.
#pragma once

#include <sys/resource.h>

#include <string>
#include <string_view>
#include <vector>

#include "agent/launcher/protocol.h"

namespace cromt::launcher {

// Ends this process with `text` on stderr and the exit code that a shell has for the errno: 126 or 127.
[[noreturn]] void ExitSaying(std::string_view text, int error);

// The argument and environment vectors of a Start. Points into it.
class ExecPlan {
 public:
  explicit ExecPlan(const Start& start);
  ExecPlan(const ExecPlan&) = delete;
  ExecPlan& operator=(const ExecPlan&) = delete;

  // Ends as the program, or else as /bin/sh would end that can't run it: with its words on stderr and 127 when
  // there is no such program, 126 when it can't be executed. A file without a known format is run by /bin/sh.
  // A directory that can't be entered is named and ends with the same numbers. REQUIRES: stderr is the job's.
  [[noreturn]] void Run();

 private:
  void EnterDirectory() const;
  int TryAll();
  int Try(const char* program);

  const Start& start_;
  std::string mark_;
  const char* path_ = nullptr;  // PATH of the environment, if it has one
  std::vector<const char*> argv_;
  std::vector<const char*> env_;
};

}  // namespace cromt::launcher
