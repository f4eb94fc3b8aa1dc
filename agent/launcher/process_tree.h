// All processes of one attempt: the session of its main process; with a cgroup all that is in it; without one,
// all that descends from it, also what was orphaned in a session of its own, as long as that kept the attempt's
// mark in its environment. Launcher thread only; REQUIRES that this process is a child subreaper.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "agent/launcher/cgroup.h"

namespace cromt::launcher {

class ProcessTree {
 public:
  // `main` is the attempt's main process, a session leader or about to become one. `cgroup` may be null and must
  // outlive this.
  ProcessTree(pid_t main, const std::string& mark, const SlotCgroup* cgroup)
      : main_(main), variable_("CROMT_ATTEMPT_MARK=" + mark), cgroup_(cgroup) {}

  // Sends `signal` to everything, SIGCONT after a SIGTERM, so that what is stopped hears it too.
  void Signal(int signal);

  // Call when the main process was reaped: it is no more looked for, and its number no more signaled alone.
  void MainEnded() { main_ended_ = true; }

  // Nothing of the attempt lives (the main process aside, see MainEnded). Cheap in the common case: one system
  // call with a cgroup, a few without.
  bool Empty();

  // The living processes of the attempt.
  std::vector<pid_t> Find() const;

  const SlotCgroup* cgroup() const { return cgroup_; }

 private:
  std::vector<pid_t> FindByDescent() const;
  bool MayHaveEscaped() const;
  bool GroupExists() const;

  pid_t main_;
  std::string variable_;
  const SlotCgroup* cgroup_;
  bool main_ended_ = false;
  std::vector<pid_t> seen_;  // what the last Find gave: while one of these lives, no new search is needed
};

}  // namespace cromt::launcher
