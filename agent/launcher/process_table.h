// What /proc says of processes. A snapshot is old when it is read; whoever signals by it checks what it must.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cromt::launcher {

struct ProcessInfo {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  bool zombie = false;
};

// nullopt when there is no such process (any more).
std::optional<ProcessInfo> ReadProcess(pid_t pid);

// All processes of this pid namespace that may be seen. Costs some 10 µs a process.
std::vector<ProcessInfo> ReadAllProcesses();

// The value of the variable `name` in the environment that `pid` was started with; nullopt when it has none or it
// can't be read.
std::optional<std::string> VariableOf(pid_t pid, std::string_view name);

// Its command line in one line of at most 80 printable bytes, for a person; "?" when it is gone.
std::string DescribeProcess(pid_t pid);

// The pid given out last in this pid namespace; 0 when unknown.
pid_t LastPid();

}  // namespace cromt::launcher
