// How many seeds a random test runs: what it asks for, or at most CROMT_TEST_SEEDS where that is set, since such a test
// is ten times slower under a sanitizer.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace cromt {

inline auto Seeds(uint64_t count) {
  if (const char* text = std::getenv("CROMT_TEST_SEEDS")) {
    uint64_t limit = count;
    std::from_chars(text, text + std::strlen(text), limit);
    count = std::clamp<uint64_t>(limit, 1, count);
  }
  return testing::Range<uint64_t>(1, count + 1);
}

}  // namespace cromt
