#include "io/config/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace cromt {

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return tl::unexpected(ErrnoError(path, errno));
  std::string text;
  constexpr size_t kChunk = 256 << 10;
  for (;;) {
    size_t have = text.size();
    text.resize(have + kChunk);
    ssize_t got = ::read(fd.get(), text.data() + have, kChunk);
    int error = errno;
    text.resize(have + static_cast<size_t>(got > 0 ? got : 0));
    if (got < 0 && error == EINTR) continue;
    if (got < 0 && error == EISDIR) return Fail(ErrorCode::kInvalid, path + ": is a directory");
    if (got < 0) return tl::unexpected(ErrnoError(path, error));
    if (got == 0) return text;
    if (text.size() > max_bytes)
      return Fail(ErrorCode::kExhausted, fmt::format("{}: is larger than {} MiB", path, max_bytes >> 20));
  }
}

}  // namespace cromt
