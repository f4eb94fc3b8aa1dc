#include "io/blob/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "base/random.h"
#include "io/blob/digest.h"

namespace cromt {

namespace {

constexpr char kTemporaries[] = "tmp";
// So much is written before the disk is told to begin with it: else it would idle while bytes come, and all of them
// would be waited for at the end.
constexpr int64_t kBeginBytes = 8 << 20;

std::string FolderOf(const std::string& sha256) {
  return sha256.substr(0, 2);
}
std::string NameOf(const std::string& sha256) {
  return sha256.substr(2);
}

tl::unexpected<Error> FailErrno(std::string_view what) {
  return tl::unexpected<Error>(ErrnoError(what, errno));
}

Status Sync(int fd, Durability durability, const std::string& name) {
  if (durability == Durability::kHost && fsync(fd) != 0) return FailErrno(fmt::format("blob store: syncing {}", name));
  return {};
}

Status MakeFolder(int root, const std::string& name) {
  if (mkdirat(root, name.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return FailErrno(fmt::format("blob store: making folder {}", name));
}

// Never through a link: what it names is not the store's.
UniqueFd OpenFolder(int root, const std::string& name) {
  return UniqueFd(openat(root, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// The names in a folder of the store; empty if there is no such folder.
Result<std::vector<std::string>> NamesIn(int root, const std::string& folder) {
  std::vector<std::string> names;
  UniqueFd fd = OpenFolder(root, folder);
  if (!fd) {
    if (errno == ENOENT || (errno == ENOTDIR && folder != kTemporaries)) return names;
    return FailErrno(fmt::format("blob store: reading folder {}", folder));
  }
  DIR* stream = fdopendir(fd.get());
  if (stream == nullptr) return FailErrno("blob store: reading a folder");
  fd.release();
  while (const dirent* entry = readdir(stream)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

BlobWriter::BlobWriter(BlobStore& store, UniqueFd file, std::string name)
    : store_(&store), file_(std::move(file)), name_(std::move(name)) {}

BlobWriter::BlobWriter(BlobWriter&& other) noexcept
    : store_(other.store_),
      file_(std::move(other.file_)),
      name_(std::exchange(other.name_, {})),
      sha_(std::move(other.sha_)),
      size_bytes_(other.size_bytes_),
      begun_bytes_(other.begun_bytes_),
      broken_(other.broken_) {}

BlobWriter::~BlobWriter() {
  if (!name_.empty()) unlinkat(store_->root_.get(), name_.c_str(), 0);
}

Status BlobWriter::Append(std::string_view bytes) {
  sha_.Update(bytes);
  size_bytes_ += static_cast<int64_t>(bytes.size());
  while (!bytes.empty()) {
    ssize_t written = write(file_.get(), bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      broken_ = true;
      return FailErrno("writing a blob");
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (store_->durability_ == Durability::kHost && size_bytes_ - begun_bytes_ >= kBeginBytes) {
    // Only a hint: what becomes of the bytes is what Commit is told.
    (void)sync_file_range(file_.get(), begun_bytes_, size_bytes_ - begun_bytes_, SYNC_FILE_RANGE_WRITE);
    begun_bytes_ = size_bytes_;
  }
  return {};
}

Result<Digest> BlobWriter::Commit(const Digest& expected) {
  if (broken_) return Fail(ErrorCode::kInternal, "a blob whose writing failed was committed");
  Digest digest{sha_.Finish(), size_bytes_};
  if (!expected.empty() && digest != expected) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("these bytes are {}, expected was {}", ToString(digest), ToString(expected)));
  }
  CROMT_TRY(Sync(file_.get(), store_->durability_, "a blob"));
  CROMT_ASSIGN(const UniqueFd folder, store_->FolderFor(digest.sha256));
  // A blob that is there already is replaced by equal bytes: harmless, and it heals one that rotted.
  if (renameat(store_->root_.get(), name_.c_str(), folder.get(), NameOf(digest.sha256).c_str()) != 0)
    return FailErrno("publishing a blob");
  name_.clear();
  CROMT_TRY(Sync(folder.get(), store_->durability_, "folder " + FolderOf(digest.sha256)));
  return digest;
}

Result<std::unique_ptr<BlobStore>> BlobStore::Open(const std::filesystem::path& directory, Durability durability) {
  std::error_code error;
  std::filesystem::create_directories(directory.parent_path(), error);
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return FailErrno(fmt::format("making blob store {}", directory.string()));
  }
  UniqueFd root(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return FailErrno(fmt::format("opening blob store {}", directory.string()));
  if (durability == Durability::kHost) {
    const UniqueFd parent(openat(root.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!parent) return FailErrno(fmt::format("opening the directory of blob store {}", directory.string()));
    CROMT_TRY(Sync(parent.get(), durability, "the directory it is in"));
  }
  std::unique_ptr<BlobStore> store(new BlobStore(std::move(root), durability));
  CROMT_TRY(MakeFolder(store->root_.get(), kTemporaries));
  CROMT_TRY(store->RemoveStaleTemporaries());
  return store;
}

// Whoever made a folder that is there may have ended, or failed, before its name was on disk, or be about to sync it.
Result<UniqueFd> BlobStore::FolderFor(const std::string& sha256) {
  const std::string name = FolderOf(sha256);
  MutexLock lock(folders_);
  UniqueFd folder = synced_.contains(name) ? OpenFolder(root_.get(), name) : UniqueFd();
  if (folder) return folder;
  CROMT_TRY(MakeFolder(root_.get(), name));
  CROMT_TRY(Sync(root_.get(), durability_, "its directory"));
  folder = OpenFolder(root_.get(), name);
  if (!folder) return FailErrno(fmt::format("blob store: opening folder {}", name));
  synced_.insert(name);
  return folder;
}

// A temporary whose lock is free has no writer any more. See Write() for the other half.
Status BlobStore::RemoveStaleTemporaries() {
  CROMT_ASSIGN(auto names, NamesIn(root_.get(), kTemporaries));
  for (const std::string& name : names) {
    const std::string path = fmt::format("{}/{}", kTemporaries, name);
    UniqueFd file(openat(root_.get(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file && flock(file.get(), LOCK_EX | LOCK_NB) == 0) unlinkat(root_.get(), path.c_str(), 0);
  }
  return {};
}

bool BlobStore::Has(const Digest& digest) const {
  return Read(digest).has_value();
}

Result<UniqueFd> BlobStore::Read(const Digest& digest) const {
  CROMT_TRY(CheckDigest(digest));
  const UniqueFd folder = OpenFolder(root_.get(), FolderOf(digest.sha256));
  MutexLock lock(idle_);
  UniqueFd file(folder ? openat(folder.get(), NameOf(digest.sha256).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1);
  if (!file) return FailErrno(fmt::format("blob {}", ToString(digest)));
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return FailErrno(fmt::format("blob {}", ToString(digest)));
  if (info.st_size != digest.size_bytes) {
    return Fail(ErrorCode::kCorrupt, fmt::format("blob {} has {} bytes on disk", ToString(digest), info.st_size));
  }
  // The kernel notes reads at most once a day, if at all; Trim goes by it.
  const timespec used[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  (void)futimens(file.get(), used);
  return file;
}

Result<BlobWriter> BlobStore::Write() {
  SystemRandom random;
  for (int attempt = 0; attempt < 16; ++attempt) {
    std::string path = fmt::format("{}/{}", kTemporaries, RandomName(random));
    UniqueFd file(openat(root_.get(), path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400));
    if (!file && errno == EEXIST) continue;
    if (!file || flock(file.get(), LOCK_EX) != 0) return FailErrno("blob store: making a temporary file");
    // Between open and flock another process that opens the store may have taken it for stale.
    struct stat info {};
    if (fstat(file.get(), &info) == 0 && info.st_nlink > 0) {
      return BlobWriter(*this, std::move(file), std::move(path));
    }
  }
  return Fail(ErrorCode::kInternal, "blob store: no temporary file could be kept");
}

Status BlobStore::Remove(const Digest& digest) {
  CROMT_TRY(CheckDigest(digest));
  const UniqueFd folder = OpenFolder(root_.get(), FolderOf(digest.sha256));
  if (!folder && errno == ENOENT) return {};
  if (!folder || (unlinkat(folder.get(), NameOf(digest.sha256).c_str(), 0) != 0 && errno != ENOENT)) {
    return FailErrno(fmt::format("removing blob {}", ToString(digest)));
  }
  return {};
}

Result<BlobStore::Trimmed> BlobStore::Trim(int64_t quota_bytes, const std::function<bool(const Digest&)>& needed) {
  struct Blob {
    timespec used;
    Digest digest;
  };
  CROMT_ASSIGN(auto all, List());
  std::vector<Blob> blobs;
  int64_t total = 0;
  for (Digest& digest : all) {
    const UniqueFd folder = OpenFolder(root_.get(), FolderOf(digest.sha256));
    struct stat info {};
    if (!folder || fstatat(folder.get(), NameOf(digest.sha256).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    total += digest.size_bytes;
    blobs.push_back({info.st_atim, std::move(digest)});
  }
  std::sort(blobs.begin(), blobs.end(), [](const Blob& a, const Blob& b) {
    return std::tie(a.used.tv_sec, a.used.tv_nsec) < std::tie(b.used.tv_sec, b.used.tv_nsec);
  });
  Trimmed trimmed;
  for (const Blob& blob : blobs) {
    if (total <= quota_bytes) break;
    if (needed && needed(blob.digest)) continue;
    CROMT_TRY(Remove(blob.digest));
    total -= blob.digest.size_bytes;
    ++trimmed.blobs;
    trimmed.bytes += blob.digest.size_bytes;
  }
  return trimmed;
}

Result<bool> BlobStore::RemoveIdle(const Digest& digest, Wall since) {
  CROMT_TRY(CheckDigest(digest));
  const UniqueFd folder = OpenFolder(root_.get(), FolderOf(digest.sha256));
  const std::string name = NameOf(digest.sha256);
  MutexLock lock(idle_);
  struct stat info {};
  if (!folder || fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? Result<bool>(true) : FailErrno(fmt::format("removing blob {}", ToString(digest)));
  const Wall used = WallFromMicros(info.st_atim.tv_sec * 1'000'000 + info.st_atim.tv_nsec / 1'000);
  if (used >= since) return false;
  if (unlinkat(folder.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return FailErrno(fmt::format("removing blob {}", ToString(digest)));
  return true;
}

Result<std::vector<Digest>> BlobStore::List() const {
  std::vector<Digest> blobs;
  CROMT_ASSIGN(auto folders, NamesIn(root_.get(), "."));
  for (const std::string& folder : folders) {
    if (folder.size() != 2) continue;
    CROMT_ASSIGN(auto names, NamesIn(root_.get(), folder));
    const UniqueFd at = OpenFolder(root_.get(), folder);
    if (!at) continue;  // a link
    for (const std::string& name : names) {
      struct stat info {};
      if (!IsSha256(folder + name)) continue;
      if (fstatat(at.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;  // just removed
      if (S_ISREG(info.st_mode)) blobs.push_back(Digest{folder + name, info.st_size});
    }
  }
  return blobs;
}

}  // namespace cromt
