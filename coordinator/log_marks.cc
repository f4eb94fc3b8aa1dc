#include "coordinator/log_marks.h"

#include <fcntl.h>

#include "base/bytes.h"
#include "io/seglog/read_at.h"

namespace cromt {
namespace {

constexpr size_t kKeyBytes = 8;
constexpr size_t kSearchBytes = 1 << 20;

// 0 if it has none.
Result<uint64_t> KeyIn(File& file) {
  std::string buffer;
  CROMT_ASSIGN(const std::string_view bytes, seglog::ReadAt(file, 0, kKeyBytes, buffer));
  return bytes.size() == kKeyBytes ? ByteReader(bytes).U64() : 0;
}

}  // namespace

LogMarks LogMarks::Open(const std::string& dir, Durability durability, FileSystem& files, Random& random) {
  constexpr uint64_t kNone = 0;
  const std::string path = dir + "/marks.key";
  const bool may_make = durability == Durability::kHost;
  const auto file = files.Open(path, O_NOFOLLOW | (may_make ? O_RDWR | O_CREAT : O_RDONLY), 0600);
  if (!file) return LogMarks(kNone);
  const auto found = KeyIn(*file);
  if (!found) return LogMarks(kNone);  // it is not written over: the next process may be able to read it
  if (!may_make) return LogMarks(*found);
  const uint64_t key = *found != kNone ? *found : random.Next();
  std::string bytes;
  ByteWriter(bytes).U64(key);
  // Always anew: who has made it may have been killed before it was on disk.
  const bool kept = file->Write(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()) &&
                    file->Sync() == 0 && files.SyncDirectory(dir) == 0;
  return LogMarks(kept ? key : kNone);
}

std::optional<uint64_t> LogMarks::SyncedBy(const seglog::Frame& frame) const {
  if (!can_mark() || !IsMark(frame) || frame.wall_us != static_cast<int64_t>(key_)) return std::nullopt;
  return frame.offset;
}

void LogMarks::Encode(uint64_t synced, std::string& out) const {
  seglog::EncodeFrame({seglog::Stream::kNote, kId, synced, static_cast<int64_t>(key_), {}}, out);
}

Result<std::optional<uint64_t>> LogMarks::Behind(File& file, uint64_t damage) const {
  std::string any;
  seglog::EncodeFrame({}, any);
  const std::string_view magic = std::string_view(any).substr(0, sizeof seglog::kMagic);
  std::string buffer;
  for (uint64_t from = damage + 1; can_mark(); from += kSearchBytes - seglog::kHeaderBytes) {
    CROMT_ASSIGN(const std::string_view bytes, seglog::ReadAt(file, from, kSearchBytes, buffer));
    for (size_t at = bytes.find(magic); at != bytes.npos; at = bytes.find(magic, at + 1)) {
      std::string_view rest = bytes.substr(at, seglog::kHeaderBytes);
      const auto frame = seglog::DecodeFrame(rest);
      if (!frame || !*frame) continue;
      if (const auto synced = SyncedBy(**frame); synced && *synced > damage) return from + at;
    }
    if (bytes.size() < kSearchBytes) break;
  }
  return std::nullopt;
}

}  // namespace cromt
