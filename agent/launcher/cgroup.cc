#include "agent/launcher/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>

#include "agent/launcher/cgroup_mount.h"
#include "agent/launcher/proc_file.h"

namespace cromt::launcher {
namespace {

// How long the remains of a dead launcher may take to die.
constexpr int kRemainsMillis = 2000;
constexpr int kMaxDepth = 16;  // of groups that jobs make; each level holds two descriptors while it is read

// Kills what is in the group of a dead launcher and waits for its end, not forever.
Status StopRemains(const std::string& path) {
  CROMT_ASSIGN(SlotCgroup group, SlotCgroup::Make(path));
  if (!group.Populated()) return {};
  group.Kill();
  UniqueFd events(open((path + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  for (int waited = 0; group.Populated() && waited < kRemainsMillis; waited += 50) {
    char unread[64];
    if (pread(events.get(), unread, sizeof unread, 0) < 0) break;
    pollfd change{events.get(), POLLPRI, 0};
    poll(&change, 1, 50);
  }
  if (group.Populated()) return Fail(ErrorCode::kUnavailable, path + " holds processes that can't be killed");
  return {};
}

void AddPids(std::string_view text, std::vector<pid_t>& pids) {
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    auto [next, error] = std::from_chars(at, end, pid);
    if (error != std::errc()) return;
    if (pid > 0) pids.push_back(pid);  // 0: in another pid namespace
    at = next + 1;
  }
}

// The processes of the group `dir_fd` and of the groups a job made in it, `depth` levels down.
void AddProcesses(int dir_fd, int depth, std::vector<pid_t>& pids) {
  if (UniqueFd file(openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC)); file) AddPids(ReadAll(file.get()), pids);
  UniqueFd own(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::unique_ptr<DIR, int (*)(DIR*)> dir(own ? fdopendir(own.get()) : nullptr, closedir);
  if (!dir) return;
  own.release();  // the stream closes it
  while (const dirent* entry = readdir(dir.get())) {
    std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == ".." || depth == 0) continue;
    if (UniqueFd below(openat(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)); below)
      AddProcesses(below.get(), depth - 1, pids);
  }
}

}  // namespace

Result<SlotCgroup> SlotCgroup::Make(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
    return Fail(ErrorCode::kUnavailable, ErrnoError("making the cgroup " + path, errno).message);
  UniqueFd dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  UniqueFd events(open((path + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  if (!dir || !events) return Fail(ErrorCode::kUnavailable, ErrnoError("opening the cgroup " + path, errno).message);
  if (faccessat(dir.get(), "cgroup.kill", W_OK, AT_EACCESS) != 0)
    return Fail(ErrorCode::kUnavailable, path + "/cgroup.kill can't be written");
  return SlotCgroup(path, std::move(dir), std::move(events));
}

bool SlotCgroup::Populated() const {
  std::array<char, 128> text{};
  ssize_t size = pread(events_.get(), text.data(), text.size(), 0);
  return size > 0 &&
         std::string_view(text.data(), static_cast<size_t>(size)).find("populated 1") != std::string_view::npos;
}

std::vector<pid_t> SlotCgroup::Processes() const {
  std::vector<pid_t> pids;
  AddProcesses(dir_.get(), kMaxDepth, pids);
  return pids;
}

void SlotCgroup::Kill() const {
  UniqueFd file(openat(dir_.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC));
  [[maybe_unused]] ssize_t ignored = file ? write(file.get(), "1", 1) : 0;
  killed_ = true;
}

Result<CgroupTree> CgroupTree::Make(const std::string& parent, const std::string& name) {
  std::string path = parent;
  if (path.empty()) {
    CROMT_ASSIGN(path, OwnCgroup(""));
  }
  path += (path.ends_with('/') ? "cromt-" : "/cromt-") + name;
  CROMT_TRY(StopRemains(path));
  RemoveGroups(path);
  CROMT_ASSIGN([[maybe_unused]] SlotCgroup made, SlotCgroup::Make(path));
  CgroupTree tree(std::move(path));
  if (!tree.Slot(0)) return Fail(ErrorCode::kUnavailable, "no cgroup can be made in " + tree.path());
  return tree;
}

CgroupTree::~CgroupTree() {
  slots_.clear();
  if (!path_.empty()) RemoveGroups(path_);
}

SlotCgroup* CgroupTree::Slot(uint32_t number) {
  if (number >= kMaxCgroupSlots) return nullptr;
  auto found = slots_.find(number);
  if (found != slots_.end()) return &found->second;
  std::string suffix = left_ > 0 ? fmt::format(".{}", left_) : "";
  Result<SlotCgroup> made = SlotCgroup::Make(fmt::format("{}/slot-{}{}", path_, number, suffix));
  if (!made) return nullptr;
  return &slots_.emplace(number, std::move(*made)).first->second;
}

void CgroupTree::Renew(uint32_t number) {
  auto found = slots_.find(number);
  if (found == slots_.end()) return;
  const std::string path = found->second.path();
  slots_.erase(found);
  RemoveGroups(path);
  if (access(path.c_str(), F_OK) == 0) ++left_;
}

}  // namespace cromt::launcher
