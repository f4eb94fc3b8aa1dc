// Puts the files of an archive into a directory, and nowhere else.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace cromt {

struct ExtractLimits {
  int64_t entries = 1'000'000;
  int64_t total_bytes = int64_t{16} << 30;  // of all files together
};

struct Extracted {
  int64_t entries = 0;
  int64_t total_bytes = 0;
};

// Reads an archive from `fd` and makes its entries under `directory`, which must exist. Files are new (an
// existing one, or a second entry of one name, is an error), 0644 or 0755 whatever the umask, owned by the
// caller, and not synced. Nothing outside of `directory` is written even if somebody else changes links in it
// meanwhile (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS).
//
// kInvalid: a hostile or unsupported entry; kCorrupt: the bytes are damaged or cut short; kExhausted: over a
// limit, or the disk is full. After an error the directory holds a part: the caller deletes it.
// Thread-safe for different directories.
Result<Extracted> ExtractArchive(int fd, const std::filesystem::path& directory, const ExtractLimits& limits = {});

}  // namespace cromt
