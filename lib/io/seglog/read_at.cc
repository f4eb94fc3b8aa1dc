#include "io/seglog/read_at.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace cromt::seglog {

Result<std::string_view> ReadAt(int fd, uint64_t offset, size_t size, std::string& buffer) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return tl::unexpected(ErrnoError("reading a log", errno));
  const uint64_t end = static_cast<uint64_t>(info.st_size);
  size = static_cast<size_t>(std::min<uint64_t>(size, end > offset ? end - offset : 0));
  if (buffer.size() < size) buffer.resize(size);
  size_t done = 0;
  while (done < size) {
    ssize_t got = pread(fd, buffer.data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(ErrnoError("reading a log", errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return std::string_view(buffer.data(), done);
}

}  // namespace cromt::seglog
