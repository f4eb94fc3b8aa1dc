#include "agent/journal.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/random.h"
#include "base/size.h"

namespace cromt {
namespace {

constexpr size_t kFlushBytes = 1 << 20;
// The reserve is filled up when one part of so many is used.
constexpr uint64_t kReserveSteps = 128;

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

Status WriteAt(File& file, uint64_t offset, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t put = file.Write(bytes.data(), bytes.size(), offset);
    if (put < 0 && errno == EINTR) continue;
    if (put == 0) errno = ENOSPC;
    if (put <= 0) return SystemError("writing", path);
    bytes.remove_prefix(static_cast<size_t>(put));
    offset += static_cast<uint64_t>(put);
  }
  return {};
}

Result<std::string> ReadAll(File& file, const std::string& path) {
  const int64_t size = file.Size();
  if (size < 0 && errno == EINVAL) return Fail(ErrorCode::kCorrupt, path + " is not a regular file");
  if (size < 0) return SystemError("reading", path);
  if (static_cast<uint64_t>(size) > kMaxJournalBytes)
    return Fail(ErrorCode::kCorrupt, fmt::format("{} has {} bytes, more than any journal", path, size));
  std::string bytes(static_cast<size_t>(size), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t got = file.Read(bytes.data() + done, bytes.size() - done, done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("reading", path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

Status SyncDirectory(const std::string& dir, const JournalOptions& options) {
  if (options.durability == Durability::kHost && options.files->SyncDirectory(dir) != 0)
    return SystemError("syncing", dir);
  return {};
}

Status MoveInPlace(const std::string& dir, FileSystem& files) {
  if (files.Rename(NewPathOf(dir), PathOf(dir)) == 0) return {};
  tl::unexpected<Error> error = SystemError("renaming", NewPathOf(dir));
  files.Unlink(NewPathOf(dir));
  return error;
}

bool IsOpened(const JournalRecord& record) {
  return std::holds_alternative<journal::Opened>(record);
}

}  // namespace

Journal::Journal(std::string dir, const JournalOptions& options, Content content)
    : dir_(std::move(dir)),
      options_(options),
      encoder_(std::move(content.encoder)),
      size_(content.size),
      file_(std::move(content.file)) {}

// ---- Opening ----------------------------------------------------------------------------------

Result<Journal::Opened> Journal::Open(const std::string& dir, const JournalOptions& options) {
  FileSystem& files = *options.files;
  if (files.MakeDirectory(dir, 0700) != 0 && errno != EEXIST) return SystemError("making", dir);
  files.Unlink(NewPathOf(dir));  // of a Rewrite that a crash cut short
  std::string path = PathOf(dir);
  std::shared_ptr<File> file = files.Open(path, O_RDWR | O_NOFOLLOW);
  if (!file && errno == ENOENT) {
    CROMT_ASSIGN(Content created, Create(dir, options));
    return Opened{std::unique_ptr<Journal>(new Journal(dir, options, std::move(created))), {}, ""};
  }
  if (!file) return SystemError("opening", path);
  CROMT_ASSIGN(std::string bytes, ReadAll(*file, path));
  auto content = DecodeJournal(bytes, options.boot);
  if (!content) return Fail(path, std::move(content).error());
  if (content->good_bytes < bytes.size() && file->Truncate(content->good_bytes) != 0)
    return SystemError("truncating", path);
  bytes.resize(content->good_bytes);
  Content whole{std::move(file), std::move(content->encoder), content->good_bytes};
  std::unique_ptr<Journal> journal(new Journal(dir, options, std::move(whole)));
  CROMT_TRY(journal->MakeDurable(bytes, content->records));
  return Opened{std::move(journal), std::move(content->records), std::move(content->note)};
}

// A process before may have failed to sync a part of it, or its name: the system then takes it for written, and will
// not try again. So all is written anew, into another file: a sync that fails may cost what it was to save. If there is
// no room for two, in place, for whoever syncs next.
Status Journal::MakeDurable(std::string_view bytes, std::span<const JournalRecord> records) {
  if (options_.durability == Durability::kProcess) return {};
  const std::shared_ptr<File> before = file_;
  Status rewritten = Rewrite(records);
  if (rewritten || rewritten.error().code != ErrorCode::kExhausted || file_ != before) return rewritten;
  return WriteAt(*file_, 0, bytes, PathOf(dir_));
}

Result<Journal::Content> Journal::Create(const std::string& dir, const JournalOptions& options) {
  CROMT_ASSIGN(Content content, WriteNew(dir, options, {}));
  CROMT_TRY(MoveInPlace(dir, *options.files));
  CROMT_TRY(SyncDirectory(dir, options));
  return content;
}

// A whole synced file beside the journal, to be moved in its place.
Result<Journal::Content> Journal::WriteNew(const std::string& dir, const JournalOptions& options,
                                           std::span<const JournalRecord> records) {
  std::string path = NewPathOf(dir);
  std::shared_ptr<File> file = options.files->Open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  if (!file) return SystemError("making", path);
  Content content{file, JournalEncoder(static_cast<uint32_t>(SystemRandom().Next())), 0};
  std::string buffer = content.encoder.Header();
  auto flush = [&]() -> Status {
    CROMT_TRY(WriteAt(*file, content.size, buffer, path));
    content.size += buffer.size();
    buffer.clear();
    return {};
  };
  auto write = [&]() -> Status {
    for (size_t i = 0; i < records.size(); ++i) {
      CROMT_TRY(content.encoder.Encode(records.subspan(i, 1), buffer));
      if (buffer.size() >= kFlushBytes) CROMT_TRY(flush());
    }
    CROMT_TRY(flush());
    if (content.size > kMaxJournalBytes)
      return Fail(ErrorCode::kExhausted,
                  fmt::format("{} has {} bytes; at most {} are allowed", path, content.size, kMaxJournalBytes));
    if (options.durability == Durability::kHost && file->Sync() != 0) return SystemError("syncing", path);
    return {};
  };
  if (Status written = write(); !written) {
    options.files->Unlink(path);
    return tl::unexpected(std::move(written).error());
  }
  return content;
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
  if (Status written = WriteAt(*file_, size_, buffer_, PathOf(dir_)); !written) {
    // Should this fail too, the next Append tries again before it writes.
    (void)DropLeftover();
    return written;
  }
  leftover_ = false;
  size_ += buffer_.size();
  encoder_ = std::move(encoder);
  if (buffer_.capacity() > kFlushBytes) buffer_ = {};
  return std::ranges::any_of(records, IsOpened) ? Sync() : Status();
}

// Whole frames of a failed Append must not stay: written over by shorter ones they would look like damage.
Status Journal::DropLeftover() {
  if (!leftover_) return {};
  if (file_->Truncate(size_) != 0) return SystemError("truncating", PathOf(dir_));
  reserved_to_ = 0;  // cut off too
  leftover_ = false;
  return {};
}

Status Journal::KeepReserve() {
  const uint64_t reserve = options_.reserve_bytes;
  if (reserved_to_ >= size_ + reserve - reserve / kReserveSteps) return {};
  CROMT_ASSIGN(reserved_to_, Reserve(*file_, size_));
  return {};
}

// Up to where the file is allocated then. What nothing resumes after a boot needs none.
Result<uint64_t> Journal::Reserve(File& file, uint64_t size) const {
  if (options_.durability == Durability::kProcess) return std::numeric_limits<uint64_t>::max();
  int done = 0;
  do {
    done = file.Allocate(size, options_.reserve_bytes);
  } while (done != 0 && errno == EINTR);
  if (done == 0) return size + options_.reserve_bytes;
  if (errno == EOPNOTSUPP || errno == ENOSYS) return std::numeric_limits<uint64_t>::max();
  return SystemError(fmt::format("keeping {} free for", FormatSize(static_cast<int64_t>(options_.reserve_bytes))),
                     PathOf(dir_));
}

Status Journal::Sync() {
  if (options_.durability == Durability::kProcess) return {};
  std::shared_ptr<File> file;
  {
    std::lock_guard lock(mutex_);
    if (sync_failed_)
      return Fail(ErrorCode::kUnavailable, PathOf(dir_) + " could not be synced before and was not rewritten since");
    file = file_;
  }
  if (file->SyncData() == 0) return {};
  tl::unexpected<Error> error = SystemError("syncing", PathOf(dir_));
  std::lock_guard lock(mutex_);
  if (file != file_) return {};  // rewritten meanwhile, and so synced
  sync_failed_ = true;
  return error;
}

// One with its reserve is only replaced by one that has its own.
Status Journal::Rewrite(std::span<const JournalRecord> snapshot) {
  CROMT_ASSIGN(Content content, WriteNew(dir_, options_, snapshot));
  auto reserved_to = Reserve(*content.file, content.size);
  if (!reserved_to) {
    options_.files->Unlink(NewPathOf(dir_));
    return tl::unexpected(std::move(reserved_to).error());
  }
  CROMT_TRY(MoveInPlace(dir_, *options_.files));
  encoder_ = std::move(content.encoder);
  size_ = content.size;
  leftover_ = false;
  reserved_to_ = *reserved_to;
  Status durable = SyncDirectory(dir_, options_);
  std::lock_guard lock(mutex_);
  file_ = std::move(content.file);
  sync_failed_ = !durable;
  return durable;
}

}  // namespace cromt
