// What a new process gives up between clone and exec: being the launcher's user, and, in a strict sandbox, most of the
// host. No thread but the calling one may exist.
#pragma once

#include "agent/launcher/protocol.h"

namespace cromt::launcher {

// Becomes start.become, if that is set, for good: real, effective and saved ids, and these groups alone.
// Then, if start.sandbox is kStrict: a user, mount, network, IPC and UTS namespace of its own, in which
// - every file system is read-only, but start.writable, and /tmp, /var/tmp, /dev/shm and /run, which are its own and
//   but for those and start.readable empty, in memory,
// - there is no network but a loopback,
// - it has no capabilities and gains none, nor a setuid program's rights;
// whoever is not in that user namespace can't be traced, also by /proc, though it is of the same user.
// Ends the process, with words on stderr and as a shell does that can't execute (126), where any of this can't be had.
void Confine(const Start& start);

}  // namespace cromt::launcher
