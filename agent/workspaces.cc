#include "agent/workspaces.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include "agent/launch_command.h"
#include "core/script.h"
#include "io/archive/extract.h"
#include "io/process/data_dir.h"
#include "io/process/give_tree.h"

namespace cromt {
namespace {

constexpr mode_t kClosed = 0710;  // to its owner and the slot's group
constexpr mode_t kOpen = 0711;
constexpr int kMaxTrash = 1000;       // workspaces of one slot that could not be removed
constexpr int kMaxMoves = 1'000'000;  // of directories at a time; the rest waits for the next

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

// Entries but "." and ".."; false if it can't be read, or is a link that a job has put in the directory's place.
bool IsEmptyDir(const std::string& path) {
  // Each job asks this; opendir would take 32 KiB for it.
  UniqueFd dir(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  alignas(dirent64) char buffer[1024];
  int seen = 0;
  for (;;) {
    const ssize_t bytes = ::getdents64(dir.get(), buffer, sizeof buffer);
    if (bytes <= 0) return bytes == 0;
    for (ssize_t at = 0; at < bytes; at += reinterpret_cast<const dirent64*>(buffer + at)->d_reclen)
      if (++seen > 2) return false;
  }
}

Status WriteScript(const std::string& path, const std::string& text) {
  ::unlink(path.c_str());
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700));
  if (!fd) return tl::unexpected<Error>(ErrnoError("can't make " + path, errno));
  for (std::string_view rest = text; !rest.empty();) {
    ssize_t n = ::write(fd.get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(ErrnoError("can't write " + path, errno));
    rest.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

using OpenDir = std::unique_ptr<DIR, CloseDir>;

// Null if it is no directory, or can't be opened. Follows no link.
OpenDir OpenDirAt(int at, const std::string& name) {
  UniqueFd fd(::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  OpenDir dir(fd ? ::fdopendir(fd.get()) : nullptr);
  if (dir) (void)fd.release();
  return dir;
}

// A directory that forbids to look into it, or to move it: not any more. Follows no link.
void Permit(int at, const std::string& name) {
  UniqueFd dir(::openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (dir) ::chmod(fmt::format("/proc/self/fd/{}", dir.get()).c_str(), 0700);
}

// Calls `f` with the name of each entry that can't be removed.
template <class F>
void RemoveEntries(DIR* dir, F f) {
  int at = ::dirfd(dir);
  for (const dirent* entry = ::readdir(dir); entry; entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (::unlinkat(at, name.c_str(), 0) != 0 && ::unlinkat(at, name.c_str(), AT_REMOVEDIR) != 0) f(name);
  }
}

// Removes what lies in the directory `trash`, with few descriptors however deep it goes: a directory found in one there
// is moved up into `trash` itself and looked at in the next round. What can't be removed stays.
void EmptyFlat(const std::string& trash) {
  int moves = 0;
  for (bool moved = true; moved && moves < kMaxMoves;) {
    moved = false;
    OpenDir top = OpenDirAt(AT_FDCWD, trash);
    if (!top) return;
    int at = ::dirfd(top.get());
    RemoveEntries(top.get(), [&](const std::string& name) {
      Permit(at, name);
      OpenDir dir = OpenDirAt(at, name);
      if (!dir) return;
      RemoveEntries(dir.get(), [&](const std::string& child) {
        Permit(::dirfd(dir.get()), child);
        int failed = EEXIST;  // of a name that what stays from another time has taken
        while ((failed == EEXIST || failed == ENOTEMPTY) && moves < kMaxMoves)
          failed = ::renameat(::dirfd(dir.get()), child.c_str(), at, fmt::format("up-{}", moves++).c_str()) ? errno : 0;
        moved |= failed == 0;
      });
      ::unlinkat(at, name.c_str(), AT_REMOVEDIR);
    });
  }
}

}  // namespace

bool NeedsScriptFile(const TaskSpec& spec) {
  const auto* script = std::get_if<Script>(&spec.work);
  return script && !ScriptArgv(script->text);
}

Result<Workspaces> Workspaces::Open(const std::string& dir, uint32_t slots) {
  CROMT_TRY(MakeDirs(dir));
  Workspaces workspaces(dir);
  // Who may not read what lies in it may pass through to what is theirs.
  if (::chmod(dir.c_str(), 0711) != 0)
    return tl::unexpected<Error>(ErrnoError("can't open " + dir + " to jobs", errno));
  for (uint32_t slot = 0; slot < slots; ++slot) CROMT_TRY(workspaces.Make(slot));
  return workspaces;
}

Status Workspaces::Make(uint32_t slot) const {
  const std::string path = Path(slot);
  if (::mkdir(GatePath(slot).c_str(), kClosed) != 0 && errno != EEXIST)
    return tl::unexpected<Error>(ErrnoError("can't make " + GatePath(slot), errno));
  const std::string before = fmt::format("{}/slot-{}", dir_, slot);
  struct stat info {};
  if (::lstat(before.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
      (::rename(before.c_str(), path.c_str()) != 0 || ::symlink(path.c_str(), before.c_str()) != 0))
    return tl::unexpected<Error>(ErrnoError("can't move " + before, errno));
  // The directory is the job's working directory: it must be there, and only then be emptied.
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return tl::unexpected<Error>(ErrnoError("can't make " + path, errno));
}

std::string Workspaces::GatePath(uint32_t slot) const {
  return fmt::format("{}/gate-{}", dir_, slot);
}
std::string Workspaces::Path(uint32_t slot) const {
  return fmt::format("{}/slot-{}", GatePath(slot), slot);
}
std::string Workspaces::ScriptPath(uint32_t slot) const {
  return fmt::format("{}/slot-{}.run", dir_, slot);
}
std::string Workspaces::BoxPath(uint32_t slot) const {
  return fmt::format("{}/slot-{}.box", dir_, slot);
}
bool Workspaces::HasBox(uint32_t slot) const {
  return ::access(BoxPath(slot).c_str(), F_OK) == 0;
}

std::string Workspaces::SecretsPath(uint32_t slot) const {
  return GatePath(slot) + "/secrets";
}
bool Workspaces::HasSecrets(uint32_t slot) const {
  return ::access(SecretsPath(slot).c_str(), F_OK) == 0;
}

std::string Workspaces::TrashPath(uint32_t slot) const {
  return fmt::format("{}/slot-{}.trash", dir_, slot);
}

void Workspaces::EmptyTrash(uint32_t slot) const {
  if (::mkdir(TrashPath(slot).c_str(), 0700) != 0 && errno == EEXIST) EmptyFlat(TrashPath(slot));
}

Status Workspaces::Stage(uint32_t slot, const TaskSpec& spec, const BlobStore& blobs) const {
  if (!IsClean(slot)) CROMT_TRY(Clean(slot));
  CROMT_TRY(Admit(slot, nullptr, /*open=*/false));  // nobody else while files are made and given away
  if (!spec.source.tree.empty()) {
    CROMT_ASSIGN(UniqueFd tree, blobs.Read(spec.source.tree));
    auto extracted = ExtractArchive(tree.get(), Path(slot));
    if (!extracted) return Fail("the files of " + spec.source.repository + " can't be unpacked", extracted.error());
  }
  if (NeedsScriptFile(spec)) CROMT_TRY(WriteScript(ScriptPath(slot), std::get<Script>(spec.work).text));
  return {};
}

Status Workspaces::Admit(uint32_t slot, const launcher::JobUser* user, bool open) const {
  if (::geteuid() != 0) return {};  // all are of one user
  const std::string gate = GatePath(slot);
  const std::string path = Path(slot);
  const mode_t mode = open ? kOpen : kClosed;
  struct stat info {};
  bool done = ::lstat(gate.c_str(), &info) == 0;
  if (done && user && info.st_gid != kFirstSlotGroup + slot)
    done = ::lchown(gate.c_str(), 0, kFirstSlotGroup + slot) == 0;
  if (done && (info.st_mode & 07777) != mode) done = ::chmod(gate.c_str(), mode) == 0;
  const uid_t uid = user ? user->uid : 0;
  const gid_t gid = user ? user->gid : 0;
  done = done && ::lstat(path.c_str(), &info) == 0;
  if (done && (info.st_mode & 07777) != 0700) done = ::chmod(path.c_str(), 0700) == 0;  // the job before may have
  if (done && (info.st_uid != uid || info.st_gid != gid)) done = ::lchown(path.c_str(), uid, gid) == 0;
  if (done) return {};
  return tl::unexpected<Error>(ErrnoError("can't give " + path + " to the job's user", errno));
}

Status Workspaces::Give(uint32_t slot, const launcher::JobUser& user) const {
  ::lchown(ScriptPath(slot).c_str(), user.uid, user.gid);  // where it has one
  return GiveTree(Path(slot), user.uid, user.gid);
}

bool Workspaces::IsClean(uint32_t slot) const {
  return IsEmptyDir(Path(slot)) && !HasBox(slot);
}

Status Workspaces::Clean(uint32_t slot) const {
  ::unlink(ScriptPath(slot).c_str());
  const std::string path = Path(slot);
  EmptyTrash(slot);
  std::error_code gone;
  std::filesystem::remove_all(SecretsPath(slot), gone);
  if (gone) return tl::unexpected<Error>(ErrnoError("can't remove " + SecretsPath(slot), gone.value()));
  // remove_all works with openat and unlinkat relative to open directories and does not follow links. It takes a
  // descriptor for each level, and gives up at a directory that forbids it, or at something mounted.
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) {
    // Out of the way with it: the next attempt must not wait for what this one left.
    for (int i = 0; ::rename(path.c_str(), fmt::format("{}/{}", TrashPath(slot), i).c_str()) != 0; ++i)
      if ((errno != EEXIST && errno != ENOTEMPTY) || i == kMaxTrash)
        return tl::unexpected<Error>(ErrnoError("can't empty " + path, errno));
    EmptyTrash(slot);
  }
  if (::mkdir(path.c_str(), 0700) != 0) return tl::unexpected<Error>(ErrnoError("can't make " + path, errno));
  return {};
}

}  // namespace cromt
