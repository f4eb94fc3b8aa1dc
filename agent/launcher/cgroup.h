// Control groups (v2) by which a whole process tree can be seen and killed, whatever it did to its sessions and
// parents. One group `cromt-HASH` is made below the launcher's own, in it one `slot-N` per slot of the agent:
// made when first used, entered by clone3, reused when empty, removed at the end or once it was killed: kernels of 2025
// and later go on killing whoever is cloned into such a group. Nothing that this did not make is touched. Limits are
// limit_group.h's. Launcher thread only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace cromt::launcher {

// Slots from here on run without a cgroup: each takes two descriptors.
inline constexpr uint32_t kMaxCgroupSlots = 1024;

// The group of one slot.
class SlotCgroup {
 public:
  static Result<SlotCgroup> Make(const std::string& path);

  // For CLONE_INTO_CGROUP.
  int dir_fd() const { return dir_.get(); }
  // True while a living process is in it or below. One system call.
  bool Populated() const;
  // The processes in it and below.
  std::vector<pid_t> Processes() const;
  // SIGKILL to all in it and below, also to those that are just being forked. Then nothing must be started in it.
  void Kill() const;
  bool killed() const { return killed_; }
  const std::string& path() const { return path_; }

 private:
  SlotCgroup(std::string path, UniqueFd dir, UniqueFd events)
      : path_(std::move(path)), dir_(std::move(dir)), events_(std::move(events)) {}
  std::string path_;
  UniqueFd dir_;
  UniqueFd events_;
  mutable bool killed_ = false;
};

class CgroupTree {
 public:
  // Makes `cromt-NAME` in the group directory `parent`, or where that is empty in the launcher's own group of the
  // v2 hierarchy. What a launcher of that name left there when it died is killed first. kUnavailable, saying
  // why, when there is no v2 hierarchy, it can't be written, or it is too old to have cgroup.kill.
  static Result<CgroupTree> Make(const std::string& parent, const std::string& name);
  CgroupTree(CgroupTree&& other) noexcept : path_(std::move(other.path_)), slots_(std::move(other.slots_)) {
    other.path_.clear();
  }
  CgroupTree& operator=(CgroupTree&&) = delete;
  // Removes the empty groups it made.
  ~CgroupTree();

  // The group of slot `number`, made when needed; nullptr when the number is too high or the making failed. It
  // lives until Renew of it or the end of the tree.
  SlotCgroup* Slot(uint32_t number);
  // The slot's next attempt gets a fresh group: something was killed in this one, or could not be.
  void Renew(uint32_t number);

  const std::string& path() const { return path_; }

 private:
  explicit CgroupTree(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::unordered_map<uint32_t, SlotCgroup> slots_;
  uint32_t left_ = 0;  // how many could not be removed; part of the names made since
};

}  // namespace cromt::launcher
