// Locks declared to the compiler: clang checks them with -Wthread-safety; elsewhere the words mean nothing.
#pragma once

#include <mutex>

#if defined(__clang__)
#define CROMT_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define CROMT_THREAD_ANNOTATION(x)
#endif

#define CROMT_GUARDED_BY(x) CROMT_THREAD_ANNOTATION(guarded_by(x))
#define CROMT_REQUIRES(...) CROMT_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define CROMT_EXCLUDES(...) CROMT_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace cromt {

// std::mutex with the annotations that the standard library's lacks.
class CROMT_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() CROMT_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() CROMT_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class CROMT_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) CROMT_THREAD_ANNOTATION(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() CROMT_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace cromt
