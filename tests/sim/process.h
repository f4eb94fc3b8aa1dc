// How a simulated process of the cluster (coordinator, agent) wakes and dies.
#pragma once

#include <algorithm>
#include <optional>

#include "tests/sim/timeline.h"

namespace cromt::sim {

// Wakes its owner at the earliest of the times it was asked for.
class Waker {
 public:
  Waker(Timeline& timeline, std::string_view kind, uint64_t id, std::function<void()> wake)
      : timeline_(timeline), kind_(kind), id_(id), wake_(std::move(wake)) {}

  void WakeAt(Duration when) {
    if (at_ && *at_ <= when) return;
    at_ = when;
    timeline_.At(when, kind_, id_, [this, turn = ++turn_] {
      if (turn != turn_ || !at_) return;
      if (timeline_.now() < hangs_until_) {
        at_.reset();
        return WakeAt(hangs_until_);
      }
      at_.reset();
      wake_();
    });
  }
  // The process is gone; another one hangs no more.
  void Cancel() {
    at_.reset();
    hangs_until_ = Duration(0);
  }
  // As by SIGSTOP: what it was to wake for it does then.
  bool hangs() const { return timeline_.now() < hangs_until_; }
  void HangUntil(Duration when) { hangs_until_ = std::max(hangs_until_, when); }

 private:
  Timeline& timeline_;
  std::string_view kind_;
  uint64_t id_;
  std::function<void()> wake_;
  std::optional<Duration> at_;
  Duration hangs_until_{0};
  uint64_t turn_ = 0;
};

// Lets a process die in the middle of a step: after so many of its effects have left, the rest never does.
class Death {
 public:
  void After(uint64_t effects) { left_ = effects; }
  void Forget() {
    left_.reset();
    met_ = false;
  }
  // Whether the next effect still leaves.
  bool Leaves() {
    if (!left_) return true;
    if (*left_ == 0) {
      met_ = true;
      return false;
    }
    --*left_;
    return true;
  }
  bool planned() const { return left_.has_value(); }
  // Some effect has not left.
  bool was_met() const { return met_; }

 private:
  std::optional<uint64_t> left_;
  bool met_ = false;
};

// Whether an owner's deadline stays in the past, step after step. One more step at once is no sin.
class SpinCheck {
 public:
  bool Spins(bool passed) {
    constexpr int kTooOften = 20;
    times_ = passed ? times_ + 1 : 0;
    return times_ == kTooOften;
  }

 private:
  int times_ = 0;
};

}  // namespace cromt::sim
