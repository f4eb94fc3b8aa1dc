// Marks in the files of runs' output: what of a file was on disk when the mark was written.
//
//   mark = a frame (io/seglog/frame.h) without data: stream kNote, log_id 2^64 - 1, offset = so many bytes of the file
//          had been synced, wall_us = the key
//   DIR/marks.key   8 bytes; who prints something does not know them, and so can't print a mark
//
// Thread-safe, once it is open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/durability.h"
#include "base/random.h"
#include "base/result.h"
#include "io/file/file_system.h"
#include "io/seglog/frame.h"

namespace cromt {

class LogMarks {
 public:
  // Under kHost a key is made where there is none. Without one (under kProcess, or as the disk fails or is full) no
  // mark is believed, and none made.
  static LogMarks Open(const std::string& dir, Durability durability, FileSystem& files, Random& random);

  // Also one with another key: it is no output.
  static bool IsMark(const seglog::Frame& frame) { return frame.log_id == kId; }
  // So many bytes were synced, if it is one of ours.
  std::optional<uint64_t> SyncedBy(const seglog::Frame& frame) const;
  bool can_mark() const { return key_ != 0; }
  // Appends one to `out`. REQUIRES: can_mark.
  void Encode(uint64_t synced, std::string& out) const;
  // Where it goes on behind `damage`, at which no whole frame begins: at a mark which says that this was on disk, and
  // so was damaged since. nullopt if none does; then it may have been torn by a crash.
  Result<std::optional<uint64_t>> Behind(File& file, uint64_t damage) const;

 private:
  static constexpr uint64_t kId = UINT64_MAX;
  explicit LogMarks(uint64_t key) : key_(key) {}

  uint64_t key_;  // 0: none, which is also what a crash may leave of one
};

}  // namespace cromt
