#include "io/config/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace cromt {

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return tl::unexpected(ErrnoError(path, errno));
  auto too_large = [&] {
    return Fail(ErrorCode::kExhausted, fmt::format("{}: is larger than {} MiB", path, max_bytes >> 20));
  };
  constexpr size_t kChunk = 64 << 10;
  std::string text;
  struct stat facts {};
  if (::fstat(fd.get(), &facts) == 0 && S_ISREG(facts.st_mode)) {
    if (static_cast<uint64_t>(facts.st_size) > max_bytes) return too_large();
    text.reserve(static_cast<size_t>(facts.st_size) + kChunk);  // growing by doubling would take twice the memory
  }
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
    if (text.size() > max_bytes) return too_large();
  }
}

}  // namespace cromt
