#include "agent/launcher/cgroup_mount.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "agent/launcher/proc_file.h"
#include "base/unique_fd.h"

namespace cromt::launcher {
namespace {

// The n-th blank-separated word of `line`, from 0.
std::string_view Word(std::string_view line, size_t n) {
  for (; n > 0; --n) {
    size_t blank = line.find(' ');
    if (blank == std::string_view::npos) return {};
    line.remove_prefix(blank + 1);
  }
  return line.substr(0, line.find(' '));
}

bool HasItem(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    const std::string_view first = list.substr(0, list.find(','));
    if (first == item) return true;
    list.remove_prefix(std::min(list.size(), first.size() + 1));
  }
  return false;
}

std::string FindLine(const std::string& text, auto matches) {
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    if (matches(line)) return std::string(line);
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return {};
}

// A mounted hierarchy: which part of it is seen, and where.
struct Mount {
  std::string root;
  std::string point;
};

// As in proc(5), mountinfo: "36 35 98:0 /root /point options… - type source superoptions".
bool IsMountOf(std::string_view line, std::string_view controller) {
  const size_t separator = line.find(" - ");
  if (separator == line.npos) return false;
  const std::string_view kind = line.substr(separator + 3);
  if (controller.empty()) return Word(kind, 0) == "cgroup2";
  return Word(kind, 0) == "cgroup" && HasItem(Word(kind, 2), controller);
}

Result<Mount> FindMount(std::string_view controller) {
  std::string line =
      FindLine(ReadProcFile("/proc/self/mountinfo"), [&](std::string_view l) { return IsMountOf(l, controller); });
  if (line.empty())
    return Fail(ErrorCode::kUnavailable, controller.empty() ? "no cgroup v2 hierarchy is mounted"
                                                            : fmt::format("no cgroup hierarchy with {}", controller));
  return Mount{std::string(Word(line, 3)), std::string(Word(line, 4))};
}

// As in cgroups(7), /proc/PID/cgroup: "4:memory:/path", of v2 "0::/path".
bool IsGroupOf(std::string_view line, std::string_view controller) {
  const size_t first = line.find(':');
  const size_t second = line.find(':', first + 1);
  if (first == line.npos || second == line.npos) return false;
  if (controller.empty()) return line.starts_with("0::/");
  return HasItem(line.substr(first + 1, second - first - 1), controller);
}

}  // namespace

Result<std::string> OwnCgroup(std::string_view controller, const std::string& process) {
  CROMT_ASSIGN(Mount mount, FindMount(controller));
  const std::string groups = ReadProcFile(fmt::format("/proc/{}/cgroup", process).c_str());
  std::string line = FindLine(groups, [&](std::string_view l) { return IsGroupOf(l, controller); });
  if (line.empty())
    return Fail(ErrorCode::kUnavailable,
                fmt::format("this process is in no cgroup {}", controller.empty() ? "v2" : controller));
  std::string_view path = std::string_view(line).substr(line.find(':', line.find(':') + 1) + 1);
  std::string_view root = mount.root == "/" ? std::string_view() : std::string_view(mount.root);
  if (!path.starts_with(root) || path.find("/..") != std::string_view::npos)
    return Fail(ErrorCode::kUnavailable, fmt::format("the own cgroup {} is not below the mounted {}", path, root));
  return mount.point + std::string(path.substr(root.size()));
}

Result<std::string> LeaveOwnCgroup() {
  CROMT_ASSIGN(std::string own, OwnCgroup(""));
  const std::string leaf = own + (own.ends_with('/') ? "launcher" : "/launcher");
  if (mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST)
    return Fail(ErrorCode::kUnavailable, ErrnoError("making the cgroup " + leaf, errno).message);
  UniqueFd procs(open((leaf + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!procs || write(procs.get(), "0", 1) != 1)
    return Fail(ErrorCode::kUnavailable, ErrnoError("moving into the cgroup " + leaf, errno).message);
  return own;
}

void RemoveGroups(const std::string& path) {
  if (std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir); dir) {
    while (const dirent* entry = readdir(dir.get())) {
      std::string_view name = entry->d_name;
      if (entry->d_type == DT_DIR && name != "." && name != "..") RemoveGroups(fmt::format("{}/{}", path, name));
    }
  }
  rmdir(path.c_str());
}

}  // namespace cromt::launcher
