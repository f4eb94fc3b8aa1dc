// The thread on which what agents send of their jobs' output comes into the log store (coordinator/log_intake.h).
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "base/thread_annotations.h"
#include "coordinator/log_intake.h"
#include "io/process/mailbox.h"

namespace cromt {

class LogCollector {
 public:
  using Chunk = LogIntake::Chunk;
  using Batch = LogIntake::Batch;

  static constexpr Duration kRetryPause = seconds(1);

  // As of LogIntake; what is given to it is called on the collector's thread, as a batch's `stored` is.
  LogCollector(LogStore& store, LogIntake::OwnerOf owner_of, std::function<void(const std::string&)> warn);
  ~LogCollector();
  // Any thread.
  void Post(Batch batch) { inbox_.Post(std::move(batch)); }
  // Why output is not kept just now, and waits; empty if it is. Any thread.
  std::string waits_for() const CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return waits_for_;
  }

 private:
  void Run();

  LogIntake intake_;  // the thread's own
  mutable Mutex mutex_;
  std::string waits_for_ CROMT_GUARDED_BY(mutex_);
  Mailbox<Batch> inbox_;
  std::thread thread_;
};

}  // namespace cromt
