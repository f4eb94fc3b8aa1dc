#include "coordinator/access/token.h"

#include <algorithm>

#include "io/blob/sha256.h"

namespace cromt {
namespace {

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
constexpr size_t kLength = 32;

}  // namespace

std::string NewToken(std::string_view kind, Random& random) {
  std::string token = "cromt_" + std::string(kind) + "_";
  constexpr size_t kAtOnce = 12;  // letters of one random number
  for (size_t i = 0; i < kLength; i += kAtOnce) {
    uint64_t bits = random.Next();
    for (size_t k = i; k < std::min(i + kAtOnce, kLength); ++k, bits >>= 5) token += kLetters[bits & 31];
  }
  return token;
}

bool IsToken(std::string_view text, std::string_view kind) {
  const std::string begin = "cromt_" + std::string(kind) + "_";
  return text.starts_with(begin) && text.size() == begin.size() + kLength &&
         text.find_first_not_of(kLetters, begin.size()) == std::string_view::npos;
}

std::string TokenHash(std::string_view token) {
  return Sha256Hex(token);
}

}  // namespace cromt
