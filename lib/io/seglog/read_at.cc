#include "io/seglog/read_at.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace cromt::seglog {
namespace {

// `end`: of the file, below 0 if that failed. `read`: as pread.
template <typename Read>
Result<std::string_view> ReadUpTo(int64_t end, uint64_t offset, size_t size, std::string& buffer, const Read& read) {
  if (end < 0) return tl::unexpected(ErrnoError("reading a log", errno));
  const auto bytes = static_cast<uint64_t>(end);
  size = static_cast<size_t>(std::min<uint64_t>(size, bytes > offset ? bytes - offset : 0));
  if (buffer.size() < size) buffer.resize(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(buffer.data() + done, size - done, offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(ErrnoError("reading a log", errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return std::string_view(buffer.data(), done);
}

}  // namespace

Result<std::string_view> ReadAt(int fd, uint64_t offset, size_t size, std::string& buffer) {
  struct stat info {};
  const int64_t end = fstat(fd, &info) == 0 ? info.st_size : -1;
  return ReadUpTo(end, offset, size, buffer, [fd](char* to, size_t wanted, uint64_t from) {
    return pread(fd, to, wanted, static_cast<off_t>(from));
  });
}

Result<std::string_view> ReadAt(File& file, uint64_t offset, size_t size, std::string& buffer) {
  return ReadUpTo(file.Size(), offset, size, buffer,
                  [&file](char* to, size_t wanted, uint64_t from) { return file.Read(to, wanted, from); });
}

}  // namespace cromt::seglog
