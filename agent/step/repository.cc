#include "agent/step/repository.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <memory>

#include "base/name.h"

namespace cromt::step {
namespace {

Result<std::string> RealPath(const std::string& path) {
  std::unique_ptr<char, decltype(&::free)> resolved(::realpath(path.c_str(), nullptr), &::free);
  if (resolved == nullptr) return tl::unexpected(ErrnoError(Quote(path), errno));
  return std::string(resolved.get());
}

tl::unexpected<Error> OpenError(const std::string& path, int error) {
  if (error == EXDEV) return Fail(ErrorCode::kDenied, Quote(path) + " leads out of the repository");
  if (error == ENOENT) return Fail(ErrorCode::kNotFound, Quote(path) + " does not exist");
  if (error == ENOTDIR || error == ELOOP || error == ENAMETOOLONG)
    return Fail(ErrorCode::kInvalid, ErrnoError(Quote(path), error).message);
  return tl::unexpected(ErrnoError(Quote(path), error));
}

Result<unsigned> TypeOf(const UniqueFd& fd, const std::string& path) {
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return tl::unexpected(ErrnoError(Quote(path), errno));
  return info.st_mode & S_IFMT;
}

}  // namespace

Result<Repository> Repository::Open(const std::string& root, Resolver resolver) {
  CROMT_ASSIGN(std::string resolved, RealPath(root));
  UniqueFd fd(::open(resolved.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return tl::unexpected(ErrnoError(Quote(root), errno));
  return Repository(std::move(resolved), std::move(fd), resolver);
}

std::string Repository::Absolute(std::string_view path) const {
  return path == "." ? root_ : fmt::format("{}/{}", root_ == "/" ? "" : root_, path);
}

Result<UniqueFd> Repository::OpenBeneath(const std::string& path, int flags) const {
  if (resolver_ == Resolver::kCompare) return OpenCompared(path, flags);
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  long fd = ::syscall(SYS_openat2, fd_.get(), path.c_str(), &how, sizeof how);
  if (fd >= 0) return UniqueFd(static_cast<int>(fd));
  if (errno == ENOSYS || errno == EPERM) return OpenCompared(path, flags);
  return OpenError(path, errno);
}

Result<UniqueFd> Repository::OpenCompared(const std::string& path, int flags) const {
  std::unique_ptr<char, decltype(&::free)> resolved(::realpath(Absolute(path).c_str(), nullptr), &::free);
  if (resolved == nullptr) return OpenError(path, errno);
  const std::string_view real = resolved.get();
  const std::string prefix = root_ == "/" ? "/" : root_ + "/";
  if (real != root_ && !real.starts_with(prefix)) return OpenError(path, EXDEV);
  UniqueFd fd(::open(resolved.get(), flags | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return OpenError(path, errno);
  return fd;
}

Result<bool> Repository::Is(const std::string& path, unsigned type, std::string_view what) const {
  auto fd = OpenBeneath(path, O_PATH);
  if (!fd && fd.error().code == ErrorCode::kNotFound) return false;
  if (!fd) return tl::unexpected(std::move(fd).error());
  CROMT_ASSIGN(unsigned found, TypeOf(*fd, path));
  if (found != type) return Fail(ErrorCode::kInvalid, fmt::format("{} is not a {}", Quote(path), what));
  return true;
}

Result<bool> Repository::IsFile(const std::string& path) const {
  return Is(path, S_IFREG, "regular file");
}

Result<bool> Repository::IsDirectory(const std::string& path) const {
  return Is(path, S_IFDIR, "directory");
}

bool Repository::Exists(const std::string& path) const {
  struct stat info;
  return ::fstatat(fd_.get(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
}

Status Repository::Walk(const std::string& top, size_t most, const UseDirectory& use) const {
  auto exists = IsDirectory(top);
  if (!exists && exists.error().code != ErrorCode::kInvalid) return tl::unexpected(std::move(exists).error());
  if (!exists.value_or(false)) return {};
  std::vector<std::string> left = {top};
  while (!left.empty()) {
    const std::string path = std::move(left.back());
    left.pop_back();
    CROMT_ASSIGN(const std::vector<Item> items, List(path, most));
    most -= items.size();
    for (const Item& item : items)
      if (item.is_directory) left.push_back(fmt::format("{}/{}", path, item.name));
    CROMT_TRY(use(path, items));
  }
  return {};
}

Result<std::vector<Repository::Item>> Repository::List(const std::string& path, size_t most) const {
  CROMT_ASSIGN(UniqueFd fd, OpenBeneath(path, O_RDONLY | O_DIRECTORY));
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::fdopendir(fd.get()));
  if (!directory) return tl::unexpected(ErrnoError(Quote(path), errno));
  (void)fd.release();  // the directory's now
  std::vector<Item> items;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (items.size() == most) return Fail(ErrorCode::kExhausted, fmt::format("{} holds too many files", Quote(path)));
    struct stat info;
    const bool known = ::fstatat(::dirfd(directory.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0;
    items.push_back({std::string(name), known && S_ISREG(info.st_mode), known && S_ISDIR(info.st_mode)});
  }
  std::ranges::sort(items, {}, &Item::name);
  return items;
}

Result<std::string> Repository::Read(const std::string& path, size_t max_bytes) const {
  CROMT_ASSIGN(UniqueFd fd, OpenBeneath(path, O_RDONLY | O_NONBLOCK));  // a FIFO must not hold us
  return ReadRegularFile(fd, path, max_bytes);
}

Result<std::string> ReadRegularFile(const UniqueFd& fd, const std::string& path, size_t max_bytes) {
  CROMT_ASSIGN(unsigned type, TypeOf(fd, path));
  if (type != S_IFREG) return Fail(ErrorCode::kInvalid, Quote(path) + " is not a regular file");
  std::string content(max_bytes + 1, '\0');
  size_t size = 0;
  while (size < content.size()) {
    ssize_t n = ::read(fd.get(), content.data() + size, content.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(ErrnoError(Quote(path), errno));
    if (n == 0) break;
    size += static_cast<size_t>(n);
  }
  if (size > max_bytes)
    return Fail(ErrorCode::kExhausted, fmt::format("{} is larger than {} bytes", Quote(path), max_bytes));
  content.resize(size);
  return content;
}

}  // namespace cromt::step
