#include "agent/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <limits>

#include "base/random.h"
#include "base/size.h"

namespace cromt {
namespace {

constexpr size_t kFlushBytes = 1 << 20;
// The reserve is filled up when so much of it is used.
constexpr uint64_t kReserveStep = 64 << 10;

std::string PathOf(const std::string& dir) {
  return dir + "/journal";
}
std::string NewPathOf(const std::string& dir) {
  return dir + "/journal.new";
}

tl::unexpected<Error> SystemError(std::string_view doing, const std::string& path) {
  int error = errno;
  return tl::unexpected(ErrnoError(fmt::format("{} {}", doing, path), error));
}

Status WriteAt(int fd, uint64_t offset, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t put = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put == 0) errno = ENOSPC;
    if (put <= 0) return SystemError("writing", path);
    bytes.remove_prefix(static_cast<size_t>(put));
    offset += static_cast<uint64_t>(put);
  }
  return {};
}

Result<std::string> ReadAll(int fd, const std::string& path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return SystemError("reading", path);
  if (!S_ISREG(info.st_mode)) return Fail(ErrorCode::kCorrupt, path + " is not a regular file");
  if (static_cast<uint64_t>(info.st_size) > kMaxJournalBytes)
    return Fail(ErrorCode::kCorrupt, fmt::format("{} has {} bytes, more than any journal", path, info.st_size));
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t got = pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("reading", path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Status SyncFile(int fd, Durability durability, const std::string& path) {
  if (durability == Durability::kHost && fsync(fd) != 0) return SystemError("syncing", path);
  return {};
}

Status SyncDirectory(const std::string& dir, Durability durability) {
  UniqueFd fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return SystemError("opening", dir);
  return SyncFile(fd.get(), durability, dir);
}

Status MoveInPlace(const std::string& dir) {
  if (rename(NewPathOf(dir).c_str(), PathOf(dir).c_str()) == 0) return {};
  tl::unexpected<Error> error = SystemError("renaming", NewPathOf(dir));
  unlink(NewPathOf(dir).c_str());
  return error;
}

}  // namespace

Journal::Journal(std::string dir, Durability durability, File file)
    : dir_(std::move(dir)),
      durability_(durability),
      encoder_(std::move(file.encoder)),
      size_(file.size),
      file_(std::move(file.fd)) {}

// ---- Opening ----------------------------------------------------------------------------------

Result<Journal::Opened> Journal::Open(const std::string& dir, Durability durability) {
  if (mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return SystemError("making", dir);
  unlink(NewPathOf(dir).c_str());  // of a Rewrite that a crash cut short
  std::string path = PathOf(dir);
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno == ENOENT) {
    CROMT_ASSIGN(File created, Create(dir, durability));
    return Opened{std::unique_ptr<Journal>(new Journal(dir, durability, std::move(created))), {}, ""};
  }
  if (!fd) return SystemError("opening", path);
  CROMT_ASSIGN(std::string bytes, ReadAll(fd.get(), path));
  auto content = DecodeJournal(bytes);
  if (!content) return Fail(path, std::move(content).error());
  if (content->good_bytes < bytes.size() && ftruncate(fd.get(), static_cast<off_t>(content->good_bytes)) != 0)
    return SystemError("truncating", path);
  File file{std::make_shared<const UniqueFd>(std::move(fd)), std::move(content->encoder), content->good_bytes};
  return Opened{std::unique_ptr<Journal>(new Journal(dir, durability, std::move(file))), std::move(content->records),
                std::move(content->note)};
}

Result<Journal::File> Journal::Create(const std::string& dir, Durability durability) {
  CROMT_ASSIGN(File file, WriteNew(dir, durability, {}));
  CROMT_TRY(MoveInPlace(dir));
  CROMT_TRY(SyncDirectory(dir, durability));
  return file;
}

// A whole synced file beside the journal, to be moved in its place.
Result<Journal::File> Journal::WriteNew(const std::string& dir, Durability durability,
                                        std::span<const JournalRecord> records) {
  std::string path = NewPathOf(dir);
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return SystemError("making", path);
  File file{nullptr, JournalEncoder(static_cast<uint32_t>(SystemRandom().Next())), 0};
  std::string buffer = file.encoder.Header();
  auto flush = [&]() -> Status {
    CROMT_TRY(WriteAt(fd.get(), file.size, buffer, path));
    file.size += buffer.size();
    buffer.clear();
    return {};
  };
  auto write = [&]() -> Status {
    for (size_t i = 0; i < records.size(); ++i) {
      CROMT_TRY(file.encoder.Encode(records.subspan(i, 1), buffer));
      if (buffer.size() >= kFlushBytes) CROMT_TRY(flush());
    }
    CROMT_TRY(flush());
    if (file.size > kMaxJournalBytes)
      return Fail(ErrorCode::kExhausted,
                  fmt::format("{} has {} bytes; at most {} are allowed", path, file.size, kMaxJournalBytes));
    return SyncFile(fd.get(), durability, path);
  };
  if (Status written = write(); !written) {
    unlink(path.c_str());
    return tl::unexpected(std::move(written).error());
  }
  file.fd = std::make_shared<const UniqueFd>(std::move(fd));
  return file;
}

// ---- Writing ----------------------------------------------------------------------------------

Status Journal::Append(std::span<const JournalRecord> records) {
  if (records.empty()) return {};
  JournalEncoder encoder = encoder_;
  buffer_.clear();
  CROMT_TRY(encoder.Encode(records, buffer_));
  if (size_ + buffer_.size() > kMaxJournalBytes)
    return Fail(ErrorCode::kExhausted, fmt::format("{} would grow beyond {} bytes", PathOf(dir_), kMaxJournalBytes));
  CROMT_TRY(DropLeftover());
  leftover_ = true;
  if (Status written = WriteAt(file_->get(), size_, buffer_, PathOf(dir_)); !written) {
    // Should this fail too, the next Append tries again before it writes.
    (void)DropLeftover();
    return written;
  }
  leftover_ = false;
  size_ += buffer_.size();
  encoder_ = std::move(encoder);
  if (buffer_.capacity() > kFlushBytes) buffer_ = {};
  return {};
}

// Whole frames of a failed Append must not stay: written over by shorter ones they would look like damage.
Status Journal::DropLeftover() {
  if (!leftover_) return {};
  if (ftruncate(file_->get(), static_cast<off_t>(size_)) != 0) return SystemError("truncating", PathOf(dir_));
  reserved_to_ = 0;  // cut off too
  leftover_ = false;
  return {};
}

Status Journal::KeepReserve() {
  if (reserved_to_ >= size_ + kJournalReserve - kReserveStep) return {};
  CROMT_ASSIGN(reserved_to_, Reserve(file_->get(), size_));
  return {};
}

// Up to where the file is allocated then. What nothing resumes after a boot needs none.
Result<uint64_t> Journal::Reserve(int fd, uint64_t size) const {
  if (durability_ == Durability::kProcess) return std::numeric_limits<uint64_t>::max();
  int done = 0;
  do {
    done = fallocate(fd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size), kJournalReserve);
  } while (done != 0 && errno == EINTR);
  if (done == 0) return size + kJournalReserve;
  if (errno == EOPNOTSUPP || errno == ENOSYS) return std::numeric_limits<uint64_t>::max();
  return SystemError(fmt::format("keeping {} free for", FormatSize(kJournalReserve)), PathOf(dir_));
}

Status Journal::Sync() {
  if (durability_ == Durability::kProcess) return {};
  std::shared_ptr<const UniqueFd> file;
  {
    std::lock_guard lock(mutex_);
    if (sync_failed_)
      return Fail(ErrorCode::kUnavailable, PathOf(dir_) + " could not be synced before and was not rewritten since");
    file = file_;
  }
  if (fdatasync(file->get()) == 0) return {};
  tl::unexpected<Error> error = SystemError("syncing", PathOf(dir_));
  std::lock_guard lock(mutex_);
  if (file != file_) return {};  // rewritten meanwhile, and so synced
  sync_failed_ = true;
  return error;
}

// One with its reserve is only replaced by one that has its own.
Status Journal::Rewrite(std::span<const JournalRecord> snapshot) {
  CROMT_ASSIGN(File file, WriteNew(dir_, durability_, snapshot));
  auto reserved_to = Reserve(file.fd->get(), file.size);
  if (!reserved_to) {
    unlink(NewPathOf(dir_).c_str());
    return tl::unexpected(std::move(reserved_to).error());
  }
  CROMT_TRY(MoveInPlace(dir_));
  encoder_ = std::move(file.encoder);
  size_ = file.size;
  leftover_ = false;
  reserved_to_ = *reserved_to;
  Status durable = SyncDirectory(dir_, durability_);
  std::lock_guard lock(mutex_);
  file_ = std::move(file.fd);
  sync_failed_ = !durable;
  return durable;
}

}  // namespace cromt
