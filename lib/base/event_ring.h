// The last events of a program, for who looks for a fault in it: what its engine took in and decided, as short lines of
// kinds, ids, states and reasons. Never what jobs print, are given or are called with.
//
// A line costs a lock that nobody else holds and the copying of its words into a place that has room for them already;
// how it looks to people is nobody's care before it is asked for. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_annotations.h"
#include "base/time.h"

namespace cromt {

class EventRing {
 public:
  static constexpr size_t kMost = 10'000;
  // A longer reason is left out, not cut: half a secret would not be known as one.
  static constexpr size_t kMostReasonBytes = 512;

  // What is empty or 0 is not said. `kind` and `state` live as long as the program.
  struct Line {
    std::string_view kind;
    std::string_view state;
    std::string_view of;   // whom it concerns: a run, project, file, link
    uint32_t task = 0;     // of a run, from 1
    uint32_t attempt = 0;  // of a task, from 1
    std::string_view agent;
    std::string_view reason;
  };
  struct Event {
    Wall at;
    std::string_view kind, state;
    std::string of;
    uint32_t task = 0, attempt = 0;
    std::string agent, reason;
  };

  void Add(Wall at, const Line& line) CROMT_EXCLUDES(mutex_);
  // Oldest first.
  std::vector<Event> Last() const CROMT_EXCLUDES(mutex_);
  // How many there were since the program began.
  uint64_t count() const CROMT_EXCLUDES(mutex_);

 private:
  mutable Mutex mutex_;
  std::vector<Event> events_ CROMT_GUARDED_BY(mutex_);  // grows to kMost
  uint64_t count_ CROMT_GUARDED_BY(mutex_) = 0;         // the next one's place is this, modulo kMost
};

}  // namespace cromt
