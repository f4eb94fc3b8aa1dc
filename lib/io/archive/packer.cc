#include "io/archive/packer.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace cromt::archive {
namespace {

constexpr size_t kReadBytes = 1 << 20;

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

}  // namespace

Result<UniqueFd> OpenBeneath(int at, const std::string& path, int flags) {
  open_how how{};
  const int unblocked = flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY;
  how.flags = static_cast<uint64_t>(O_RDONLY | O_CLOEXEC | unblocked | flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, at, path.c_str(), &how, sizeof how)));
  if (fd) return fd;
  if (errno == EXDEV) return Fail(ErrorCode::kInvalid, path + " leads out of the task's directory");
  if (errno == ENOENT || errno == ENOTDIR) return Fail(ErrorCode::kNotFound, path + " is not there");
  if (errno == ENXIO) return Fail(ErrorCode::kInvalid, path + " is neither a file nor a directory");
  return tl::unexpected<Error>(ErrnoError(path, errno));
}

Result<std::vector<std::string>> NamesIn(int at, const std::string& path) {
  CROMT_ASSIGN(UniqueFd fd, OpenBeneath(at, path.empty() ? "." : path, O_DIRECTORY));
  std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd.get()));
  if (!dir) return tl::unexpected<Error>(ErrnoError(path, errno));
  (void)fd.release();
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
    if (names.size() > kMaxEntries) return Fail(ErrorCode::kExhausted, path + " has too many entries");
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status CopyFile(int fd, const std::string& path, const struct stat& before, const ByteSink& sink) {
  std::string buffer(kReadBytes, '\0');
  int64_t left = before.st_size;
  for (;;) {
    ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(ErrnoError("can't read " + path, errno));
    left -= n;
    if (n == 0 || left < 0) break;
    CROMT_TRY(sink({buffer.data(), static_cast<size_t>(n)}));
  }
  struct stat after {};
  if (::fstat(fd, &after) != 0) return tl::unexpected<Error>(ErrnoError(path, errno));
  bool same = left == 0 && after.st_size == before.st_size && after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
              after.st_mtim.tv_nsec == before.st_mtim.tv_nsec;
  return same ? Status{} : Fail(ErrorCode::kConflict, path + " changed while it was read");
}

Status Packer::Without(const std::string& from, const Error& why) const {
  if (!listener_.left_out) return tl::unexpected<Error>(why);
  listener_.left_out(from, why);
  return {};
}

Status Packer::Put(const ArchiveEntry& entry) {
  if (listener_.packed) listener_.packed(entry.path);
  return archive_.Add(entry);
}

Status Packer::Add(const std::string& from, const std::string& as) {
  if (++entries_ > kMaxEntries) return Fail(ErrorCode::kExhausted, from + ": there are too many entries");
  struct stat info {};
  if (!as.empty()) {
    CROMT_ASSIGN(UniqueFd place, OpenBeneath(root_, from, O_PATH | O_NOFOLLOW));
    if (::fstat(place.get(), &info) != 0) return tl::unexpected<Error>(ErrnoError(from, errno));
    if (S_ISLNK(info.st_mode)) return AddLink(place.get(), from, as);
    if (S_ISREG(info.st_mode)) return AddFile(from, as);
    if (!S_ISDIR(info.st_mode))
      return Without(from, {ErrorCode::kInvalid, from + " is neither a file, a directory nor a link"});
    const ArchiveEntry directory{as, EntryKind::kDirectory, {}, 0};
    if (auto good = CheckEntry(directory); !good) return Without(from, good.error());
    CROMT_TRY(Put(directory));
  }
  CROMT_ASSIGN(auto names, NamesIn(root_, from));
  for (const std::string& name : names) CROMT_TRY(Add(from + "/" + name, as.empty() ? name : as + "/" + name));
  return {};
}

Status Packer::AddParents(const std::string& path) {
  for (size_t end = path.find('/'); end != path.npos; end = path.find('/', end + 1)) {
    std::string parent = path.substr(0, end);
    if (std::find(parents_.begin(), parents_.end(), parent) != parents_.end()) continue;
    parents_.push_back(parent);
    CROMT_TRY(archive_.Add({parent, EntryKind::kDirectory, {}, 0}));
  }
  return {};
}

Status Packer::AddFile(const std::string& from, const std::string& as) {
  auto file = OpenBeneath(root_, from, O_NOFOLLOW);
  if (!file) return Without(from, file.error());
  struct stat info {};
  if (::fstat(file->get(), &info) != 0) return tl::unexpected<Error>(ErrnoError(from, errno));
  if (!S_ISREG(info.st_mode)) return Fail(ErrorCode::kConflict, from + " changed while it was read");
  const EntryKind kind = info.st_mode & S_IXUSR ? EntryKind::kExecutable : EntryKind::kFile;
  const ArchiveEntry entry{as, kind, {}, info.st_size};
  if (auto good = CheckEntry(entry); !good) return Without(from, good.error());
  CROMT_TRY(Put(entry));
  return CopyFile(file->get(), from, info, [this](std::string_view bytes) { return archive_.Data(bytes); });
}

Status Packer::AddLink(int place, const std::string& from, const std::string& as) {
  std::string target(kMaxPathBytes + 1, '\0');
  ssize_t n = ::readlinkat(place, "", target.data(), target.size());
  if (n < 0) return tl::unexpected<Error>(ErrnoError(from, errno));
  target.resize(static_cast<size_t>(n));
  const ArchiveEntry entry{as, EntryKind::kSymlink, std::move(target), 0};
  if (auto good = CheckEntry(entry); !good) return Without(from, good.error());
  return Put(entry);
}

}  // namespace cromt::archive
