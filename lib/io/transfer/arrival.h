// What one call brings of a blob: one thread receives while another digests and writes, since these are two halves of
// the work. In between a few pieces wait.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "base/time.h"
#include "io/blob/store.h"

namespace cromt {

class Arrival {
 public:
  static constexpr size_t kPieces = 8;              // received and not written yet
  static constexpr size_t kPieceBytes = 256 << 10;  // so that one is still in a core's cache when it is written

  struct Patience {
    Duration stall{};       // nothing comes for so long: the call is broken off
    Duration first_byte{};  // likewise, before its first byte
  };

  // The writer outlives it; no more than `limit` bytes are written to it in all.
  Arrival(BlobWriter& writer, int64_t limit) : limit_(limit), writer_(writer) {}
  virtual ~Arrival() = default;

  // Blocks until the call is over and what came is written: with what it ended. `stopped` is asked now and then.
  Status Wait(const Patience& patience, const std::function<bool()>& stopped) CROMT_EXCLUDES(mutex_);
  const Status& written() const { return written_; }  // after Wait: what went wrong here, on this disk

 protected:
  // Any thread, more than once: the call ends soon.
  virtual void Cancel() = 0;
  // There is room again, after Came() has said that there is none. The waiting thread.
  virtual void GoOn() {}

  // For who receives. False: nothing more is to be taken until GoOn(), or AwaitRoom().
  bool Came(std::string piece) CROMT_EXCLUDES(mutex_);
  void AwaitRoom() CROMT_EXCLUDES(mutex_);
  // A piece that was written, to be used again, since new memory costs as much as a copy; empty if there is none.
  std::string Used() CROMT_EXCLUDES(mutex_);
  // The last.
  void Ended(const Status& status) CROMT_EXCLUDES(mutex_);

 private:
  void WriteNext(std::unique_lock<Mutex>& lock);

  const int64_t limit_;
  BlobWriter& writer_;
  Status written_;  // the waiting thread's
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> pieces_ CROMT_GUARDED_BY(mutex_);
  std::vector<std::string> used_ CROMT_GUARDED_BY(mutex_);
  bool uses_again_ CROMT_GUARDED_BY(mutex_) = false;
  bool held_back_ CROMT_GUARDED_BY(mutex_) = false;
  int64_t bytes_ CROMT_GUARDED_BY(mutex_) = 0;
  bool done_ CROMT_GUARDED_BY(mutex_) = false;
  Status status_ CROMT_GUARDED_BY(mutex_);
};

}  // namespace cromt
