// Thin words for epoll and a timer descriptor. Launcher thread only.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace cromt::launcher {

class Poller {
 public:
  struct Ready {
    void* who = nullptr;
    uint32_t events = 0;
  };

  static Result<Poller> Create();

  // `who` comes back in Ready and must live until Remove. Level-triggered. False when the kernel is out of memory.
  bool Add(int fd, uint32_t events, void* who);
  void Modify(int fd, uint32_t events, void* who);
  // Call it before the descriptor is closed: a child between clone and exec holds a copy, and the kernel would
  // keep telling of it.
  void Remove(int fd);

  // Waits for something, at most kMaxReady of it; with `wait` false only looks. Valid until the next call.
  std::span<const Ready> Wait(bool wait);

 private:
  explicit Poller(UniqueFd epoll) : epoll_(std::move(epoll)) {}
  UniqueFd epoll_;
  std::vector<Ready> ready_;
};

// Points in time on CLOCK_BOOTTIME at which something is due, one for each key, behind one timer descriptor.
class Timers {
 public:
  enum class Kind : uint8_t { kAttempt, kRetry, kNoAgent };
  struct Key {
    Kind kind = Kind::kAttempt;
    uint64_t log_id = 0;  // kAttempt only
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  static Result<Timers> Create();
  int fd() const { return timer_.get(); }

  // Mono::max() means never.
  void Set(Key key, Mono at);
  void Clear(Key key) { Set(key, Mono::max()); }
  bool IsSet(Key key) const { return by_key_.contains(key); }

  // Takes out what is due. Call it when fd() is readable.
  std::vector<Key> TakeDue(Mono now);

 private:
  explicit Timers(UniqueFd timer) : timer_(std::move(timer)) {}
  void Arm();

  UniqueFd timer_;
  std::map<Key, Mono> by_key_;
  std::set<std::pair<Mono, Key>> by_time_;
  Mono armed_ = Mono::max();  // never later than the first of by_time_: too early only costs a look
};

}  // namespace cromt::launcher
