// Packs files and directories below an open directory into an archive, and what that takes. Nothing outside of that
// directory is read, whatever links lie in it. One thread.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "io/archive/writer.h"

namespace cromt::archive {

inline constexpr size_t kMaxEntries = 1'000'000;

// Opens what lies at `path` below the directory `at` without waiting for anybody, and never outside of it.
// kNotFound: it is not there; kInvalid: it leads out, or is neither file nor directory.
Result<UniqueFd> OpenBeneath(int at, const std::string& path, int flags);

// Sorted, without "." and "..". kExhausted beyond kMaxEntries.
Result<std::vector<std::string>> NamesIn(int at, const std::string& path);

// The file's bytes to `sink`; kConflict if they are not those of one moment. `before` is what fstat said of `fd`.
Status CopyFile(int fd, const std::string& path, const struct stat& before, const ByteSink& sink);

class Packer {
 public:
  // Who is told what becomes of each path; both may be empty.
  struct Listener {
    std::function<void(const std::string& as)> packed;
    // What an archive can't hold is left out then; without this it is an error.
    std::function<void(const std::string& from, const Error& why)> left_out;
  };

  // `owner` is whose the entries are to be.
  Packer(int root, ByteSink sink, ArchiveOwner owner = {}, Listener listener = {})
      : root_(root), archive_(std::move(sink), owner), listener_(std::move(listener)) {}

  // `from` is where it lies below the root, `as` its path in the archive (empty: the archive's own top); parents come
  // before what lies in them.
  Status Add(const std::string& from, const std::string& as);
  // The directories above a path, each once.
  Status AddParents(const std::string& path);
  Status Finish() { return archive_.Finish(); }

 private:
  Status AddFile(const std::string& from, const std::string& as);
  Status AddLink(int place, const std::string& from, const std::string& as);
  // Of a checked entry.
  Status Put(const ArchiveEntry& entry);
  // What to answer where `from` can't be packed.
  Status Without(const std::string& from, const Error& why) const;

  int root_;
  ArchiveWriter archive_;
  Listener listener_;
  size_t entries_ = 0;
  std::vector<std::string> parents_;
};

}  // namespace cromt::archive
