#include "base/random.h"

#include <sys/random.h>

#include <cstdlib>

namespace cromt {

uint64_t SystemRandom::Next() {
  uint64_t value = 0;
  // For up to 256 bytes getrandom is neither interrupted nor short once the pool is ready.
  if (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) std::abort();
  return value;
}

uint64_t SeededRandom::Next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::string RandomName(Random& random) {
  constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  std::string name(12, 'a');
  uint64_t bits = random.Next();
  for (char& c : name) {
    c = kAlphabet[bits & 31];
    bits >>= 5;
  }
  return name;
}

}  // namespace cromt
