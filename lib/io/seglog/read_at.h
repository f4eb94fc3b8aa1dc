// Reading of log files: shared by all who scan or follow one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/file/file_system.h"

namespace cromt::seglog {

// Up to `size` bytes of `file` from `offset` on: fewer only where the file ended when this was called. They lie
// in `buffer`, which grows to what is there, not to what was asked for.
Result<std::string_view> ReadAt(File& file, uint64_t offset, size_t size, std::string& buffer);

}  // namespace cromt::seglog
