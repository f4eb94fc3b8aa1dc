// Writes an archive (see entry.h) into a sink, entry by entry, in the order given: whoever wants the same
// bytes for the same tree gives a fixed order. One thread.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "io/archive/entry.h"

namespace cromt {

// Takes the next bytes of a stream; its errors end the writing and are returned from there.
using ByteSink = std::function<Status(std::string_view)>;

// Whose the files are said to be, for who unpacks them as root; we ourselves do not look.
struct ArchiveOwner {
  uint32_t user = 0, group = 0;
};

class ArchiveWriter {
 public:
  explicit ArchiveWriter(ByteSink sink, ArchiveOwner owner = {}) : sink_(std::move(sink)), owner_(owner) {}

  // A directory comes before what lies in it. kInvalid if CheckEntry refuses the entry.
  // REQUIRES: the bytes of the entry before are complete.
  Status Add(const ArchiveEntry& entry);

  // Bytes of the file added last. REQUIRES: not more of them than its size_bytes.
  Status Data(std::string_view bytes);

  // The end mark. REQUIRES: called once, last, and the last file's bytes are complete.
  Status Finish();

 private:
  ByteSink sink_;
  ArchiveOwner owner_;
  int64_t missing_bytes_ = 0;  // of the file added last
  size_t padding_ = 0;         // to write after them
};

}  // namespace cromt
