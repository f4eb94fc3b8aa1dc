#include "io/seglog/read_at.h"

#include <algorithm>
#include <cerrno>

namespace cromt::seglog {

Result<std::string_view> ReadAt(File& file, uint64_t offset, size_t size, std::string& buffer) {
  const int64_t end = file.Size();
  if (end < 0) return tl::unexpected(ErrnoError("reading a log", errno));
  const auto bytes = static_cast<uint64_t>(end);
  size = static_cast<size_t>(std::min<uint64_t>(size, bytes > offset ? bytes - offset : 0));
  if (buffer.size() < size) buffer.resize(size);
  size_t done = 0;
  while (done < size) {
    const ssize_t got = file.Read(buffer.data() + done, size - done, offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(ErrnoError("reading a log", errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return std::string_view(buffer.data(), done);
}

}  // namespace cromt::seglog
