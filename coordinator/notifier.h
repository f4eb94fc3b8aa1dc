// Wakes those who follow a run: after a commit that changed it, and when output of it arrived. A waiter remembers how
// many of these it has seen, so nothing is missed between looking and waiting. Thread-safe.
//
// A run of many short tasks changes a thousand times a second: while it goes on a follower is woken once in kPause and
// sees many changes at a time. The end of a run, and all after it, wakes at once.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <span>
#include <unordered_map>

#include "base/ids.h"
#include "base/thread_annotations.h"
#include "base/time.h"
#include "coordinator/run_change.h"

namespace cromt {

class Notifier {
 public:
  static constexpr Duration kPause = milliseconds(20);

  // A run that somebody follows. Keep it for as long as you do.
  class Watch {
   public:
    Watch(Notifier& notifier, RunId run, Duration pause = kPause);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Waits for a change since the last Wait (or since this was made), `patience` or Stop. False once stopped.
    bool Wait(Duration patience);

   private:
    Notifier& notifier_;
    const RunId run_;
    const Duration pause_;
    uint64_t seen_ = 0;
    std::chrono::steady_clock::time_point woken_{};
  };

  void Changed(std::span<const RunChange> changes);
  void OutputCame(const RunId& run);
  // Nobody waits any more, now or later.
  void Stop();

 private:
  struct Entry {
    uint32_t watchers = 0;
    uint64_t changes = 0;
    bool finished = false;
  };
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::unordered_map<RunId, Entry> watched_ CROMT_GUARDED_BY(mutex_);  // runs that nobody follows are not here
  bool stopped_ CROMT_GUARDED_BY(mutex_) = false;
};

}  // namespace cromt
