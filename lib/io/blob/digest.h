// What a digest may look like, and how it is shown. Every digest from outside (wire, file, flag) passes
// CheckDigest before it names a file.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/model.h"

namespace cromt {

// True for 64 lower-case hex digits.
bool IsSha256(std::string_view text);

// kInvalid unless it holds a SHA-256 and a size of at least 0.
Status CheckDigest(const Digest& digest);

// "sha256:9f86d081884c…/4": for messages; the first 12 digits and the size.
std::string ToString(const Digest& digest);

}  // namespace cromt
