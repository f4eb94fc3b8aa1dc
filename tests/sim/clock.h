// The clocks of one simulated host: they begin anywhere, run a little too fast or too slow, and the wall clock jumps.
#pragma once

#include "base/time.h"
#include "tests/sim/dice.h"

namespace cromt::sim {

class HostClock {
 public:
  // Any two hosts' clocks run alike to within 8 %: leases rest on 10 %.
  explicit HostClock(Dice& dice)
      : rate_ppm_(static_cast<int64_t>(dice.Below(80'001)) - 40'000),
        offset_(static_cast<int64_t>(dice.Below(1'000'000'000))),
        wall_offset_(1'700'000'000'000'000 + static_cast<int64_t>(dice.Below(10'000'000))) {}

  Now Read(Duration time) const { return {MonoFromMicros(Local(time)), WallFromMicros(wall_offset_ + time.count())}; }
  // The first simulated moment at which this clock shows `mono` or more.
  Duration When(Mono mono) const {
    int64_t time = (Micros(mono) - offset_) * 1'000'000 / (1'000'000 + rate_ppm_);
    while (Local(Duration(time)) >= Micros(mono)) --time;
    while (Local(Duration(time)) < Micros(mono)) ++time;
    return Duration(time);
  }
  // By more than 1 %.
  bool is_skewed() const { return rate_ppm_ > 10'000 || rate_ppm_ < -10'000; }
  void JumpWall(Duration by) { wall_offset_ += by.count(); }
  // CLOCK_BOOTTIME begins at zero again.
  void Reboot(Duration time) { offset_ -= Local(time); }

 private:
  int64_t Local(Duration time) const { return offset_ + time.count() + time.count() * rate_ppm_ / 1'000'000; }

  int64_t rate_ppm_;
  int64_t offset_;
  int64_t wall_offset_;
};

}  // namespace cromt::sim
