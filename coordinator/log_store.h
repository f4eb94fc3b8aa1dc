// The output of runs, as the coordinator keeps it: one file a run, frames in the order in which they came.
//
//   DIR/RUN.log   frame*   as in io/seglog/frame.h, with log_id = task << 32 | attempt
//
// Offsets make it idempotent: a frame whose bytes are there already is dropped, so agents may repeat themselves after
// any restart. A gap (an offset beyond what is there) is kept as it is; the reader sees it by the offsets.
//
// What is there when a file is opened may be of a process that had not synced it, so it is synced with what follows.
// What the system could not sync it may have dropped, and takes for written: that is read again, and written anew.
// Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/durability.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "base/unique_fd.h"
#include "coordinator/why.h"
#include "core/control.h"
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
  // Makes `dir`. Under kProcess, Sync does nothing. `advanced` is called, on the appending thread, for each run that
  // got output.
  static Result<std::unique_ptr<LogStore>> Open(std::string dir, Durability durability,
                                                std::function<void(const RunId&)> advanced);

  // Appends what is new, under kHost while there is RoomForOutput. On an error (full disk) nothing more is
  // acknowledged; what was appended counts.
  Status Append(const std::vector<RunLogChunk>& chunks) CROMT_EXCLUDES(mutex_);
  // Everything appended before is on disk when this returns.
  Status Sync() CROMT_EXCLUDES(mutex_);

  // Output of a run from `cursor` (0 = the beginning) on: at most about `budget_bytes`, and where to go on. kNotFound
  // if it was removed since `cursor`.
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

  // The highest attempt of each task of which there is output.
  Result<std::map<TaskIndex, uint32_t>> AttemptsOf(const RunId& run) CROMT_EXCLUDES(mutex_);
  // What an attempt has said so far; nullopt if nothing of it is here.
  Result<std::optional<LastOutput>> LastOf(const AttemptId& attempt) CROMT_EXCLUDES(mutex_);

 private:
  struct Written {
    int64_t next_offset = 0;
    Wall at{};  // of the newest frame that is no note of ours
  };
  struct File {
    UniqueFd fd;
    std::unordered_map<uint64_t, Written> attempts;  // by log_id
    int64_t size = 0;
    int64_t synced = 0;  // so much is on disk, and maybe more
  };
  LogStore(std::string dir, UniqueFd folder, Durability durability, std::function<void(const RunId&)> advanced)
      : dir_(std::move(dir)), folder_(std::move(folder)), durability_(durability), advanced_(std::move(advanced)) {}
  std::string PathOf(const RunId& run) const;
  Result<File*> FileOf(const RunId& run) CROMT_REQUIRES(mutex_);
  Status Recover(File& file, const std::string& path) CROMT_REQUIRES(mutex_);
  Status WriteAnew(File& file, int64_t from) CROMT_REQUIRES(mutex_);
  void Close(RunId run) CROMT_REQUIRES(mutex_);
  // If it fails the file is closed.
  Status SyncFile(const RunId& run) CROMT_REQUIRES(mutex_);

  const std::string dir_;
  const UniqueFd folder_;  // the same: what is removed is removed here, whatever becomes of the path
  const Durability durability_;
  const std::function<void(const RunId&)> advanced_;
  std::atomic<int64_t> appended_bytes_ = 0;
  Mutex mutex_;
  std::map<RunId, File> files_ CROMT_GUARDED_BY(mutex_);
  std::list<RunId> recent_ CROMT_GUARDED_BY(mutex_);  // newest first; the oldest is closed when there are too many
  std::map<RunId, int64_t> unsure_
      CROMT_GUARDED_BY(mutex_);                         // from where on a sync has failed, and none has come since
  bool names_synced_ CROMT_GUARDED_BY(mutex_) = false;  // of all files
};

}  // namespace cromt
