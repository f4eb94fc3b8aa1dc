#include "io/archive/extract.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "base/name.h"
#include "base/unique_fd.h"
#include "io/archive/reader.h"

namespace cromt {

namespace {

UniqueFd OpenBeneath(int root, const std::string& path, uint64_t flags, uint64_t mode = 0) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

tl::unexpected<Error> FailEntry(const ArchiveEntry& entry, int error) {
  if (error == EEXIST) return Fail(ErrorCode::kInvalid, fmt::format("{} comes twice", Quote(entry.path)));
  if (error == ELOOP || error == EXDEV || error == ENOTDIR) {
    return Fail(ErrorCode::kInvalid, fmt::format("{} lies under something that is no directory", Quote(entry.path)));
  }
  if (error == ENOENT) {
    return Fail(ErrorCode::kInvalid, fmt::format("{} comes before its directory", Quote(entry.path)));
  }
  return tl::unexpected<Error>(ErrnoError(fmt::format("extracting {}", Quote(entry.path)), error));
}

// Entries come directory by directory, so the parent opened last is kept.
class Target {
 public:
  explicit Target(UniqueFd root) : root_(std::move(root)) {}

  Status MakeDirectory(const ArchiveEntry& entry) {
    CROMT_ASSIGN(Place place, Find(entry));
    if (mkdirat(place.parent, place.name.c_str(), 0755) != 0) return FailEntry(entry, errno);
    UniqueFd made = OpenBeneath(place.parent, place.name, O_RDONLY | O_DIRECTORY);
    if (!made || fchmod(made.get(), 0755) != 0) return FailEntry(entry, errno);
    return {};
  }

  Status MakeSymlink(const ArchiveEntry& entry) {
    CROMT_ASSIGN(Place place, Find(entry));
    if (symlinkat(entry.target.c_str(), place.parent, place.name.c_str()) != 0) return FailEntry(entry, errno);
    return {};
  }

  Result<UniqueFd> MakeFile(const ArchiveEntry& entry) {
    CROMT_ASSIGN(Place place, Find(entry));
    const mode_t mode = entry.kind == EntryKind::kExecutable ? 0755 : 0644;
    UniqueFd file = OpenBeneath(place.parent, place.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    if (!file || fchmod(file.get(), mode) != 0) return FailEntry(entry, errno);
    return file;
  }

 private:
  struct Place {
    int parent;
    std::string name;
  };

  Result<Place> Find(const ArchiveEntry& entry) {
    size_t slash = entry.path.rfind('/');
    if (slash == std::string::npos) return Place{root_.get(), entry.path};
    std::string parent = entry.path.substr(0, slash);
    if (parent != parent_path_) {
      parent_ = OpenBeneath(root_.get(), parent, O_PATH | O_DIRECTORY);
      if (!parent_) {
        const int error = errno;
        parent_path_.clear();
        return FailEntry(entry, error);
      }
      parent_path_ = std::move(parent);
    }
    return Place{parent_.get(), entry.path.substr(slash + 1)};
  }

  UniqueFd root_;
  UniqueFd parent_;
  std::string parent_path_;
};

Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return tl::unexpected<Error>(ErrnoError("extracting an archive", errno));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

Status CopyFile(ArchiveReader& reader, int fd) {
  while (true) {
    CROMT_ASSIGN(std::string_view bytes, reader.Data());
    if (bytes.empty()) return {};
    CROMT_TRY(WriteAll(fd, bytes));
  }
}

Status Make(ArchiveReader& reader, Target& target, const ArchiveEntry& entry) {
  switch (entry.kind) {
    case EntryKind::kDirectory: return target.MakeDirectory(entry);
    case EntryKind::kSymlink: return target.MakeSymlink(entry);
    case EntryKind::kFile:
    case EntryKind::kExecutable: break;
  }
  CROMT_ASSIGN(UniqueFd file, target.MakeFile(entry));
  return CopyFile(reader, file.get());
}

}  // namespace

Result<Extracted> ExtractArchive(int fd, const std::filesystem::path& directory, const ExtractLimits& limits) {
  UniqueFd root(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!root) return tl::unexpected<Error>(ErrnoError(directory.string(), errno));
  ArchiveReader reader(fd);
  Target target(std::move(root));
  Extracted done;
  while (true) {
    CROMT_ASSIGN(std::optional<ArchiveEntry> entry, reader.Next());
    if (!entry) return done;
    if (++done.entries > limits.entries) {
      return Fail(ErrorCode::kExhausted, fmt::format("archive: more than {} entries", limits.entries));
    }
    if (entry->size_bytes > limits.total_bytes - done.total_bytes) {
      return Fail(ErrorCode::kExhausted, fmt::format("archive: with {} its files take more than {} bytes",
                                                     Quote(entry->path), limits.total_bytes));
    }
    done.total_bytes += entry->size_bytes;
    CROMT_TRY(Make(reader, target, *entry));
  }
}

}  // namespace cromt
