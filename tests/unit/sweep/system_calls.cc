#include "tests/unit/sweep/system_calls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <utility>
#include <vector>

// NOLINTBEGIN: the linker's names for what it puts in between
extern "C" {
int __real_open(const char* path, int flags, ...);
int __real_openat(int folder, const char* path, int flags, ...);
int __real_mkdir(const char* path, mode_t mode);
int __real_mkdirat(int folder, const char* path, mode_t mode);
ssize_t __real_write(int fd, const void* bytes, size_t size);
ssize_t __real_pwrite(int fd, const void* bytes, size_t size, off_t offset);
ssize_t __real_pread(int fd, void* bytes, size_t size, off_t offset);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_ftruncate(int fd, off_t size);
int __real_renameat(int from_folder, const char* from, int to_folder, const char* to);
int __real_unlink(const char* path);
int __real_unlinkat(int folder, const char* path, int flags);
}
// NOLINTEND

namespace cromt::sweep {
namespace {

namespace fs = std::filesystem;

// Of the folder that the work is done in.
struct Disk {
  std::string folder;
  Case at;
  std::vector<std::string>* names = nullptr;  // of the calls, where none fails
  uint64_t calls = 0;
  bool dead = false;
  std::map<ino_t, std::set<std::string>> new_names;  // by folder: not synced since
  std::map<ino_t, off_t> written;                    // by file: up to where it is synced
  std::map<ino_t, std::pair<off_t, off_t>> lost;     // of what a sync has failed to write: from, to
};
Disk* disk = nullptr;  // none: nothing is in between

ino_t InodeOf(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 ? info.st_ino : 0;
}

off_t SizeOf(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 ? info.st_size : 0;
}

// Of the folder that `path` lies in.
ino_t FolderOf(int folder, const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  struct stat info {};
  return fstatat(folder, parent.empty() ? "." : parent.c_str(), &info, 0) == 0 ? info.st_ino : 0;
}

void Named(int folder, const std::string& path) {
  disk->new_names[FolderOf(folder, path)].insert(fs::path(path).filename().string());
}
void Unnamed(int folder, const std::string& path) {
  disk->new_names[FolderOf(folder, path)].erase(fs::path(path).filename().string());
}
void Wrote(int fd) {
  disk->written.try_emplace(InodeOf(fd), SizeOf(fd));
}

// What is to become of the next call.
Fate Next(const char* name) {
  if (!disk) return Fate::kDone;
  if (disk->dead) return Fate::kDeath;
  ++disk->calls;
  if (disk->names) disk->names->emplace_back(name);
  if (disk->calls != disk->at.call) return Fate::kDone;
  if (disk->at.fate == Fate::kDeath) disk->dead = true;
  return disk->at.fate;
}

bool Fails(Fate fate) {
  if (fate == Fate::kDone || fate == Fate::kShort) return false;
  errno = fate == Fate::kNoSpace ? ENOSPC : EIO;
  return true;
}

// Else the system takes for written what it could not write.
bool Syncs(const char* name, int fd) {
  const Fate fate = Next(name);
  const ino_t inode = InodeOf(fd);
  if (!Fails(fate)) {
    if (!disk->lost.contains(inode)) disk->written.erase(inode);
    disk->new_names.erase(inode);
    return true;
  }
  if (disk->written.contains(inode)) disk->lost[inode] = {disk->written[inode], SizeOf(fd)};
  errno = EIO;
  return false;
}

// What is written anew, from its beginning on, will be synced.
void WroteAnew(int fd, off_t from, off_t to) {
  const auto lost = disk->lost.find(InodeOf(fd));
  if (lost == disk->lost.end() || from > lost->second.first) return;
  lost->second.first = std::max(lost->second.first, to);
  if (lost->second.first >= lost->second.second) disk->lost.erase(lost);
}

// How much of a write is done.
size_t Part(Fate fate, size_t size) {
  return fate == Fate::kShort ? (size + 1) / 2 : size;
}

void CrashMachine() {
  std::vector<fs::path> gone;
  for (const auto& entry : fs::recursive_directory_iterator(disk->folder)) {
    struct stat parent {
    }, self{};
    stat(entry.path().parent_path().c_str(), &parent);
    stat(entry.path().c_str(), &self);
    if (disk->new_names[parent.st_ino].contains(entry.path().filename().string())) gone.push_back(entry.path());
    if (auto known = disk->written.find(self.st_ino); known != disk->written.end() && entry.is_regular_file())
      fs::resize_file(entry.path(), std::min<off_t>(self.st_size, (known->second + self.st_size) / 2));
  }
  for (const fs::path& path : gone) fs::remove_all(path);
}

}  // namespace

std::string Case::text() const {
  constexpr const char* kFates[] = {"done", "EIO", "ENOSPC", "a short write", "death"};
  return fmt::format("{} at call {} ({}){}", kFates[static_cast<size_t>(fate)], call, name,
                     crashes ? ", then a crash of the machine" : "");
}

uint64_t Sweep(const std::function<void(const std::string&)>& work,
               const std::function<void(const std::string&, const Case&)>& check) {
  std::vector<std::string> names;
  auto run = [&](const Case& at) {
    std::string folder = fs::temp_directory_path() / "cromt-sweep-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) abort();
    Disk now{.folder = folder, .at = at, .names = at.call == 0 ? &names : nullptr};
    disk = &now;
    work(folder);
    if (at.crashes) CrashMachine();
    disk = nullptr;
    check(folder, at);
    fs::remove_all(folder);
  };
  run({});
  const std::vector<std::string> all = std::exchange(names, {});
  run({.crashes = true});
  for (uint64_t call = 1; call <= all.size(); ++call) {
    const std::string& name = all[call - 1];
    const bool writes = name.ends_with("write");
    for (Fate fate : {Fate::kIoError, Fate::kNoSpace, Fate::kShort, Fate::kDeath})
      for (bool crashes : {false, true})
        if (fate != Fate::kShort || writes) run({fate, call, name, crashes});
  }
  return all.size();
}

bool Dead() {
  return disk->dead;
}

}  // namespace cromt::sweep

// NOLINTBEGIN: the linker's names for what it puts in between
using namespace cromt::sweep;

extern "C" {

int __wrap_openat(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (Fails(Next("openat"))) return -1;
  struct stat info {};
  const bool there = fstatat(folder, path, &info, AT_SYMLINK_NOFOLLOW) == 0;
  const int fd = __real_openat(folder, path, flags, mode);
  if (disk && fd >= 0 && !there) {
    Named(folder, path);
    disk->written.erase(InodeOf(fd));  // of a file that is gone
    disk->lost.erase(InodeOf(fd));
  }
  return fd;
}
int __wrap_open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return __wrap_openat(AT_FDCWD, path, flags, mode);
}
int __wrap_mkdirat(int folder, const char* path, mode_t mode) {
  if (Fails(Next("mkdirat"))) return -1;
  const int made = __real_mkdirat(folder, path, mode);
  const int why = errno;
  if (disk && made == 0) Named(folder, path);
  errno = why;
  return made;
}
int __wrap_mkdir(const char* path, mode_t mode) {
  return __wrap_mkdirat(AT_FDCWD, path, mode);
}
ssize_t __wrap_write(int fd, const void* bytes, size_t size) {
  const Fate fate = Next("write");
  if (Fails(fate)) return -1;
  if (disk) Wrote(fd);
  return __real_write(fd, bytes, Part(fate, size));
}
ssize_t __wrap_pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  const Fate fate = Next("pwrite");
  if (Fails(fate)) return -1;
  if (disk) Wrote(fd);
  const ssize_t put = __real_pwrite(fd, bytes, Part(fate, size), offset);
  if (disk && put > 0) WroteAnew(fd, offset, offset + put);
  return put;
}
ssize_t __wrap_pread(int fd, void* bytes, size_t size, off_t offset) {
  return Fails(Next("pread")) ? -1 : __real_pread(fd, bytes, size, offset);
}
int __wrap_fsync(int fd) {
  if (!disk) return __real_fsync(fd);
  return Syncs("fsync", fd) ? 0 : -1;
}
int __wrap_fdatasync(int fd) {
  if (!disk) return __real_fdatasync(fd);
  return Syncs("fdatasync", fd) ? 0 : -1;
}
int __wrap_ftruncate(int fd, off_t size) {
  return Fails(Next("ftruncate")) ? -1 : __real_ftruncate(fd, size);
}
int __wrap_renameat(int from_folder, const char* from, int to_folder, const char* to) {
  if (Fails(Next("renameat"))) return -1;
  struct stat info {};
  const bool there = fstatat(to_folder, to, &info, AT_SYMLINK_NOFOLLOW) == 0;
  const int renamed = __real_renameat(from_folder, from, to_folder, to);
  if (disk && renamed == 0) {
    Unnamed(from_folder, from);
    if (!there) Named(to_folder, to);  // else there is something of that name in any case
  }
  return renamed;
}
int __wrap_unlinkat(int folder, const char* path, int flags) {
  if (Fails(Next("unlinkat"))) return -1;
  if (disk) Unnamed(folder, path);
  return __real_unlinkat(folder, path, flags);
}
int __wrap_unlink(const char* path) {
  return __wrap_unlinkat(AT_FDCWD, path, 0);
}

}  // extern "C"
// NOLINTEND
