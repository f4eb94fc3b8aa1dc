#include "io/process/data_dir.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>

namespace cromt {
namespace {

// A program that is killed while it starts another leaves for a moment a child that has not become that one yet, and
// holds what its parent had open. Who is started again at once should not fail by it.
constexpr std::chrono::milliseconds kLockPatience{1000};
constexpr int kLockAgainMillis = 5;

bool LockSoon(int fd) {
  const auto deadline = std::chrono::steady_clock::now() + kLockPatience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK || std::chrono::steady_clock::now() >= deadline) return false;
    ::poll(nullptr, 0, kLockAgainMillis);  // a lock tells nobody that it is free
  }
  return true;
}

}  // namespace

Status MakeDirs(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      return tl::unexpected<Error>(ErrnoError("can't make " + part, errno));
    if (slash == std::string::npos) return {};
  }
}

Result<DataDir> DataDir::Open(const std::string& path) {
  CROMT_TRY(MakeDirs(path));
  DataDir dir;
  dir.path_ = path;
  std::string lock = path + "/lock";
  dir.lock_.reset(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!dir.lock_) return tl::unexpected<Error>(ErrnoError("can't open " + lock, errno));
  if (!LockSoon(dir.lock_.get())) {
    if (errno == EWOULDBLOCK)
      return Fail(ErrorCode::kConflict, path + " is in use by another program; give another --data-dir");
    return tl::unexpected<Error>(ErrnoError("can't lock " + lock, errno));
  }
  return dir;
}

namespace {

Status WriteFile(const std::string& path, std::string_view content, bool durably) {
  std::string temporary = path + ".new";
  UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd) return tl::unexpected<Error>(ErrnoError("can't write " + temporary, errno));
  while (!content.empty()) {
    ssize_t n = ::write(fd.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      ::unlink(temporary.c_str());
      return tl::unexpected<Error>(ErrnoError("can't write " + temporary, error));
    }
    content.remove_prefix(static_cast<size_t>(n));
  }
  if (durably && ::fsync(fd.get()) != 0) return tl::unexpected<Error>(ErrnoError("can't write " + temporary, errno));
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return tl::unexpected<Error>(ErrnoError("can't write " + path, errno));
  if (!durably) return {};
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  UniqueFd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir || ::fsync(dir.get()) != 0) return tl::unexpected<Error>(ErrnoError("can't write " + folder, errno));
  return {};
}

}  // namespace

Status WriteFileAtomic(const std::string& path, std::string_view content) {
  return WriteFile(path, content, false);
}

Status WriteFileDurably(const std::string& path, std::string_view content) {
  return WriteFile(path, content, true);
}

std::string StateDir(const std::string& name) {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state == '/')
    return std::string(state) + "/cromt/" + name;
  if (const char* home = std::getenv("HOME"); home && *home == '/')
    return std::string(home) + "/.local/state/cromt/" + name;
  return "/var/lib/cromt/" + name;
}

std::string ProgramDir() {
  char path[PATH_MAX];
  ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  std::string program(path, n > 0 ? static_cast<size_t>(n) : 0);
  return program.substr(0, program.rfind('/'));
}

}  // namespace cromt
