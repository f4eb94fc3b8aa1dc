// What the first bytes of a file say of the database in it, read without SQLite: a file that is no database of ours is
// known before SQLite changes a byte of it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "io/file/file_system.h"

namespace cromt::sqlite {

struct FileHeader {
  enum class Kind {
    kAbsent,     // there is no such file
    kEmpty,      // SQLite takes it for a new database
    kUnwritten,  // zeros: the host crashed before the first page of a new database was on disk
    kForeign,    // something else, or the rest of a database
    kDatabase,   // of SQLite: see below
  };
  Kind kind = Kind::kAbsent;
  uint32_t application_id = 0;  // PRAGMA application_id; 0 = none
  uint32_t user_version = 0;    // PRAGMA user_version
  bool known_format = true;     // else SQLite only reads it, or not even that
};

// Fails only if the file is there and can't be read.
Result<FileHeader> ReadFileHeader(const std::string& path, FileSystem& files = SystemFiles());

}  // namespace cromt::sqlite
