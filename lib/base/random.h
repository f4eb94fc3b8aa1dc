// Where randomness comes from: the system in production, a seed in the simulator.
#pragma once

#include <cstdint>
#include <string>

namespace cromt {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;
  // Uniform in [0, bound). REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
};

// getrandom(2). Thread-safe.
class SystemRandom final : public Random {
 public:
  uint64_t Next() override;
};

// SplitMix64: the same seed gives the same sequence on every machine. Not thread-safe, not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  uint64_t Next() override;

 private:
  uint64_t state_;
};

// 12 characters of [a-z2-7] (60 bits), a valid name: run ids, journal ids, request ids.
std::string RandomName(Random& random);

}  // namespace cromt
