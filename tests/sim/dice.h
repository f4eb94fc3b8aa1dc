// Chance, from one seed: what the simulator draws its delays, faults and workloads from.
#pragma once

#include "base/random.h"
#include "base/time.h"

namespace cromt::sim {

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  // In [0, bound). REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) { return random_.Below(bound); }
  // In [low, high].
  uint64_t Between(uint64_t low, uint64_t high) { return low + Below(high - low + 1); }
  Duration Between(Duration low, Duration high) {
    return low + Duration(static_cast<int64_t>(Below(static_cast<uint64_t>((high - low).count() + 1))));
  }
  bool PerCent(uint64_t chance) { return Below(100) < chance; }
  bool PerMille(uint64_t chance) { return Below(1000) < chance; }
  std::string Name() { return RandomName(random_); }
  // A generator of its own, so that drawing more here changes nothing there.
  uint64_t Fork() { return random_.Next(); }
  Random& random() { return random_; }

 private:
  SeededRandom random_;
};

}  // namespace cromt::sim
