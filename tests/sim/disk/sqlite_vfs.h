// SQLite on the files of a SimDisk: a sqlite3_vfs that does on them what SQLite's own for Unix does on real ones, with
// the same order of writes and syncs. Locks and the shared memory of the WAL are of this process, and go with it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/file/file_system.h"

struct sqlite3_vfs;

namespace cromt::sim {

class SqliteVfs {
 public:
  // Registered while it lives. `files` outlives it.
  explicit SqliteVfs(FileSystem& files);
  ~SqliteVfs();
  SqliteVfs(const SqliteVfs&) = delete;
  SqliteVfs& operator=(const SqliteVfs&) = delete;

  const char* name() const { return name_.c_str(); }

  // What connections to one file share.
  struct Shared {
    int readers = 0;    // SHARED or above
    int reserved = 0;   // RESERVED or above
    int exclusive = 0;  // PENDING or EXCLUSIVE
    std::vector<std::unique_ptr<char[]>> memory;
    int mapped = 0;  // connections that have it
    std::array<int, 8> slot_readers{}, slot_writers{};
  };
  FileSystem& files() { return files_; }
  Shared& shared(const std::string& path) { return shared_[path]; }
  // Of the last call that failed.
  int error = 0;
  uint64_t temporaries = 0;

 private:
  FileSystem& files_;
  const std::string name_;
  std::map<std::string, Shared> shared_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

// SQLite's own dice (salts of its WAL) begin anew from this, in the whole process.
void SeedSqlite(uint64_t seed);

}  // namespace cromt::sim
