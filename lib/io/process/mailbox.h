// A queue into an owner thread: anyone posts, the owner takes all that has gathered as one batch. The owner waits on
// an eventfd, so that it can wait for other descriptors at the same time.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/thread_annotations.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace cromt {

// Waits until one of `fds` is ready or `deadline` has passed; nullopt waits for ever. EINTR returns early.
void WaitFor(std::span<pollfd> fds, std::optional<Mono> deadline);

template <class T>
class Mailbox {
 public:
  Mailbox() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  // Any thread. False once closed: the item is dropped.
  bool Post(T item) CROMT_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      if (closed_) return false;
      items_.push_back(std::move(item));
      if (items_.size() > 1) return true;  // the owner was woken for the first
    }
    Wake();
    return true;
  }

  // Any thread: nothing is taken in after this; the owner is woken.
  void Close() CROMT_EXCLUDES(mutex_) {
    {
      MutexLock lock(mutex_);
      closed_ = true;
    }
    Wake();
  }

  bool closed() CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return closed_;
  }
  size_t size() CROMT_EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return items_.size();
  }

  // Owner only: all that has gathered, oldest first.
  std::vector<T> TakeAll() CROMT_EXCLUDES(mutex_) {
    uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof count);
    MutexLock lock(mutex_);
    return std::exchange(items_, {});
  }

  // Owner only: readable when TakeAll has something to take.
  int fd() const { return wake_.get(); }

  // Owner only: waits for items, Close or the deadline, and takes all.
  std::vector<T> WaitAndTakeAll(std::optional<Mono> deadline) {
    pollfd wait{wake_.get(), POLLIN, 0};
    WaitFor({&wait, 1}, deadline);
    return TakeAll();
  }

 private:
  void Wake() {
    uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }

  UniqueFd wake_;
  Mutex mutex_;
  std::vector<T> items_ CROMT_GUARDED_BY(mutex_);
  bool closed_ CROMT_GUARDED_BY(mutex_) = false;
};

}  // namespace cromt
