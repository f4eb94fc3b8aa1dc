// The output of runs, as the coordinator keeps it: one file a run, frames in the order in which they came.
//
//   DIR/RUN.log   (frame | mark)*   frame: as in io/seglog/frame.h, with log_id = task << 32 | attempt
//                                   mark: as in coordinator/log_marks.h
//
// Offsets make it idempotent: a frame whose bytes are there already is dropped, so agents may repeat themselves after
// any restart. A gap (an offset beyond what is there) is kept as it is; the reader sees it by the offsets.
//
// A crash tears what was not synced: from the first frame that is not whole on nothing is believed, and agents still
// have it. Where a mark says that it had been on disk it was damaged since, and what follows was acknowledged: it goes
// on at that mark.
//
// What is there when a file is opened may be of a process that had not synced it, or could not: the system may then
// have dropped what it takes for written. So what no mark speaks for is read and written anew before anything is taken
// as known; and so it is after a sync that has failed.
// Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/durability.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "coordinator/log_marks.h"
#include "coordinator/recovery.h"
#include "coordinator/why.h"
#include "core/control.h"
#include "io/file/file_system.h"
#include "io/seglog/frame.h"

namespace cromt {

struct RunLogChunk {
  AttemptId attempt;
  seglog::Stream stream = seglog::Stream::kStdout;
  int64_t offset = 0;
  Wall at;
  std::string_view data;
};

class LogStore {
 public:
  // Makes `dir`, in a folder that is there; `random`: null is the system's. Under kProcess, Sync does nothing.
  // `advanced` is called, on the appending thread, for each run that got output.
  static Result<std::unique_ptr<LogStore>> Open(std::string dir, Durability durability,
                                                std::function<void(const RunId&)> advanced,
                                                FileSystem& files = SystemFiles(), Random* random = nullptr);

  // Appends what is new, under kHost while there is RoomForOutput. On an error (full disk) nothing more is
  // acknowledged; what was appended counts.
  Status Append(const std::vector<RunLogChunk>& chunks) CROMT_EXCLUDES(mutex_);
  // Everything appended before is on disk when this returns.
  Status Sync() CROMT_EXCLUDES(mutex_);

  // Output of a run from `cursor` (0 = the beginning) on: at most about `budget_bytes`, and where to go on. What a
  // crash has torn or is damaged is not there. kNotFound if it was removed since `cursor`.
  struct Slice {
    std::vector<LogPiece> pieces;
    uint64_t next_cursor = 0;
  };
  Result<Slice> Read(const RunId& run, uint64_t cursor, size_t budget_bytes) const;

  // The files that are runs' output: regular ones of such a name, in `dir` itself. What else lies there is not ours.
  struct Kept {
    RunId run;
    int64_t bytes = 0;
    Wall changed;
  };
  Result<std::vector<Kept>> List() const;
  // Removes a run's file; who reads it is told. A link in its place is left alone. Nothing happens if there is none.
  Status Remove(const RunId& run) CROMT_EXCLUDES(mutex_);
  // Of all runs, since it was opened.
  int64_t appended_bytes() const { return appended_bytes_; }

  // The highest attempt of each task of these runs of which there is output.
  Result<AttemptsWithOutput> AttemptsOf(std::span<const StoredRun> runs) CROMT_EXCLUDES(mutex_);
  // What an attempt has said so far; nullopt if nothing of it is here.
  Result<std::optional<LastOutput>> LastOf(const AttemptId& attempt) CROMT_EXCLUDES(mutex_);

 private:
  struct Written {
    int64_t next_offset = 0;
    Wall at{};  // of the newest frame that is no note of ours
  };
  struct File {
    std::unique_ptr<cromt::File> file;
    std::unordered_map<uint64_t, Written> attempts;  // by log_id
    int64_t size = 0;
    int64_t synced = 0;     // so much is on disk, and maybe more
    int64_t marked = 0;     // the file says so of so much
    bool inherited = true;  // of a process before, or of before a sync that has failed: it may not be on disk
  };
  LogStore(std::string dir, Durability durability, std::function<void(const RunId&)> advanced, FileSystem& files,
           const struct stat& folder, const LogMarks& marks)
      : dir_(std::move(dir)),
        durability_(durability),
        advanced_(std::move(advanced)),
        disk_(files),
        device_(folder.st_dev),
        inode_(folder.st_ino),
        marks_(marks) {}
  std::string PathOf(const RunId& run) const;
  Status CheckFolder() const;
  Result<File*> FileOf(const RunId& run) CROMT_REQUIRES(mutex_);
  Result<File*> FileToWrite(const RunId& run) CROMT_REQUIRES(mutex_);
  Status Recover(File& file, const std::string& path) CROMT_REQUIRES(mutex_);
  Status WriteAnew(File& file) CROMT_REQUIRES(mutex_);
  void Close(RunId run) CROMT_REQUIRES(mutex_);
  // If it fails the file is closed.
  Status SyncFile(const RunId& run) CROMT_REQUIRES(mutex_);

  const std::string dir_;
  const Durability durability_;
  const std::function<void(const RunId&)> advanced_;
  FileSystem& disk_;
  const dev_t device_;  // of `dir`, when it was opened
  const ino_t inode_;
  const LogMarks marks_;
  std::atomic<int64_t> appended_bytes_ = 0;
  Mutex mutex_;
  std::map<RunId, File> files_ CROMT_GUARDED_BY(mutex_);
  std::list<RunId> recent_ CROMT_GUARDED_BY(mutex_);    // newest first; the oldest is closed when there are too many
  bool names_synced_ CROMT_GUARDED_BY(mutex_) = false;  // of all files
};

}  // namespace cromt
