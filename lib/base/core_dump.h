// For programs that hold secrets.
#pragma once

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>

namespace cromt {

// No core dump is made of this process, and no other of its user may look into its memory. Goes over to what it forks,
// and not to what it executes. Once, at the beginning. (Of a process that is not root's, what is its own in /proc then
// is root's: others of its user can't read its environment or count its descriptors there.) CROMT_CORE_DUMPS=allow in
// its environment leaves all of that as it was: for who looks for a bug.
inline void ForbidCoreDumps() {
  const char* wish = std::getenv("CROMT_CORE_DUMPS");
  if (wish == nullptr || std::strcmp(wish, "allow") != 0) prctl(PR_SET_DUMPABLE, 0);
}

// The same for a process that others of its user have to find by its environment: no core dump is written, of it or of
// what it executes, unless somebody raises the limit again.
inline void LimitCoreDumps() {
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = 0;
  setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace cromt
