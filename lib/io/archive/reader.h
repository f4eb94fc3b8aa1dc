// Reads an archive (see entry.h) from a descriptor, as a stream, trusting nothing in it: what is not in the
// subset is refused by name (hard links, devices, FIFOs, sparse files…), what breaks a sum or ends early is
// kCorrupt. One thread. Every entry it returns has passed CheckEntry.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "io/archive/entry.h"

namespace cromt {

class ArchiveReader {
 public:
  // The descriptor is the caller's and is read from its offset on.
  explicit ArchiveReader(int fd) : fd_(fd) {}

  // The next entry; what was not read of the last one's bytes is skipped. nullopt at the end of the archive,
  // after which nothing but tar's usual padding may follow.
  Result<std::optional<ArchiveEntry>> Next();

  // The next bytes of the entry's file, valid until the next call; empty at its end.
  Result<std::string_view> Data();

 private:
  struct Overrides;  // from pax records

  Result<size_t> Fill(size_t bytes);            // how many are ready: fewer than `bytes` only at the stream's end
  Result<std::string_view> Take(size_t bytes);  // exactly so many
  Status SkipRest();
  Result<std::optional<ArchiveEntry>> End();
  Status ReadOverrides(std::string_view header, Overrides& out);

  int fd_;
  std::string buffer_;      // bytes read ahead
  size_t at_ = 0;           // how many of them are taken
  int64_t left_bytes_ = 0;  // of the current file
  size_t padding_ = 0;      // after them
};

}  // namespace cromt
