#include "io/git/private_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace cromt {

namespace {

// Its group may read it: that is how a service gets a file that root keeps.
constexpr mode_t kOthers = S_IRWXO;

// O_NONBLOCK, so that a FIFO is refused and not waited for.
Result<UniqueFd> Open(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return tl::unexpected<Error>(ErrnoError(path, errno));
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return tl::unexpected<Error>(ErrnoError(path, errno));
  if (!S_ISREG(facts.st_mode)) return Fail(ErrorCode::kInvalid, path + ": is no regular file");
  if ((facts.st_mode & kOthers) != 0) {
    return Fail(ErrorCode::kDenied, fmt::format("{}: everybody may read it; chmod o= {} first", path, path));
  }
  if (static_cast<uint64_t>(facts.st_size) > kMaxPrivateFileBytes) {
    return Fail(ErrorCode::kInvalid, fmt::format("{}: is larger than {} bytes", path, kMaxPrivateFileBytes));
  }
  return file;
}

}  // namespace

Result<std::string> ReadPrivateFile(const std::string& path) {
  CROMT_ASSIGN(UniqueFd file, Open(path));
  std::string text(kMaxPrivateFileBytes, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected<Error>(ErrnoError(path, errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return text;
}

Status CheckPrivateFile(const std::string& path) {
  CROMT_ASSIGN(UniqueFd file, Open(path));
  return {};
}

}  // namespace cromt
