#include "coordinator/store/disk_reserve.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/size.h"
#include "base/unique_fd.h"

namespace cromt {

Status DiskReserve::Keep() {
  if (kept_) return {};
  UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  int error = fd ? 0 : errno;
  if (fd) {
    do {
      error = ::posix_fallocate(fd.get(), 0, bytes_);
    } while (error == EINTR);
    if (error != 0) ::unlink(path_.c_str());
  }
  kept_ = error == 0;
  if (kept_) return {};
  return tl::unexpected<Error>(ErrnoError(fmt::format("keeping {} free in {}", FormatSize(bytes_), path_), error));
}

bool DiskReserve::Free() {
  kept_ = false;
  return ::unlink(path_.c_str()) == 0;
}

}  // namespace cromt
