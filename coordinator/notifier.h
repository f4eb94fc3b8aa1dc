// Wakes those who follow a run: after a commit that changed it, and when output of it arrived. A waiter remembers how
// many of these it has seen, so nothing is missed between looking and waiting. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <unordered_map>

#include "base/ids.h"
#include "base/time.h"

namespace cromt {

class Notifier {
 public:
  // A run that somebody follows. Keep it for as long as you do.
  class Watch {
   public:
    Watch(Notifier& notifier, RunId run);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Waits for a change since the last Wait (or since this was made), `patience` or Stop. False once stopped.
    bool Wait(Duration patience);

   private:
    Notifier& notifier_;
    const RunId run_;
    uint64_t seen_ = 0;
  };

  void Changed(std::span<const RunId> runs);
  void Changed(const RunId& run) { Changed({&run, 1}); }
  // Nobody waits any more, now or later.
  void Stop();

 private:
  struct Entry {
    uint32_t watchers = 0;
    uint64_t changes = 0;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<RunId, Entry> watched_;  // runs that nobody follows are not here
  bool stopped_ = false;
};

}  // namespace cromt
