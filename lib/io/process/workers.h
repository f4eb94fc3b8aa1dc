// A few threads for what waits on the world: each piece of work on one of them, in the order in which it came. Threads
// are made when they are needed, and then kept.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.h"

namespace cromt {

class Workers {
 public:
  // A piece of work ends soon once a stop is requested.
  using Work = std::function<void(std::stop_token)>;

  // At most `most` at once; the threads have this name.
  Workers(std::string name, size_t most) : name_(std::move(name)), most_(most) {}
  // Asks what is under way to stop, and waits for it; what has not begun is let go of.
  ~Workers();

  // Any thread. What waits is the caller's to bound.
  void Do(Work work) CROMT_EXCLUDES(mutex_);

 private:
  void Run();

  const std::string name_;
  const size_t most_;
  std::stop_source stop_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Work> line_ CROMT_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ CROMT_GUARDED_BY(mutex_);
  size_t idle_ CROMT_GUARDED_BY(mutex_) = 0;
};

}  // namespace cromt
