#include "coordinator/log_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/name.h"
#include "coordinator/room.h"
#include "io/process/data_dir.h"
#include "io/seglog/read_at.h"

namespace cromt {
namespace {

constexpr std::string_view kEnding = ".log";
constexpr size_t kMaxOpen = 256;
constexpr size_t kRecoverBytes = 1 << 20;

uint64_t LogIdOf(const AttemptId& id) {
  return uint64_t{id.task} << 32 | id.attempt;
}

Status WriteAt(int fd, int64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(ErrnoError("can't write a run's log", errno));
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += n;
  }
  return {};
}

Status SyncFolder(const UniqueFd& folder, const std::string& path) {
  if (folder && ::fsync(folder.get()) == 0) return {};
  return tl::unexpected<Error>(ErrnoError("can't sync " + path, errno));
}

}  // namespace

Result<std::unique_ptr<LogStore>> LogStore::Open(std::string dir, Durability durability,
                                                 std::function<void(const RunId&)> advanced) {
  CROMT_TRY(MakeDirs(dir));
  UniqueFd folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return tl::unexpected<Error>(ErrnoError("can't open " + dir, errno));
  if (durability == Durability::kHost) {
    const std::string parent = dir + "/..";
    CROMT_TRY(SyncFolder(UniqueFd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)), parent));
  }
  return std::unique_ptr<LogStore>(new LogStore(std::move(dir), std::move(folder), durability, std::move(advanced)));
}

std::string LogStore::PathOf(const RunId& run) const {
  return dir_ + "/" + run.text() + ".log";
}

Result<LogStore::File*> LogStore::FileOf(const RunId& run) {
  if (auto found = files_.find(run); found != files_.end()) return &found->second;
  if (files_.size() >= kMaxOpen) {
    const RunId oldest = recent_.back();
    CROMT_TRY(SyncFile(oldest));
    Close(oldest);
  }
  File file;
  std::string path = PathOf(run);
  file.fd.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.fd) return tl::unexpected<Error>(ErrnoError("can't open " + path, errno));
  CROMT_TRY(Recover(file, path));
  if (file.size == 0) names_synced_ = false;  // it may be new
  if (auto unsure = unsure_.find(run); unsure != unsure_.end()) CROMT_TRY(WriteAnew(file, unsure->second));
  recent_.push_front(run);
  return &files_.emplace(run, std::move(file)).first->second;
}

// Finds out what is there, and cuts off a frame that a crash left unfinished.
Status LogStore::Recover(File& file, const std::string& path) {
  uint64_t offset = 0;
  std::string buffer;
  for (;;) {
    CROMT_ASSIGN(const std::string_view bytes, seglog::ReadAt(file.fd.get(), offset, kRecoverBytes, buffer));
    std::string_view rest = bytes;
    for (;;) {
      auto frame = seglog::DecodeFrame(rest);
      if (!frame || !*frame) break;
      int64_t end = static_cast<int64_t>((*frame)->offset + (*frame)->data.size());
      Written& written = file.attempts[(*frame)->log_id];
      written.next_offset = std::max(written.next_offset, end);
      if ((*frame)->stream != seglog::Stream::kNote) written.at = WallFromMicros((*frame)->wall_us);
    }
    size_t whole = bytes.size() - rest.size();
    offset += whole;
    if (whole > 0) continue;
    if (!bytes.empty() && ::ftruncate(file.fd.get(), static_cast<off_t>(offset)) != 0)
      return tl::unexpected<Error>(ErrnoError("can't repair " + path, errno));
    file.size = static_cast<int64_t>(offset);
    return {};
  }
}

Status LogStore::WriteAnew(File& file, int64_t from) {
  std::string buffer;
  while (from < file.size) {
    CROMT_ASSIGN(const std::string_view bytes,
                 seglog::ReadAt(file.fd.get(), static_cast<uint64_t>(from), kRecoverBytes, buffer));
    if (bytes.empty()) return Fail(ErrorCode::kInternal, "a run's log has become shorter");
    CROMT_TRY(WriteAt(file.fd.get(), from, bytes));
    from += static_cast<int64_t>(bytes.size());
  }
  return {};
}

void LogStore::Close(RunId run) {
  if (files_.erase(run) > 0) recent_.remove(run);
}

Status LogStore::Append(const std::vector<RunLogChunk>& chunks) {
  if (durability_ == Durability::kHost) {
    uint64_t bytes = 0;
    for (const RunLogChunk& chunk : chunks) bytes += chunk.data.size();
    CROMT_TRY(RoomForOutput(bytes, dir_));
  }
  std::set<RunId> runs;
  {
    MutexLock lock(mutex_);
    std::string bytes;
    for (size_t i = 0; i < chunks.size();) {
      const RunId& run = chunks[i].attempt.run;
      CROMT_ASSIGN(File * file, FileOf(run));
      bytes.clear();
      // Neighbours of one run are written together.
      for (; i < chunks.size() && chunks[i].attempt.run == run; ++i) {
        const RunLogChunk& chunk = chunks[i];
        Written& written = file->attempts[LogIdOf(chunk.attempt)];
        int64_t known =
            std::clamp<int64_t>(written.next_offset - chunk.offset, 0, static_cast<int64_t>(chunk.data.size()));
        if (known == static_cast<int64_t>(chunk.data.size())) continue;
        seglog::Frame frame{chunk.stream, LogIdOf(chunk.attempt), static_cast<uint64_t>(chunk.offset + known),
                            Micros(chunk.at), chunk.data.substr(static_cast<size_t>(known))};
        seglog::EncodeFrame(frame, bytes);
        written.next_offset = chunk.offset + static_cast<int64_t>(chunk.data.size());
        if (chunk.stream != seglog::Stream::kNote) written.at = chunk.at;
      }
      if (bytes.empty()) continue;
      if (auto written = WriteAt(file->fd.get(), file->size, bytes); !written) {
        Close(run);  // opened and recovered anew next time
        return written;
      }
      file->size += static_cast<int64_t>(bytes.size());
      appended_bytes_ += static_cast<int64_t>(bytes.size());
      runs.insert(run);
    }
  }
  for (const RunId& run : runs) advanced_(run);
  return {};
}

Status LogStore::Sync() {
  if (durability_ == Durability::kProcess) return {};
  MutexLock lock(mutex_);
  for (const auto& [run, file] : files_) CROMT_TRY(SyncFile(run));  // of which one that fails is closed, and the last
  if (names_synced_) return {};
  CROMT_TRY(SyncFolder(folder_, dir_));
  names_synced_ = true;
  return {};
}

Status LogStore::SyncFile(const RunId& run) {
  File& file = files_.at(run);
  if (durability_ == Durability::kProcess || file.synced == file.size) return {};
  if (::fdatasync(file.fd.get()) == 0) {
    file.synced = file.size;
    unsure_.erase(run);
    return {};
  }
  tl::unexpected<Error> error(ErrnoError("can't sync a run's log", errno));
  const auto [unsure, is_first] = unsure_.emplace(run, file.synced);
  if (!is_first) unsure->second = std::min(unsure->second, file.synced);
  Close(run);
  return error;
}

Result<std::vector<LogStore::Kept>> LogStore::List() const {
  UniqueFd again(::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));  // with a place of its own in it
  DIR* stream = again ? ::fdopendir(again.get()) : nullptr;
  if (stream == nullptr) return tl::unexpected<Error>(ErrnoError("can't list " + dir_, errno));
  again.release();
  std::vector<Kept> all;
  while (const dirent* entry = ::readdir(stream)) {
    std::string_view name = entry->d_name;
    if (!name.ends_with(kEnding)) continue;
    name.remove_suffix(kEnding.size());
    struct stat info {};
    if (!IsName(name) || ::fstatat(folder_.get(), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (!S_ISREG(info.st_mode)) continue;
    all.push_back({RunId(std::string(name)), info.st_size,
                   WallFromMicros(int64_t{info.st_mtim.tv_sec} * 1'000'000 + info.st_mtim.tv_nsec / 1000)});
  }
  ::closedir(stream);
  return all;
}

Status LogStore::Remove(const RunId& run) {
  if (!IsName(run.text())) return Fail(ErrorCode::kInvalid, "no run has the name " + Quote(run.text()));
  {
    MutexLock lock(mutex_);
    Close(run);
    unsure_.erase(run);
  }
  // Without the lock: of a large file it takes a while. What is appended meanwhile goes with it, or comes into a new
  // file, which the next look finds.
  const std::string name = run.text() + std::string(kEnding);
  struct stat info {};
  if (::fstatat(folder_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) return {};
  if (::unlinkat(folder_.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return tl::unexpected<Error>(ErrnoError("can't remove " + dir_ + "/" + name, errno));
  return {};
}

Result<std::map<TaskIndex, uint32_t>> LogStore::AttemptsOf(const RunId& run) {
  std::map<TaskIndex, uint32_t> highest;
  MutexLock lock(mutex_);
  if (!files_.contains(run) && ::access(PathOf(run).c_str(), F_OK) != 0) return highest;
  CROMT_ASSIGN(const File* file, FileOf(run));
  for (const auto& [id, written] : file->attempts) {
    uint32_t& attempt = highest[static_cast<TaskIndex>(id >> 32)];
    attempt = std::max(attempt, static_cast<uint32_t>(id));
  }
  return highest;
}

Result<std::optional<LastOutput>> LogStore::LastOf(const AttemptId& attempt) {
  MutexLock lock(mutex_);
  if (!files_.contains(attempt.run) && ::access(PathOf(attempt.run).c_str(), F_OK) != 0) return std::nullopt;
  CROMT_ASSIGN(const File* file, FileOf(attempt.run));
  const auto found = file->attempts.find(LogIdOf(attempt));
  if (found == file->attempts.end() || found->second.at == Wall{}) return std::nullopt;
  return LastOutput{found->second.at, found->second.next_offset};
}

Result<LogStore::Slice> LogStore::Read(const RunId& run, uint64_t cursor, size_t budget_bytes) const {
  Slice slice;
  slice.next_cursor = cursor;
  std::string path = PathOf(run);
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) {
    if (errno == ENOENT && cursor == 0) return slice;  // no output, no file
    if (errno == ENOENT)
      return Fail(ErrorCode::kNotFound, "the output of run " + run.text() + " has just been removed");
    return tl::unexpected<Error>(ErrnoError("can't open " + path, errno));
  }
  std::string buffer;
  CROMT_ASSIGN(const std::string_view bytes,
               seglog::ReadAt(fd.get(), cursor, std::max<size_t>(budget_bytes, 2 * seglog::kMaxDataBytes), buffer));
  std::string_view rest = bytes;
  for (;;) {
    CROMT_ASSIGN(auto frame, seglog::DecodeFrame(rest));
    if (!frame) break;
    slice.pieces.push_back({static_cast<TaskIndex>(frame->log_id >> 32), static_cast<uint32_t>(frame->log_id),
                            static_cast<uint8_t>(frame->stream), static_cast<int64_t>(frame->offset),
                            WallFromMicros(frame->wall_us), std::string(frame->data)});
  }
  slice.next_cursor = cursor + (bytes.size() - rest.size());
  return slice;
}

}  // namespace cromt
