// Starts one job process: its own session, the default signals, nothing of the launcher's but /dev/null as stdin
// and pipes for its output. Launcher thread only.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <span>
#include <tl/expected.hpp>

#include "agent/launcher/protocol.h"
#include "base/unique_fd.h"

namespace cromt::launcher {

struct Child {
  pid_t pid = 0;
  bool in_cgroup = false;
  // The launcher's ends, nonblocking. `records` only when the Start asked for it.
  UniqueFd out;
  UniqueFd err;
  UniqueFd records;
};

// What it is put in.
struct Groups {
  int dir_fd = -1;             // of v2; -1: none
  bool needed = false;         // not started where the kernel refuses that; else without it then
  std::span<const int> enter;  // to each of which the process first writes "0"
};

// Forks and execs `start` in these groups. Returns when the process exists:
// whether its exec works shows in how it exits (exec.h). The errno when it can't be made. `open_files` is the limit it
// gets, as the launcher raises its own. REQUIRES: IsValid(start); descriptors 0 to 3 of this process are in use, 0 is
// /dev/null.
tl::expected<Child, int> StartChild(const Start& start, const Groups& groups, const rlimit& open_files);

// Tries whether a process can be made in that group; makes one that exits at once.
bool CanStartIn(int cgroup_dir_fd);

}  // namespace cromt::launcher
