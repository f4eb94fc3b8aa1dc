#include "io/git/helper/mirror.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

#include "io/git/helper/failure.h"

namespace cromt::git {

namespace fs = std::filesystem;

namespace {

constexpr uint32_t kInitFlags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;

// Locks and half-written packs of a helper that was killed: under our lock nobody else's can be there.
void RemoveLeftovers(const fs::path& mirror) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(mirror, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    std::error_code ignored;
    if (name.ends_with(".lock") || name.find("_git2_") != std::string::npos) fs::remove(entry->path(), ignored);
  }
}

Result<RepositoryHandle> Init(const fs::path& mirror) {
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = kInitFlags;
  git_repository* made = nullptr;
  if (git_repository_init_ext(&made, mirror.c_str(), &options) != 0) {
    return tl::unexpected<Error>(MirrorFailure("making a Git mirror"));
  }
  return RepositoryHandle(made);
}

}  // namespace

Result<UniqueFd> LockMirror(const fs::path& mirror, LockKind kind) {
  fs::path file = mirror;
  file += ".lock";
  UniqueFd lock(open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!lock) return tl::unexpected<Error>(ErrnoError("locking a Git mirror", errno));
  while (flock(lock.get(), kind == LockKind::kExclusive ? LOCK_EX : LOCK_SH) != 0) {
    if (errno != EINTR) return tl::unexpected<Error>(ErrnoError("locking a Git mirror", errno));
  }
  return lock;
}

Result<RepositoryHandle> OpenForFetch(const fs::path& mirror, bool rebuild) {
  std::error_code error;
  if (rebuild) fs::remove_all(mirror, error);
  if (error) return tl::unexpected<Error>(ErrnoError("deleting a Git mirror", error.value()));
  if (!fs::exists(mirror, error)) return Init(mirror);
  RemoveLeftovers(mirror);
  return OpenForRead(mirror);
}

Result<RepositoryHandle> OpenForRead(const fs::path& mirror) {
  git_repository* opened = nullptr;
  if (git_repository_open_bare(&opened, mirror.c_str()) != 0) {
    return tl::unexpected<Error>(MirrorFailure("opening a Git mirror"));
  }
  return RepositoryHandle(opened);
}

size_t CountPacks(const fs::path& mirror) {
  size_t count = 0;
  std::error_code error;
  for (fs::directory_iterator entry(mirror / "objects/pack", error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".pack") ++count;
  }
  return count;
}

Status SetTip(git_repository* mirror, std::string_view name, const git_oid& id) {
  git_oid key;  // a remote's name for a ref never becomes a path of ours
  if (git_odb_hash(&key, name.data(), name.size(), GIT_OBJECT_BLOB) != 0) {
    return tl::unexpected<Error>(MirrorFailure("naming a tip"));
  }
  git_reference* made = nullptr;
  if (git_reference_create(&made, mirror, ("refs/tips/" + Hex(key)).c_str(), &id, 1, nullptr) != 0) {
    return tl::unexpected<Error>(MirrorFailure("keeping a tip"));
  }
  git_reference_free(made);
  return {};
}

}  // namespace cromt::git
