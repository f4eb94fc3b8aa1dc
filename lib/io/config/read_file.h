// Reads a small file whole.
#pragma once

#include <string>

#include "base/result.h"

namespace cromt {

// kNotFound if there is no such file; kInvalid for a directory; kExhausted above `max_bytes`. Follows links; also
// reads a pipe (`--conf <(…)`), and waits for its writer.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace cromt
