// The program cromt-launcher: its flags, and how it becomes a process that hangs on nobody.
//
//   cromt-launcher --data-dir DIR [--cgroup PATH|none] [--orphan-timeout SECONDS] [--detach | --service]
//
// Exit: 0 ended as asked (with --detach: another process goes on and its socket answers); 1 could not begin;
// 2 wrong flags; kExitConflict another launcher has DIR.
#pragma once

namespace cromt::launcher {

inline constexpr int kExitConflict = 3;

int Main(int argc, char** argv);

}  // namespace cromt::launcher
