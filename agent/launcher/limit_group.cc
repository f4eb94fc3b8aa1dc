#include "agent/launcher/limit_group.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <span>
#include <string_view>

#include "agent/launcher/cgroup_mount.h"
#include "agent/launcher/proc_file.h"

namespace cromt::launcher {
namespace {

constexpr uint64_t kCpuPeriodUs = 100'000;
constexpr uint64_t kLeastQuotaUs = 1000;  // that the kernel takes

// A file of a group and what is written to it. `needed`: without it there is no limit.
struct Setting {
  const char* file;
  std::string value;
  bool needed = true;
};

// The errno, or 0.
int WriteFile(const std::string& path, std::string_view text) {
  UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  return write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : errno;
}

Status Apply(const std::string& dir, std::span<const Setting> settings) {
  for (const Setting& setting : settings) {
    const int error = WriteFile(fmt::format("{}/{}", dir, setting.file), setting.value);
    if (error != 0 && setting.needed)
      return Fail(ErrorCode::kUnavailable, ErrnoError(fmt::format("{}/{}", dir, setting.file), error).message);
  }
  return {};
}

std::string ParentOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// Lets the groups below the slot's tree have the controller, where that is not so yet. The errno of what stands against
// it, or 0.
int Enable(const SlotCgroup& slot, const std::string& controller, const char* file) {
  auto there = [&] { return access(fmt::format("{}/{}", slot.path(), file).c_str(), W_OK) == 0; };
  if (there()) return 0;
  const std::string tree = ParentOf(slot.path());
  int error = WriteFile(ParentOf(tree) + "/cgroup.subtree_control", "+" + controller);
  if (error == 0) error = WriteFile(tree + "/cgroup.subtree_control", "+" + controller);
  return there() ? 0 : error != 0 ? error : ENOENT;
}

std::string WhyNot(const char* controller, const SlotCgroup* slot, int v2_error) {
  std::string why = fmt::format("this host's agent can't limit {}: ", controller);
  if (!slot) return why + "it has no control group for this job";
  why += fmt::format("the control group {} is not given that controller ({})", ParentOf(ParentOf(slot->path())),
                     std::strerror(v2_error));
  return why + "; run the agent as a service with Delegate=yes, or name a group of its own with --cgroup";
}

}  // namespace

// What one controller is told, in each version, and where it counts what it has killed.
struct LimitTree::Limited {
  const char* controller;
  const std::string& v1_tree;
  std::vector<Setting> v1;
  std::vector<Setting> v2;
  const char* v1_events = nullptr;
  const char* v2_events = nullptr;
};

LimitGroup::~LimitGroup() {
  for (const Group& group : groups_) RemoveGroups(group.path);
}

std::vector<int> LimitGroup::entries() const {
  std::vector<int> fds;
  for (const Group& group : groups_) fds.push_back(group.procs.get());
  return fds;
}

bool LimitGroup::OutOfMemory() const {
  if (events_.empty()) return false;
  const std::string text = ReadProcFile(events_.c_str());
  constexpr std::string_view kCount = "oom_kill ";
  const size_t at = text.rfind(kCount);  // v1 has "oom_kill_disable" before it
  uint64_t count = 0;
  if (at != text.npos) std::from_chars(text.data() + at + kCount.size(), text.data() + text.size(), count);
  return count > 0;
}

LimitTree::LimitTree(const std::string& name, Places own_v1_groups) {
  const auto tree = [&](const std::string& group) {
    return group.empty() ? "" : fmt::format("{}{}cromt-{}", group, group.ends_with('/') ? "" : "/", name);
  };
  memory_ = tree(own_v1_groups.memory);
  cpu_ = tree(own_v1_groups.cpu);
  pids_ = tree(own_v1_groups.pids);
  for (const std::string& path : {memory_, cpu_, pids_})
    if (!path.empty()) RemoveGroups(path);
}

LimitTree::~LimitTree() {
  for (const std::string& path : {memory_, cpu_, pids_})
    if (!path.empty()) RemoveGroups(path);
}

LimitTree::Places LimitTree::OwnPlaces() {
  return {OwnCgroup("memory").value_or(""), OwnCgroup("cpu").value_or(""), OwnCgroup("pids").value_or("")};
}

Result<LimitGroup> LimitTree::Make(const Start& start, const SlotCgroup* slot) {
  LimitGroup group;
  CROMT_TRY(Limit(start, slot, group));
  return group;
}

Status LimitTree::Limit(const Start& start, const SlotCgroup* slot, LimitGroup& group) {
  for (const Limited& limited : AllOf(start.limits)) {
    const int v2_error = slot ? Enable(*slot, limited.controller, limited.v2.front().file) : ENOENT;
    if (v2_error == 0) {
      group.changed_slot_ = true;
      CROMT_TRY(Apply(slot->path(), limited.v2));
      if (limited.v2_events) group.events_ = fmt::format("{}/{}", slot->path(), limited.v2_events);
    } else if (!limited.v1_tree.empty()) {
      CROMT_TRY(AddV1(limited, start.log_id, group));
    } else {
      return Fail(ErrorCode::kUnavailable, WhyNot(limited.controller, slot, v2_error));
    }
  }
  return {};
}

std::vector<LimitTree::Limited> LimitTree::AllOf(const Limits& limits) const {
  std::vector<Limited> all;
  if (limits.memory_bytes > 0) {
    const std::string bytes = std::to_string(limits.memory_bytes);
    all.push_back({.controller = "memory",
                   .v1_tree = memory_,
                   .v1 = {{"memory.limit_in_bytes", bytes},
                          {"memory.memsw.limit_in_bytes", bytes, false},
                          {"memory.swappiness", "0", false}},
                   // The job as a whole: what is left of one of which a part was killed helps nobody.
                   .v2 = {{"memory.max", bytes}, {"memory.swap.max", "0", false}, {"memory.oom.group", "1", false}},
                   .v1_events = "memory.oom_control",
                   .v2_events = "memory.events"});
  }
  if (limits.cpu_permille > 0) {
    const uint64_t quota_us = std::max(kCpuPeriodUs * limits.cpu_permille / 1000, kLeastQuotaUs);
    all.push_back(
        {.controller = "cpu",
         .v1_tree = cpu_,
         .v1 = {{"cpu.cfs_period_us", std::to_string(kCpuPeriodUs)}, {"cpu.cfs_quota_us", std::to_string(quota_us)}},
         .v2 = {{"cpu.max", fmt::format("{} {}", quota_us, kCpuPeriodUs)}}});
  }
  if (limits.pids > 0) {
    const Setting most{"pids.max", std::to_string(limits.pids)};
    all.push_back({.controller = "pids", .v1_tree = pids_, .v1 = {most}, .v2 = {most}});
  }
  return all;
}

Status LimitTree::AddV1(const Limited& limited, uint64_t log_id, LimitGroup& group) {
  const std::string path = fmt::format("{}/{}", limited.v1_tree, log_id);
  mkdir(limited.v1_tree.c_str(), 0755);  // if it can't be, nor can what is in it
  if (mkdir(path.c_str(), 0755) != 0)
    return Fail(ErrorCode::kUnavailable, ErrnoError("can't make the control group " + path, errno).message);
  LimitGroup::Group& made = group.groups_.emplace_back(path, UniqueFd());
  CROMT_TRY(Apply(path, limited.v1));
  made.procs.reset(open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!made.procs)
    return Fail(ErrorCode::kUnavailable, ErrnoError("can't open " + path + "/cgroup.procs", errno).message);
  if (limited.v1_events) group.events_ = fmt::format("{}/{}", path, limited.v1_events);
  return {};
}

}  // namespace cromt::launcher
