// Ctrl-C. While nobody handles interrupts, one ends the program as usual.
#pragma once

#include <functional>

#include "base/thread_annotations.h"

namespace cromt::cli {

class Interrupts {
 public:
  virtual ~Interrupts() = default;
  // From now on `handler` is called for each interrupt, on another thread; null gives them back to the system.
  virtual void Handle(std::function<void()> handler) = 0;
  // Ends the program at once, with exit code 130: the user has asked twice.
  virtual void EndProgram() = 0;
};

// Counts interrupts while it lives. Thread-safe.
class InterruptCount {
 public:
  explicit InterruptCount(Interrupts& interrupts) : interrupts_(interrupts) {
    interrupts_.Handle([this] { Add(); });
  }
  ~InterruptCount() { interrupts_.Handle(nullptr); }
  InterruptCount(const InterruptCount&) = delete;
  InterruptCount& operator=(const InterruptCount&) = delete;

  int count() const CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return count_;
  }
  // `listener` is called, with the count, after each interrupt to come; null = none. When this returns, the old one is
  // not being called any more.
  void Listen(std::function<void(int count)> listener) CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    listener_ = std::move(listener);
  }

 private:
  void Add() CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    ++count_;
    if (listener_) listener_(count_);
  }

  Interrupts& interrupts_;
  mutable Mutex mutex_;
  int count_ CROMT_GUARDED_BY(mutex_) = 0;
  std::function<void(int)> listener_ CROMT_GUARDED_BY(mutex_);
};

}  // namespace cromt::cli
