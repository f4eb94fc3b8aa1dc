#include "agent/artifact_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "io/archive/extract.h"

namespace cromt {
namespace {

constexpr char kPart[] = ".part";  // what is being made; no artifact is called so, for names begin with no dot
constexpr size_t kCopyBytes = 1 << 30;

// Through our own memory: how many bytes, 0 at the end, -1 with errno.
ssize_t CopyPiece(int from, int to) {
  std::vector<char> buffer(1 << 20);
  ssize_t got;
  do got = ::read(from, buffer.data(), buffer.size());
  while (got < 0 && errno == EINTR);
  for (ssize_t done = 0; done < got;) {
    const ssize_t n = ::write(to, buffer.data() + done, static_cast<size_t>(got - done));
    if (n < 0 && errno != EINTR) return -1;
    if (n > 0) done += n;
  }
  return got;
}

Status CopyTo(int from, int64_t size, int dir) {
  UniqueFd to(::openat(dir, kPart, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!to) return tl::unexpected<Error>(ErrnoError("can't make it", errno));
  while (size > 0) {
    ssize_t n = ::copy_file_range(from, nullptr, to.get(), nullptr, kCopyBytes, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
      n = CopyPiece(from, to.get());  // another file system
    if (n < 0) return tl::unexpected<Error>(ErrnoError("can't write it", errno));
    if (n == 0) return Fail(ErrorCode::kCorrupt, "its blob is cut short");
    size -= n;
  }
  return {};
}

Status StageOne(const std::string& root, int dir, const LeaseInput& input, const BlobStore& blobs) {
  CROMT_ASSIGN(UniqueFd blob, blobs.Read(input.artifact.digest));
  size_t slash = input.path.find('/');
  if (slash != std::string::npos && ::mkdirat(dir, input.path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST)
    return tl::unexpected<Error>(ErrnoError("can't make its directory", errno));
  if (input.artifact.archive) {
    if (::mkdirat(dir, kPart, 0755) != 0) return tl::unexpected<Error>(ErrnoError("can't make it", errno));
    CROMT_TRY(ExtractArchive(blob.get(), root + "/" + kPart));
  } else {
    CROMT_TRY(CopyTo(blob.get(), input.artifact.digest.size_bytes, dir));
  }
  if (::renameat(dir, kPart, dir, input.path.c_str()) != 0)
    return tl::unexpected<Error>(ErrnoError("can't give it its name", errno));
  return {};
}

}  // namespace

Status StageArtifacts(const std::string& dir, const LeaseInputs& inputs, const BlobStore& blobs) {
  const std::string root = dir + "/.artifacts";
  std::error_code error;
  std::filesystem::remove_all(root, error);
  if (error) return Fail(ErrorCode::kInternal, "can't empty " + root + ": " + error.message());
  if (::mkdir(root.c_str(), 0755) != 0) return tl::unexpected<Error>(ErrnoError("can't make " + root, errno));
  if (!inputs) return {};
  UniqueFd at(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!at) return tl::unexpected<Error>(ErrnoError("can't open " + root, errno));
  for (const LeaseInput& input : *inputs)
    if (auto staged = StageOne(root, at.get(), input, blobs); !staged)
      return Fail(fmt::format("artifact '{}' of {}", input.artifact.name, input.host), staged.error());
  return {};
}

}  // namespace cromt
