// Looks at how full the disk under a directory is, now and then on a thread of its own and when somebody asks, and
// tells of each change of its state (core/disk_guard.h). Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "base/time.h"
#include "core/disk_guard.h"

namespace cromt {

// Of a file system that doesn't say: empty and endless; whoever writes will know more.
DiskUse UseOfDisk(const std::string& dir);

class DiskWatch {
 public:
  static constexpr Duration kEach = seconds(5);

  struct Told {
    DiskState state = DiskState::kOk;
    std::string text;  // DiskText of when it was looked at last; empty while the state is kOk
  };
  // `changed` is called when the state changes, at first only if it is not kOk, by one thread at a time: the watch's or
  // that of who asks. It must not ask the watch.
  DiskWatch(std::string dir, DiskLimits limits, std::function<void(const Told&)> changed);
  ~DiskWatch();

  Told Look() CROMT_EXCLUDES(mutex_);

 private:
  void Run();

  const std::string dir_;
  const std::function<void(const Told&)> changed_;
  Mutex mutex_;
  DiskGuard guard_ CROMT_GUARDED_BY(mutex_);
  std::condition_variable_any wake_;
  bool stopping_ CROMT_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace cromt
