// Files that hold secrets: small, regular, and not for everybody's eyes.
#pragma once

#include <string>

#include "base/result.h"

namespace cromt {

inline constexpr size_t kMaxPrivateFileBytes = 64 << 10;

// What the file holds. kDenied if everybody may read it; kInvalid for what is no regular file or larger than
// kMaxPrivateFileBytes; kNotFound and others as of open(2). Messages name the file and nothing of what it holds.
Result<std::string> ReadPrivateFile(const std::string& path);

// The same judgement of a file that somebody else reads.
Status CheckPrivateFile(const std::string& path);

}  // namespace cromt
