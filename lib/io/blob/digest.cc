#include "io/blob/digest.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/name.h"

namespace cromt {

bool IsSha256(std::string_view text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Status CheckDigest(const Digest& digest) {
  if (!IsSha256(digest.sha256)) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("digest {}: a digest is 64 lower-case hex digits", Quote(digest.sha256)));
  }
  if (digest.size_bytes < 0) {
    return Fail(ErrorCode::kInvalid, fmt::format("digest {}: its size is negative", digest.sha256));
  }
  return {};
}

std::string ToString(const Digest& digest) {
  return fmt::format("sha256:{}…/{}", digest.sha256.substr(0, 12), digest.size_bytes);
}

}  // namespace cromt
