// Encrypts small texts so that they can lie on a disk: AES-256-GCM, with a random nonce for each. Any thread.
//
//   sealed: nonce (12 bytes), ciphertext (as long as the text), tag (16 bytes)
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt {

inline constexpr size_t kSealKeyBytes = 32;

class Sealer {
 public:
  // REQUIRES: `key` has kSealKeyBytes bytes.
  explicit Sealer(std::string key);
  ~Sealer();
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  // `bound` is not in the result, but it opens with the same only: so that what is sealed for one place is not taken
  // from another.
  Result<std::string> Seal(std::string_view text, std::string_view bound) const;
  // kCorrupt for another key, another `bound`, or bytes that were changed.
  Result<std::string> Open(std::string_view sealed, std::string_view bound) const;

 private:
  std::string key_;
};

// kInternal if the system gives no random bytes.
Result<std::string> NewSealKey();

}  // namespace cromt
