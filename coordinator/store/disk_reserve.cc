#include "coordinator/store/disk_reserve.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/size.h"

namespace cromt {
namespace {

constexpr int64_t kMuchTooLarge = 4;

// 0, or the error's number; then the file is as large as before.
int Allocate(File& file, int64_t size, int64_t bytes) {
  int done = 0;
  do {
    done = file.Extend(static_cast<uint64_t>(size), static_cast<uint64_t>(bytes));
  } while (done != 0 && errno == EINTR);
  const int error = done == 0 ? 0 : errno;
  if (error != 0) (void)file.Truncate(static_cast<uint64_t>(size));
  return error;
}

}  // namespace

Status DiskReserve::Keep(int64_t bytes) {
  const int64_t size = std::max<int64_t>(files_.Size(path_), 0);
  if (size >= bytes && size / kMuchTooLarge <= bytes) return {};
  const std::unique_ptr<File> file = files_.Open(path_, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);
  int error = file ? 0 : errno;
  if (file && size > bytes) error = file->Truncate(static_cast<uint64_t>(bytes)) == 0 ? 0 : errno;
  if (file && size < bytes) error = Allocate(*file, size, bytes);
  if (error != 0 && size == 0) files_.Unlink(path_);
  if (error == 0) return {};
  return tl::unexpected<Error>(ErrnoError(fmt::format("keeping {} free in {}", FormatSize(bytes), path_), error));
}

bool DiskReserve::Free() {
  return files_.Unlink(path_) == 0;
}

}  // namespace cromt
