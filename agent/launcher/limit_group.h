// Limits on what the processes of one attempt use together, by whichever version of control groups has the controller:
// in v2 they are files of the slot's own group, which gets fresh ones after the attempt (CgroupTree::Renew); in v1 each
// controller is a hierarchy of its own, where the attempt gets a group that its process enters before exec, which
// takes 0.15 ms. Formats: cgroups(7), and the kernel's cgroup-v1 and cgroup-v2 documents. Launcher thread only.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/launcher/cgroup.h"
#include "agent/launcher/protocol.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace cromt::launcher {

// The limits of one attempt. The v1 groups are removed with it. Empty: none.
class LimitGroup {
 public:
  LimitGroup() = default;
  LimitGroup(LimitGroup&&) = default;
  LimitGroup& operator=(LimitGroup&&) = delete;
  ~LimitGroup();

  // What the new process writes "0" to, so that it is in the v1 groups.
  std::vector<int> entries() const;
  // The slot's own group has limits now.
  bool changed_slot() const { return changed_slot_; }
  // The kernel has killed a process for want of memory within the limit.
  bool OutOfMemory() const;

 private:
  friend class LimitTree;
  struct Group {
    std::string path;
    UniqueFd procs;
  };
  std::vector<Group> groups_;  // of v1
  bool changed_slot_ = false;
  std::string events_;  // the file that counts what was killed; empty = memory has no limit
};

class LimitTree {
 public:
  // Its v1 groups are called `cromt-NAME`; what a dead launcher has left of them is removed. `own_v1_groups`: where
  // those of memory, cpu and pids are made, "" where there is none.
  struct Places {
    std::string memory, cpu, pids;
  };
  LimitTree(const std::string& name, Places own_v1_groups);
  LimitTree(const LimitTree&) = delete;
  LimitTree& operator=(const LimitTree&) = delete;
  // Removes the empty groups it made.
  ~LimitTree();

  // This process's own groups.
  static Places OwnPlaces();

  // `slot` is the group the attempt will run in, or null. kUnavailable naming what can't be limited here, and why; what
  // was made before that is removed, but the slot may have limits. REQUIRES: no other attempt has the log_id.
  Result<LimitGroup> Make(const Start& start, const SlotCgroup* slot);

 private:
  struct Limited;
  Status Limit(const Start& start, const SlotCgroup* slot, LimitGroup& group);
  std::vector<Limited> AllOf(const Limits& limits) const;
  Status AddV1(const Limited& limited, uint64_t log_id, LimitGroup& group);

  std::string memory_, cpu_, pids_;  // the tree in each v1 hierarchy, or ""
};

}  // namespace cromt::launcher
