#include "coordinator/log_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/name.h"
#include "coordinator/room.h"
#include "io/seglog/read_at.h"

namespace cromt {
namespace {

constexpr std::string_view kEnding = ".log";
constexpr size_t kMaxOpen = 256;
constexpr size_t kRecoverBytes = 1 << 20;
constexpr size_t kWholeFrame = seglog::kHeaderBytes + seglog::kMaxDataBytes;

uint64_t LogIdOf(const AttemptId& id) {
  return uint64_t{id.task} << 32 | id.attempt;
}

// The next one, if it is whole.
std::optional<seglog::Frame> TakeFrame(std::string_view& bytes) {
  const auto frame = seglog::DecodeFrame(bytes);
  return frame ? *frame : std::nullopt;
}

Status WriteAt(File& file, int64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = file.Write(bytes.data(), bytes.size(), static_cast<uint64_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected<Error>(ErrnoError("can't write a run's log", errno));
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += n;
  }
  return {};
}

Status SyncFolder(FileSystem& files, const std::string& path) {
  if (files.SyncDirectory(path) == 0) return {};
  return tl::unexpected<Error>(ErrnoError("can't sync " + path, errno));
}

}  // namespace

Result<std::unique_ptr<LogStore>> LogStore::Open(std::string dir, Durability durability,
                                                 std::function<void(const RunId&)> advanced, FileSystem& files,
                                                 Random* random) {
  if (files.MakeDirectory(dir, 0700) != 0 && errno != EEXIST)
    return tl::unexpected<Error>(ErrnoError("can't make " + dir, errno));
  if (durability == Durability::kHost) CROMT_TRY(SyncFolder(files, DirectoryOf(dir)));
  struct stat folder {};
  if (files.Look(dir + "/.", folder) != 0) return tl::unexpected<Error>(ErrnoError("can't open " + dir, errno));
  SystemRandom system;
  const LogMarks marks = LogMarks::Open(dir, durability, files, random ? *random : system);
  return std::unique_ptr<LogStore>(new LogStore(std::move(dir), durability, std::move(advanced), files, folder, marks));
}

// Looked at before something is listed or removed: by now the path may lead to another place.
Status LogStore::CheckFolder() const {
  struct stat folder {};
  if (disk_.Look(dir_ + "/.", folder) != 0) return tl::unexpected<Error>(ErrnoError("can't open " + dir_, errno));
  if (folder.st_dev == device_ && folder.st_ino == inode_) return {};
  return Fail(ErrorCode::kConflict, dir_ + " is not the folder any more that was opened");
}

std::string LogStore::PathOf(const RunId& run) const {
  return dir_ + "/" + run.text() + std::string(kEnding);
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
  file.file = disk_.Open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file.file) return tl::unexpected<Error>(ErrnoError("can't open " + path, errno));
  CROMT_TRY(Recover(file, path));
  if (file.size == 0) names_synced_ = false;  // it may be new
  recent_.push_front(run);
  return &files_.emplace(run, std::move(file)).first->second;
}

// Finds out what is there, and cuts off what a crash has torn.
Status LogStore::Recover(File& file, const std::string& path) {
  uint64_t offset = 0;
  std::string buffer;
  for (;;) {
    CROMT_ASSIGN(const std::string_view bytes, seglog::ReadAt(*file.file, offset, kRecoverBytes, buffer));
    std::string_view rest = bytes;
    while (const auto frame = TakeFrame(rest)) {
      if (const auto synced = marks_.SyncedBy(*frame))
        file.marked = std::max(file.marked, static_cast<int64_t>(*synced));
      if (LogMarks::IsMark(*frame)) continue;
      int64_t end = static_cast<int64_t>(frame->offset + frame->data.size());
      Written& written = file.attempts[frame->log_id];
      written.next_offset = std::max(written.next_offset, end);
      if (frame->stream != seglog::Stream::kNote) written.at = WallFromMicros(frame->wall_us);
    }
    size_t whole = bytes.size() - rest.size();
    offset += whole;
    if (whole > 0) continue;
    if (!bytes.empty()) {
      CROMT_ASSIGN(const auto behind, marks_.Behind(*file.file, offset));
      if (behind) {
        offset = *behind;
        continue;
      }
      if (file.file->Truncate(offset) != 0) return tl::unexpected<Error>(ErrnoError("can't repair " + path, errno));
    }
    file.size = static_cast<int64_t>(offset);
    return {};
  }
}

// By whole frames: what is read now may be other bytes than those that were found, where the system has dropped some
// meanwhile.
Status LogStore::WriteAnew(File& file) {
  std::string buffer;
  for (int64_t from = file.marked; from < file.size;) {
    CROMT_ASSIGN(const std::string_view bytes,
                 seglog::ReadAt(*file.file, static_cast<uint64_t>(from), kRecoverBytes, buffer));
    std::string_view rest = bytes;
    while (TakeFrame(rest)) continue;
    const size_t whole = bytes.size() - rest.size();
    if (whole == 0) return Fail(ErrorCode::kUnavailable, "a run's log is not what it was when it was opened");
    CROMT_TRY(WriteAt(*file.file, from, bytes.substr(0, whole)));
    from += static_cast<int64_t>(whole);
  }
  file.inherited = false;
  return {};
}

void LogStore::Close(RunId run) {
  if (files_.erase(run) > 0) recent_.remove(run);
}

Result<LogStore::File*> LogStore::FileToWrite(const RunId& run) {
  const auto found = files_.find(run);
  if (durability_ == Durability::kProcess || (found != files_.end() && !found->second.inherited)) return FileOf(run);
  Close(run);  // who has opened it to look has not read it just now
  CROMT_ASSIGN(File * file, FileOf(run));
  if (Status written = WriteAnew(*file); !written) {
    Close(run);
    return tl::unexpected<Error>(std::move(written).error());
  }
  return file;
}

Status LogStore::Append(const std::vector<RunLogChunk>& chunks) {
  if (durability_ == Durability::kHost) {
    uint64_t bytes = 0;
    for (const RunLogChunk& chunk : chunks) bytes += chunk.data.size();
    CROMT_TRY(RoomForOutput(bytes, dir_, disk_));
  }
  std::set<RunId> runs;
  {
    MutexLock lock(mutex_);
    std::string bytes;
    for (size_t i = 0; i < chunks.size();) {
      const RunId& run = chunks[i].attempt.run;
      CROMT_ASSIGN(File * file, FileToWrite(run));
      bytes.clear();
      const bool marks = file->synced > file->marked && marks_.can_mark();
      if (marks) marks_.Encode(static_cast<uint64_t>(file->synced), bytes);
      const size_t before = bytes.size();
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
      if (bytes.size() == before) continue;
      if (marks) file->marked = file->synced;
      if (auto written = WriteAt(*file->file, file->size, bytes); !written) {
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
  CROMT_TRY(SyncFolder(disk_, dir_));
  names_synced_ = true;
  return {};
}

Status LogStore::SyncFile(const RunId& run) {
  File& file = files_.at(run);
  if (durability_ == Durability::kProcess || file.inherited || file.synced == file.size) return {};
  if (file.file->SyncData() == 0) {
    file.synced = file.size;
    return {};
  }
  tl::unexpected<Error> error(ErrnoError("can't sync a run's log", errno));
  Close(run);
  return error;
}

Result<std::vector<LogStore::Kept>> LogStore::List() const {
  CROMT_TRY(CheckFolder());
  std::vector<std::string> names;
  if (disk_.List(dir_, names) != 0) return tl::unexpected<Error>(ErrnoError("can't list " + dir_, errno));
  std::vector<Kept> all;
  for (std::string& name : names) {
    if (!name.ends_with(kEnding)) continue;
    name.resize(name.size() - kEnding.size());
    if (!IsName(name)) continue;
    struct stat info {};
    RunId run(std::move(name));
    if (disk_.Look(PathOf(run), info) != 0 || !S_ISREG(info.st_mode)) continue;
    all.push_back({std::move(run), info.st_size,
                   WallFromMicros(int64_t{info.st_mtim.tv_sec} * 1'000'000 + info.st_mtim.tv_nsec / 1000)});
  }
  return all;
}

Status LogStore::Remove(const RunId& run) {
  if (!IsName(run.text())) return Fail(ErrorCode::kInvalid, "no run has the name " + Quote(run.text()));
  {
    MutexLock lock(mutex_);
    Close(run);
  }
  // Without the lock: of a large file it takes a while. What is appended meanwhile goes with it, or comes into a new
  // file, which the next look finds.
  CROMT_TRY(CheckFolder());
  const std::string path = PathOf(run);
  struct stat info {};
  if (disk_.Look(path, info) != 0 || !S_ISREG(info.st_mode)) return {};
  if (disk_.Unlink(path) != 0 && errno != ENOENT)
    return tl::unexpected<Error>(ErrnoError("can't remove " + path, errno));
  return {};
}

Result<AttemptsWithOutput> LogStore::AttemptsOf(std::span<const StoredRun> runs) {
  AttemptsWithOutput output;
  MutexLock lock(mutex_);
  for (const StoredRun& one : runs) {
    const RunId& run = one.header.id;
    if (!files_.contains(run) && !disk_.Exists(PathOf(run))) continue;
    CROMT_ASSIGN(const File* file, FileOf(run));
    for (const auto& [id, written] : file->attempts) {
      uint32_t& attempt = output[run][static_cast<TaskIndex>(id >> 32)];
      attempt = std::max(attempt, static_cast<uint32_t>(id));
    }
  }
  return output;
}

Result<std::optional<LastOutput>> LogStore::LastOf(const AttemptId& attempt) {
  MutexLock lock(mutex_);
  if (!files_.contains(attempt.run) && !disk_.Exists(PathOf(attempt.run))) return std::nullopt;
  CROMT_ASSIGN(const File* file, FileOf(attempt.run));
  const auto found = file->attempts.find(LogIdOf(attempt));
  if (found == file->attempts.end() || found->second.at == Wall{}) return std::nullopt;
  return LastOutput{found->second.at, found->second.next_offset};
}

Result<LogStore::Slice> LogStore::Read(const RunId& run, uint64_t cursor, size_t budget_bytes) const {
  Slice slice;
  slice.next_cursor = cursor;
  std::string path = PathOf(run);
  const std::unique_ptr<cromt::File> file = disk_.Open(path, O_RDONLY | O_NOFOLLOW);
  if (!file) {
    if (errno == ENOENT && cursor == 0) return slice;  // no output, no file
    if (errno == ENOENT)
      return Fail(ErrorCode::kNotFound, "the output of run " + run.text() + " has just been removed");
    return tl::unexpected<Error>(ErrnoError("can't open " + path, errno));
  }
  std::string buffer;
  while (slice.pieces.empty()) {
    CROMT_ASSIGN(
        const std::string_view bytes,
        seglog::ReadAt(*file, slice.next_cursor, std::max<size_t>(budget_bytes, 2 * seglog::kMaxDataBytes), buffer));
    std::string_view rest = bytes;
    while (const auto frame = TakeFrame(rest))
      if (!LogMarks::IsMark(*frame))
        slice.pieces.push_back({static_cast<TaskIndex>(frame->log_id >> 32), static_cast<uint32_t>(frame->log_id),
                                static_cast<uint8_t>(frame->stream), static_cast<int64_t>(frame->offset),
                                WallFromMicros(frame->wall_us), std::string(frame->data)});
    const size_t whole = bytes.size() - rest.size();
    slice.next_cursor += whole;
    if (bytes.empty()) break;
    if (whole > 0) continue;
    CROMT_ASSIGN(const auto behind, marks_.Behind(*file, slice.next_cursor));
    if (!behind) break;
    // It may have been half written when it was read; since there is a mark behind it, it is all written.
    CROMT_ASSIGN(std::string_view again, seglog::ReadAt(*file, slice.next_cursor, kWholeFrame, buffer));
    if (!TakeFrame(again)) slice.next_cursor = *behind;
  }
  return slice;
}

}  // namespace cromt
