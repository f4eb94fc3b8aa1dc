// Files as who keeps state in them needs them: one implementation is the operating system's, the others are simulated
// disks, which forget what was not synced, fail, fill up or lie (tests/sim/disk/sim_disk.h).
//
// Each method is the system call that its comment names, with that one's promises and no more: it may do less than it
// was asked, and after -1 (null) errno says why. A File belongs to one thread at a time, save for Sync and SyncData,
// which any thread may call meanwhile.
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace cromt {

// An open file; closed when it goes.
class File {
 public:
  virtual ~File() = default;
  virtual ssize_t Read(void* bytes, size_t size, uint64_t offset) = 0;         // pread
  virtual ssize_t Write(const void* bytes, size_t size, uint64_t offset) = 0;  // pwrite
  virtual int Truncate(uint64_t size) = 0;                                     // ftruncate
  virtual int Sync() = 0;                                                      // fsync
  virtual int SyncData() = 0;                                                  // fdatasync
  virtual int Allocate(uint64_t offset, uint64_t size) = 0;  // fallocate, beyond the end too, which stays where it is
  virtual int Extend(uint64_t from, uint64_t to) = 0;        // posix_fallocate: up to there, with room for all of it
  virtual int64_t Size() = 0;                                // fstat; -1 with EINVAL: it is no regular file
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  // open, with O_CLOEXEC.
  virtual std::unique_ptr<File> Open(const std::string& path, int flags, mode_t mode = 0) = 0;
  virtual int64_t Size(const std::string& path) = 0;                     // stat: of any file
  virtual int Look(const std::string& path, struct stat& info) = 0;      // lstat
  virtual int Space(const std::string& path, struct statvfs& disk) = 0;  // statvfs
  virtual int Rename(const std::string& from, const std::string& to) = 0;
  virtual int Unlink(const std::string& path) = 0;
  virtual int MakeDirectory(const std::string& path, mode_t mode) = 0;
  // The names in a directory but for "." and "..", in any order.
  virtual int List(const std::string& path, std::vector<std::string>& names) = 0;
  virtual int SyncDirectory(const std::string& path) = 0;  // fsync of what names are in it
  // Under which name SQLite finds a sqlite3_vfs of the same files; null = that is its own.
  virtual const char* sqlite_vfs() const { return nullptr; }

  bool Exists(const std::string& path) { return Size(path) >= 0; }
};

// The operating system's. Thread-safe, and lives for ever.
FileSystem& SystemFiles();

// "dir" of "dir/name"; "." of a mere name.
std::string DirectoryOf(const std::string& path);

}  // namespace cromt
