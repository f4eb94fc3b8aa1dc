#include "agent/container/bring_back.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <optional>

#include "base/name.h"
#include "base/unique_fd.h"
#include "io/archive/packer.h"

namespace cromt::container {
namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr char kTemporary[] = ".cromt-new";

tl::unexpected<Error> Failed(const std::string& path, int error) {
  return tl::unexpected<Error>(ErrnoError(fmt::format("{} can't be brought back", Quote(path)), error));
}

// A directory below `root`, through no link.
UniqueFd OpenDir(int root, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof how)));
}

std::optional<struct stat> Look(int dir, const std::string& name) {
  struct stat info {};
  if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return info;
}

// Also a directory with all in it. Follows no link.
void Remove(int dir, const std::string& name) {
  if (::unlinkat(dir, name.c_str(), 0) == 0) return;
  std::error_code error;
  std::filesystem::remove_all(fmt::format("/proc/self/fd/{}/{}", dir, name), error);
}

std::string LinkAt(int dir, const std::string& name) {
  std::array<char, PATH_MAX> target;
  const ssize_t n = ::readlinkat(dir, name.c_str(), target.data(), target.size());
  return n < 0 ? "" : std::string(target.data(), static_cast<size_t>(n));
}

bool HasSameBytes(int a, int b) {
  std::string from_a(kReadBytes, '\0'), from_b(kReadBytes, '\0');
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(a, from_a.data(), kReadBytes, at);
    if (n < 0 || ::pread(b, from_b.data(), kReadBytes, at) != n) return false;
    if (n == 0) return true;
    if (from_a.compare(0, static_cast<size_t>(n), from_b, 0, static_cast<size_t>(n)) != 0) return false;
    at += n;
  }
}

bool CopyAll(int from, int to) {
  for (;;) {
    const ssize_t n = ::sendfile(to, from, nullptr, 1 << 30);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0;
  }
}

// One directory that came back, and what it is to become.
struct Pair {
  int from, to;
  const std::string& path;  // below the top, for messages
};

Status BringFile(const Pair& at, const std::string& name, const struct stat& info) {
  const std::string path = at.path + name;
  const UniqueFd file(::openat(at.from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return Failed(path, errno);
  mode_t mode = info.st_mode & 0777;
  if (const auto before = Look(at.to, name)) {
    const bool is_file = S_ISREG(before->st_mode);
    const bool same_right = ((before->st_mode ^ info.st_mode) & S_IXUSR) == 0;
    if (is_file && same_right) {
      mode = before->st_mode & 0777;
      const UniqueFd old(::openat(at.to, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
      if (old && before->st_size == info.st_size && HasSameBytes(file.get(), old.get())) return {};
    }
    if (!is_file) Remove(at.to, name);
  }
  if (::fchmod(file.get(), mode) != 0) return Failed(path, errno);
  if (::renameat(at.from, name.c_str(), at.to, name.c_str()) == 0) return {};
  if (errno != EXDEV) return Failed(path, errno);
  ::unlinkat(at.to, kTemporary, 0);
  const UniqueFd copy(::openat(at.to, kTemporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!copy || !CopyAll(file.get(), copy.get()) || ::fchmod(copy.get(), mode) != 0 ||
      ::renameat(at.to, kTemporary, at.to, name.c_str()) != 0) {
    const int error = errno;
    if (copy) ::unlinkat(at.to, kTemporary, 0);
    return Failed(path, error);
  }
  return {};
}

Status BringLink(const Pair& at, const std::string& name) {
  const std::string target = LinkAt(at.from, name);
  if (const auto before = Look(at.to, name)) {
    if (S_ISLNK(before->st_mode) && LinkAt(at.to, name) == target) return {};
    Remove(at.to, name);
  }
  if (::symlinkat(target.c_str(), at.to, name.c_str()) == 0) return {};
  return Failed(at.path + name, errno);
}

// Removes what was sent and did not come back, what lies in a directory before it.
void RemoveGone(int from, int to, const std::vector<std::string>& sent) {
  for (auto path = sent.rbegin(); path != sent.rend(); ++path) {
    if (archive::OpenBeneath(from, *path, O_PATH | O_NOFOLLOW)) continue;
    const size_t slash = path->rfind('/');
    const UniqueFd parent = OpenDir(to, slash == path->npos ? "" : path->substr(0, slash));
    const std::string name = slash == path->npos ? *path : path->substr(slash + 1);
    if (parent && ::unlinkat(parent.get(), name.c_str(), 0) != 0)
      ::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR);  // unless something else lies in it
  }
}

Status BringDirectory(int from, int to, const std::string& path) {
  const Pair at{from, to, path};
  CROMT_ASSIGN(const auto names, archive::NamesIn(from, ""));
  for (const std::string& name : names) {
    const auto info = Look(from, name);
    if (!info) return Failed(path + name, errno);
    if (S_ISREG(info->st_mode)) {
      CROMT_TRY(BringFile(at, name, *info));
    } else if (S_ISLNK(info->st_mode)) {
      CROMT_TRY(BringLink(at, name));
    } else {
      if (const auto before = Look(to, name); before && !S_ISDIR(before->st_mode)) Remove(to, name);
      if (::mkdirat(to, name.c_str(), 0755) != 0 && errno != EEXIST) return Failed(path + name, errno);
      const UniqueFd below_from = OpenDir(from, name), below_to = OpenDir(to, name);
      if (!below_from || !below_to) return Failed(path + name, errno);
      CROMT_TRY(BringDirectory(below_from.get(), below_to.get(), path + name + "/"));
    }
  }
  return {};
}

}  // namespace

Status BringBack(const std::string& from, const std::string& to, const std::vector<std::string>& sent) {
  const UniqueFd source(::open(from.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!source) return Failed(from, errno);
  const UniqueFd target(::open(to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!target) return Failed(to, errno);
  RemoveGone(source.get(), target.get(), sent);
  return BringDirectory(source.get(), target.get(), "");
}

}  // namespace cromt::container
