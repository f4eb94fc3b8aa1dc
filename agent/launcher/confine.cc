#include "agent/launcher/confine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "agent/launcher/exec.h"
#include "base/unique_fd.h"

namespace cromt::launcher {
namespace {

// Of its own in a strict sandbox. /run, since the sockets of the host's services lie there.
constexpr std::array<const char*, 4> kOwnDirectories = {"/tmp", "/var/tmp", "/dev/shm", "/run"};
constexpr const char* kTmpfsOptions = "mode=1777,size=25%";

[[noreturn]] void GiveUp(std::string_view what, const std::string& step) {
  const int error = errno;
  ExitSaying(fmt::format("cromt: {}: {}: {}\n", what, step, std::strerror(error)), EPERM);
}

void Become(const JobUser& user) {
  constexpr const char* kWhat = "can't become the job's user";
  if (setgroups(user.groups.size(), user.groups.data()) != 0) GiveUp(kWhat, "setgroups");
  if (setresgid(user.gid, user.gid, user.gid) != 0) GiveUp(kWhat, "setresgid");
  if (setresuid(user.uid, user.uid, user.uid) != 0) GiveUp(kWhat, "setresuid");
}

[[noreturn]] void NotStrict(const std::string& step) {
  GiveUp("a strict sandbox is not to be had on this host", step);
}

void WriteOwn(const char* file, const std::string& text) {
  UniqueFd fd(open(fmt::format("/proc/self/{}", file).c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) NotStrict(file);
}

// Its own user stays the only one that it is, inside as outside.
void EnterNamespaces() {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  prctl(PR_SET_DUMPABLE, 1);  // else its files in /proc are root's, after a change of user
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) NotStrict("unshare");
  WriteOwn("setgroups", "deny");
  WriteOwn("uid_map", fmt::format("{} {} 1", uid, uid));
  WriteOwn("gid_map", fmt::format("{} {} 1", gid, gid));
}

UniqueFd CopyOfTree(const std::string& path) {
  UniqueFd tree(static_cast<int>(
      syscall(SYS_open_tree, AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)));
  if (!tree) NotStrict("open_tree " + path);
  return tree;
}

// What is on the way to `path` in a directory that is our own and empty.
void MakeWayTo(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != path.npos; slash = path.find('/', slash + 1))
    mkdir(path.substr(0, slash).c_str(), 0755);
}

bool IsHidden(const std::string& path) {
  for (const std::string own : kOwnDirectories)
    if (path.starts_with(own + "/")) return true;
  return false;
}

void MakeReadOnly(int dir_fd, const char* path, unsigned flags) {
  mount_attr read_only{};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  if (syscall(SYS_mount_setattr, dir_fd, path, flags | AT_RECURSIVE, &read_only, sizeof read_only) != 0)
    NotStrict("mount_setattr: read-only");
}

void Attach(const UniqueFd& tree, const std::string& path) {
  if (syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    NotStrict("move_mount " + path);
}

void SetUpMounts(const Start& start) {
  if (mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0) NotStrict("mount: private");
  std::vector<std::string> hidden;
  for (const std::string& path : start.readable)
    if (IsHidden(path)) hidden.push_back(path);
  std::vector<UniqueFd> writable_trees, hidden_trees;
  for (const std::string& path : start.writable) writable_trees.push_back(CopyOfTree(path));
  for (const std::string& path : hidden) {
    hidden_trees.push_back(CopyOfTree(path));
    MakeReadOnly(hidden_trees.back().get(), "", AT_EMPTY_PATH);
  }
  MakeReadOnly(AT_FDCWD, "/", 0);
  for (const char* path : kOwnDirectories) {
    struct stat info {};
    if (lstat(path, &info) != 0 || !S_ISDIR(info.st_mode)) continue;  // a link leads to another of them
    if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, kTmpfsOptions) != 0)
      NotStrict(std::string("mount ") + path);
  }
  for (size_t i = 0; i < writable_trees.size(); ++i) {
    MakeWayTo(start.writable[i] + "/");
    Attach(writable_trees[i], start.writable[i]);
  }
  for (size_t i = 0; i < hidden.size(); ++i) {
    MakeWayTo(hidden[i]);
    UniqueFd place(open(hidden[i].c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));  // something to lay it on
    Attach(hidden_trees[i], hidden[i]);
  }
}

void BringUpLoopback() {
  UniqueFd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{.ifr_ifrn = {"lo"}, .ifr_ifru = {}};
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (!socket_fd || ioctl(socket_fd.get(), SIOCSIFFLAGS, &request) != 0) NotStrict("loopback");
}

void DropCapabilities() {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; ++capability)
    if (prctl(PR_CAPBSET_DROP, capability) != 0) NotStrict("PR_CAPBSET_DROP");
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) NotStrict("capset");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) NotStrict("PR_SET_NO_NEW_PRIVS");
}

}  // namespace

void Confine(const Start& start) {
  if (start.become) Become(*start.become);
  if (start.sandbox != Sandbox::kStrict) return;
  EnterNamespaces();
  SetUpMounts(start);
  BringUpLoopback();
  DropCapabilities();
}

}  // namespace cromt::launcher
