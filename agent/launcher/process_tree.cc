#include "agent/launcher/process_tree.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <unordered_set>

namespace cromt::launcher {
namespace {

// Up to this many pids given out since the attempt's start are looked at one by one; beyond, all of /proc is.
constexpr pid_t kFewPids = 64;

bool Lives(pid_t pid) {
  std::optional<ProcessInfo> info = ReadProcess(pid);
  return info && !info->zombie;
}

}  // namespace

void ProcessTree::Signal(int signal) {
  if (signal == SIGKILL && cgroup_) cgroup_->Kill();
  std::vector<pid_t> found = Find();
  // The group first and at once, so that no member can fork away from a signal sent one by one. A child that has
  // not come to its setsid yet has no group.
  if (kill(-main_, signal) != 0 && !main_ended_) kill(main_, signal);
  for (pid_t pid : found) {
    if (pid != main_ && getpgid(pid) != main_) kill(pid, signal);
  }
  if (signal != SIGTERM) return;
  kill(-main_, SIGCONT);
  for (pid_t pid : found) kill(pid, SIGCONT);
}

// The number of an ended leader is not given out again while its group or session has members.
bool ProcessTree::GroupExists() const {
  return kill(-main_, 0) == 0;
}

bool ProcessTree::Empty() {
  if (cgroup_) return !cgroup_->Populated() || Find().empty();
  if (std::any_of(seen_.begin(), seen_.end(), Lives)) return false;
  if (seen_.empty() && !GroupExists() && !MayHaveEscaped()) return true;
  seen_ = Find();
  return seen_.empty();
}

std::vector<pid_t> ProcessTree::Find() const {
  std::vector<pid_t> found = cgroup_ ? cgroup_->Processes() : FindByDescent();
  if (main_ended_) std::erase(found, main_);
  return found;
}

// Whether a full search could find what is no more in the main process's group. All that the attempt forked got
// a pid after the main process's own, so if few were given out since, looking at those is enough.
bool ProcessTree::MayHaveEscaped() const {
  pid_t last = LastPid();
  if (last < main_ || last - main_ > kFewPids) return true;
  for (pid_t pid = main_ + 1; pid <= last; ++pid) {
    if (mains_.contains(pid)) continue;
    std::optional<ProcessInfo> info = ReadProcess(pid);
    if (info && !info->zombie && Owns(*info)) return true;
  }
  return false;
}

// Whether that process shows by itself that it is of this attempt: by its session or group, or as an orphan by
// its environment.
bool ProcessTree::Owns(const ProcessInfo& info) const {
  if (info.session == main_ || info.group == main_) return true;
  if (info.parent != getpid() || mains_.contains(info.pid) || mains_.contains(info.session)) return false;
  return VariableOf(info.pid, "CROMT_ATTEMPT_MARK") == mark_;
}

std::vector<pid_t> ProcessTree::FindByDescent() const {
  std::vector<ProcessInfo> all = ReadAllProcesses();
  std::vector<pid_t> found;
  std::unordered_set<pid_t> tree;
  for (const ProcessInfo& info : all) {
    if (Owns(info) || (info.pid == main_ && !main_ended_)) tree.insert(info.pid);
  }
  // Children of what is found, until nothing new is: as many rounds as the tree is deep.
  for (size_t before = 0; before != tree.size();) {
    before = tree.size();
    for (const ProcessInfo& info : all) {
      if (tree.contains(info.parent)) tree.insert(info.pid);
    }
  }
  for (const ProcessInfo& info : all) {
    if (!info.zombie && tree.contains(info.pid)) found.push_back(info.pid);
  }
  return found;
}

}  // namespace cromt::launcher
