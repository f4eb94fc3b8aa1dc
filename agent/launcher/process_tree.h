// All processes of one attempt: the session of its main process; with a cgroup all that is in it; without one,
// all that descends from it, also what was orphaned in a session of its own, as long as that kept the attempt's
// mark in its environment. Launcher thread only; REQUIRES that this process is a child subreaper.
#pragma once

#include <sys/types.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "agent/launcher/cgroup.h"
#include "agent/launcher/process_table.h"

namespace cromt::launcher {

class Attempt;

// The main processes that live, of all attempts: what is in their sessions belongs to no other attempt.
using MainProcesses = std::unordered_map<pid_t, Attempt*>;

class ProcessTree {
 public:
  // `main` is the attempt's main process, a session leader or about to become one. `cgroup` may be null; it and
  // `mains` must outlive this.
  ProcessTree(pid_t main, const std::string& mark, const SlotCgroup* cgroup, const MainProcesses& mains)
      : main_(main), mark_(mark), cgroup_(cgroup), mains_(mains) {}

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
  bool Owns(const ProcessInfo& info) const;
  bool GroupExists() const;

  pid_t main_;
  std::string mark_;
  const SlotCgroup* cgroup_;
  const MainProcesses& mains_;
  bool main_ended_ = false;
  std::vector<pid_t> seen_;  // what the last Find gave: while one of these lives, no new search is needed
};

}  // namespace cromt::launcher
