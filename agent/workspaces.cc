#include "agent/workspaces.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include "core/script.h"
#include "io/archive/extract.h"
#include "io/process/data_dir.h"

namespace cromt {
namespace {

constexpr int kMaxTrash = 1000;  // workspaces of one slot that could not be removed

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

// Entries but "." and ".."; false if the directory can't be read.
bool IsEmptyDir(const std::string& path) {
  std::unique_ptr<DIR, CloseDir> dir(opendir(path.c_str()));
  if (!dir) return false;
  for (int seen = 0; readdir(dir.get()) != nullptr;)
    if (++seen > 2) return false;
  return true;
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

// Removes what lies in the directory `trash`, with two descriptors however deep it goes: each directory found in it is
// moved up into `trash` itself and looked at later. What can't be removed stays.
void EmptyFlat(const std::string& trash) {
  UniqueFd top(::open(trash.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top) return;
  uint64_t next = 0;
  for (bool moved = true; moved;) {
    moved = false;
    std::unique_ptr<DIR, CloseDir> found(::opendir(trash.c_str()));
    if (!found) return;
    for (const dirent* entry = ::readdir(found.get()); entry; entry = ::readdir(found.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == ".." || ::unlinkat(top.get(), name.c_str(), 0) == 0 ||
          ::unlinkat(top.get(), name.c_str(), AT_REMOVEDIR) == 0)
        continue;
      ::fchmodat(top.get(), name.c_str(), 0700, 0);  // what forbids it is ours
      UniqueFd dir(::openat(top.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      std::unique_ptr<DIR, CloseDir> inner(dir ? ::fdopendir(dir.get()) : nullptr);
      if (!inner) continue;
      (void)dir.release();
      for (const dirent* child = ::readdir(inner.get()); child; child = ::readdir(inner.get())) {
        const std::string_view child_name = child->d_name;
        if (child_name == "." || child_name == ".." || ::unlinkat(::dirfd(inner.get()), child->d_name, 0) == 0)
          continue;
        ::fchmodat(::dirfd(inner.get()), child->d_name, 0700, 0);
        const std::string up = fmt::format("up-{}-{}", ::getpid(), next++);
        moved |= ::renameat(::dirfd(inner.get()), child->d_name, top.get(), up.c_str()) == 0;
      }
      ::unlinkat(top.get(), name.c_str(), AT_REMOVEDIR);
    }
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
  for (uint32_t slot = 0; slot < slots; ++slot) {
    // The directory is the job's working directory: it must be there, and only then be emptied.
    if (::mkdir(workspaces.Path(slot).c_str(), 0700) != 0 && errno != EEXIST)
      return tl::unexpected<Error>(ErrnoError("can't make " + workspaces.Path(slot), errno));
  }
  return workspaces;
}

std::string Workspaces::Path(uint32_t slot) const {
  return fmt::format("{}/slot-{}", dir_, slot);
}
std::string Workspaces::ScriptPath(uint32_t slot) const {
  return fmt::format("{}/slot-{}.run", dir_, slot);
}

std::string Workspaces::TrashPath(uint32_t slot) const {
  return fmt::format("{}/slot-{}.trash", dir_, slot);
}

void Workspaces::EmptyTrash(uint32_t slot) const {
  if (::mkdir(TrashPath(slot).c_str(), 0700) != 0 && errno == EEXIST) EmptyFlat(TrashPath(slot));
}

Status Workspaces::Stage(uint32_t slot, const TaskSpec& spec, const BlobStore& blobs) const {
  if (!IsClean(slot)) CROMT_TRY(Clean(slot));
  if (!spec.source.tree.empty()) {
    CROMT_ASSIGN(UniqueFd tree, blobs.Read(spec.source.tree));
    auto extracted = ExtractArchive(tree.get(), Path(slot));
    if (!extracted) return Fail("the files of " + spec.source.repository + " can't be unpacked", extracted.error());
  }
  if (NeedsScriptFile(spec)) CROMT_TRY(WriteScript(ScriptPath(slot), std::get<Script>(spec.work).text));
  return {};
}

bool Workspaces::IsClean(uint32_t slot) const {
  return IsEmptyDir(Path(slot));
}

Status Workspaces::Clean(uint32_t slot) const {
  ::unlink(ScriptPath(slot).c_str());
  const std::string path = Path(slot);
  EmptyTrash(slot);
  // remove_all works with openat and unlinkat relative to open directories and does not follow links. It takes a
  // descriptor for each level, and gives up at a directory that forbids it, or at something mounted.
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error && errno != ENOENT) {
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
