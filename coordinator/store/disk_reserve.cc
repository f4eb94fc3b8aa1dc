#include "coordinator/store/disk_reserve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/size.h"
#include "base/unique_fd.h"

namespace cromt {
namespace {

constexpr int64_t kMuchTooLarge = 4;

// 0, or the error's number; then the file is as large as before.
int Allocate(int fd, int64_t size, int64_t bytes) {
  int error = 0;
  do {
    error = ::posix_fallocate(fd, size, bytes - size);
  } while (error == EINTR);
  if (error != 0) (void)::ftruncate(fd, size);
  return error;
}

}  // namespace

Status DiskReserve::Keep(int64_t bytes) {
  struct stat info {};
  const int64_t size = ::stat(path_.c_str(), &info) == 0 ? info.st_size : 0;
  if (size >= bytes && size / kMuchTooLarge <= bytes) return {};
  UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  int error = fd ? 0 : errno;
  if (fd && size > bytes) error = ::ftruncate(fd.get(), bytes) == 0 ? 0 : errno;
  if (fd && size < bytes) error = Allocate(fd.get(), size, bytes);
  if (error != 0 && size == 0) ::unlink(path_.c_str());
  if (error == 0) return {};
  return tl::unexpected<Error>(ErrnoError(fmt::format("keeping {} free in {}", FormatSize(bytes), path_), error));
}

bool DiskReserve::Free() {
  return ::unlink(path_.c_str()) == 0;
}

}  // namespace cromt
