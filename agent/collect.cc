#include "agent/collect.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/name.h"
#include "io/archive/writer.h"

namespace cromt {
namespace {

constexpr size_t kReadBytes = 1 << 20;
constexpr size_t kMaxEntries = 1'000'000;

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

bool IsPattern(std::string_view text) {
  return text.find_first_of("*?[") != text.npos;
}

// Opens what lies at `path` below the directory `at` without waiting for anybody, and never outside of it.
Result<UniqueFd> OpenBeneath(int at, const std::string& path, int flags) {
  open_how how{};
  const int unblocked = flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY;
  how.flags = static_cast<uint64_t>(O_RDONLY | O_CLOEXEC | unblocked | flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, at, path.c_str(), &how, sizeof how)));
  if (fd) return fd;
  if (errno == EXDEV) return Fail(ErrorCode::kInvalid, path + " leads out of the task's directory");
  if (errno == ENOENT || errno == ENOTDIR) return Fail(ErrorCode::kNotFound, path + " is not there");
  if (errno == ENXIO) return Fail(ErrorCode::kInvalid, path + " is neither a file nor a directory");
  return tl::unexpected<Error>(ErrnoError(path, errno));
}

Result<std::vector<std::string>> NamesIn(int at, const std::string& path) {
  CROMT_ASSIGN(UniqueFd fd, OpenBeneath(at, path.empty() ? "." : path, O_DIRECTORY));
  std::unique_ptr<DIR, CloseDir> dir(::fdopendir(fd.get()));
  if (!dir) return tl::unexpected<Error>(ErrnoError(path, errno));
  (void)fd.release();
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
    if (names.size() > kMaxEntries) return Fail(ErrorCode::kExhausted, path + " has too many entries");
  }
  std::sort(names.begin(), names.end());
  return names;
}

// The file's bytes to `sink`; kConflict if they are not those of one moment.
Status ReadFile(int fd, const std::string& path, const struct stat& before, const ByteSink& sink) {
  std::string buffer(kReadBytes, '\0');
  int64_t left = before.st_size;
  for (;;) {
    ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(ErrnoError("can't read " + path, errno));
    left -= n;
    if (n == 0 || left < 0) break;
    CROMT_TRY(sink({buffer.data(), static_cast<size_t>(n)}));
  }
  struct stat after {};
  if (::fstat(fd, &after) != 0) return tl::unexpected<Error>(ErrnoError(path, errno));
  bool same = left == 0 && after.st_size == before.st_size && after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
              after.st_mtim.tv_nsec == before.st_mtim.tv_nsec;
  return same ? Status{} : Fail(ErrorCode::kConflict, path + " changed while it was read");
}

// Packs files and directories below `root`, parents before what lies in them.
class Packer {
 public:
  Packer(int root, ByteSink sink) : root_(root), sink_(std::move(sink)), archive_(sink_) {}

  // `from` is where it lies below the root, `as` its path in the archive (empty: the archive's own top).
  Status Add(const std::string& from, const std::string& as) {
    if (++entries_ > kMaxEntries) return Fail(ErrorCode::kExhausted, from + ": there are too many entries");
    struct stat info {};
    if (!as.empty()) {
      CROMT_ASSIGN(UniqueFd place, OpenBeneath(root_, from, O_PATH | O_NOFOLLOW));
      if (::fstat(place.get(), &info) != 0) return tl::unexpected<Error>(ErrnoError(from, errno));
      if (S_ISLNK(info.st_mode)) return AddLink(place.get(), from, as);
      if (S_ISREG(info.st_mode)) return AddFile(from, as);
      if (!S_ISDIR(info.st_mode)) return Fail(ErrorCode::kInvalid, from + " is neither a file, a directory nor a link");
      CROMT_TRY(archive_.Add({as, EntryKind::kDirectory, {}, 0}));
    }
    CROMT_ASSIGN(auto names, NamesIn(root_, from));
    for (const std::string& name : names) CROMT_TRY(Add(from + "/" + name, as.empty() ? name : as + "/" + name));
    return {};
  }
  // The directories above a path, each once.
  Status AddParents(const std::string& path) {
    for (size_t end = path.find('/'); end != path.npos; end = path.find('/', end + 1)) {
      std::string parent = path.substr(0, end);
      if (std::find(parents_.begin(), parents_.end(), parent) != parents_.end()) continue;
      parents_.push_back(parent);
      CROMT_TRY(archive_.Add({parent, EntryKind::kDirectory, {}, 0}));
    }
    return {};
  }
  Status Finish() { return archive_.Finish(); }

 private:
  Status AddFile(const std::string& from, const std::string& as) {
    CROMT_ASSIGN(UniqueFd file, OpenBeneath(root_, from, O_NOFOLLOW));
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return tl::unexpected<Error>(ErrnoError(from, errno));
    if (!S_ISREG(info.st_mode)) return Fail(ErrorCode::kConflict, from + " changed while it was read");
    EntryKind kind = info.st_mode & S_IXUSR ? EntryKind::kExecutable : EntryKind::kFile;
    CROMT_TRY(archive_.Add({as, kind, {}, info.st_size}));
    return ReadFile(file.get(), from, info, [this](std::string_view bytes) { return archive_.Data(bytes); });
  }
  Status AddLink(int place, const std::string& from, const std::string& as) {
    std::string target(kMaxPathBytes + 1, '\0');
    ssize_t n = ::readlinkat(place, "", target.data(), target.size());
    if (n < 0) return tl::unexpected<Error>(ErrnoError(from, errno));
    target.resize(static_cast<size_t>(n));
    return archive_.Add({as, EntryKind::kSymlink, std::move(target), 0});
  }

  int root_;
  ByteSink sink_;
  ArchiveWriter archive_;
  size_t entries_ = 0;
  std::vector<std::string> parents_;
};

// What a pattern matches below `root`, in the order of the names. A dot at a name's beginning must be written.
Status Match(int root, const std::string& at, std::string_view rest, std::vector<std::string>& found) {
  size_t end = std::min(rest.find('/'), rest.size());
  const std::string part(rest.substr(0, end));
  std::string_view more = end < rest.size() ? rest.substr(end + 1) : std::string_view();
  auto go_on = [&](const std::string& path) -> Status {
    if (more.empty()) {
      found.push_back(path);
      if (found.size() > kMaxEntries) return Fail(ErrorCode::kExhausted, "the pattern matches too much");
      return {};
    }
    return Match(root, path, more, found);
  };
  if (part.empty() || part == ".") return more.empty() ? Status{} : Match(root, at, more, found);
  const std::string prefix = at.empty() ? "" : at + "/";
  if (!IsPattern(part)) {
    auto there = OpenBeneath(root, prefix + part, O_PATH | O_NOFOLLOW);
    return there ? go_on(prefix + part) : Status{};
  }
  auto names = NamesIn(root, at);
  if (!names) return names.error().code == ErrorCode::kNotFound ? Status{} : tl::unexpected<Error>(names.error());
  for (const std::string& name : *names)
    if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) == 0) CROMT_TRY(go_on(prefix + name));
  return {};
}

Result<PublishedArtifact> CollectAt(int root, const ArtifactOut& out, BlobStore& blobs) {
  PublishedArtifact artifact{.name = out.name};
  CROMT_ASSIGN(BlobWriter writer, blobs.Write());
  auto sink = [&](std::string_view bytes) { return writer.Append(bytes); };
  if (IsPattern(out.path)) {
    std::vector<std::string> found;
    CROMT_TRY(Match(root, "", out.path, found));
    if (found.empty()) return Fail(ErrorCode::kNotFound, Quote(out.path) + " matches nothing");
    artifact.archive = true;
    Packer packer(root, sink);
    for (const std::string& path : found) {
      CROMT_TRY(packer.AddParents(path));
      CROMT_TRY(packer.Add(path, path));
    }
    CROMT_TRY(packer.Finish());
  } else {
    CROMT_ASSIGN(UniqueFd fd, OpenBeneath(root, out.path, 0));
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return tl::unexpected<Error>(ErrnoError(out.path, errno));
    if (S_ISDIR(info.st_mode)) {
      artifact.archive = true;
      Packer packer(fd.get(), sink);
      CROMT_TRY(packer.Add(".", ""));
      CROMT_TRY(packer.Finish());
    } else if (S_ISREG(info.st_mode)) {
      CROMT_TRY(ReadFile(fd.get(), out.path, info, sink));
    } else {
      return Fail(ErrorCode::kInvalid, out.path + " is neither a file nor a directory");
    }
  }
  CROMT_ASSIGN(artifact.digest, writer.Commit());
  return artifact;
}

}  // namespace

Result<PublishedArtifact> Collect(const std::string& root, bool root_may_be_link, const ArtifactOut& out,
                                  BlobStore& blobs) {
  const int follow = root_may_be_link ? 0 : O_NOFOLLOW;
  UniqueFd dir(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow));
  const std::string context = fmt::format("artifact '{}'", out.name);
  if (!dir) return Fail(context, ErrnoError(root, errno));
  auto collected = CollectAt(dir.get(), out, blobs);
  if (!collected) return Fail(context, collected.error());
  return collected;
}

}  // namespace cromt
