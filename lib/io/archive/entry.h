// Trees of files as one stream of bytes: the commit that a run uses, and artifacts that are directories.
//
// The format is a strict subset of POSIX tar (ustar with pax records for long names and big files), so that
// `tar tf` reads what we write, while what we read is small enough to be checked line by line: files,
// executables, directories and symbolic links; nothing else. Owner and time are not kept: the same tree gives
// the same bytes on every machine.
//
// The rules for names below hold on both sides. With them no entry, and no walk through any number of the
// archive's symbolic links, leaves the directory it is extracted to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt {

enum class EntryKind { kFile, kExecutable, kDirectory, kSymlink };

struct ArchiveEntry {
  std::string path;  // relative, '/' between components, none at the end
  EntryKind kind = EntryKind::kFile;
  std::string target;      // of a symbolic link
  int64_t size_bytes = 0;  // of a file; its bytes follow
  friend bool operator==(const ArchiveEntry&, const ArchiveEntry&) = default;
};

inline constexpr size_t kMaxPathBytes = 4095;
inline constexpr size_t kMaxComponentBytes = 255;
inline constexpr size_t kMaxPathDepth = 128;

// kInvalid, naming the path: absolute, empty, too long or deep; a component that is empty, "." or ".."; a
// negative size; a link whose target is absolute or may lead out. A target is accepted when its ".." stand at
// its beginning and are no more than the directories above the link: then they climb real directories only,
// whatever other links do.
Status CheckEntry(const ArchiveEntry& entry);

}  // namespace cromt
