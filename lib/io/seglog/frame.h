// The segmented log of a host: what every job printed, in the order the launcher read it.
//
//   DIR/00000001.seg  frame*          a segment is closed when it passes kSegmentBytes; the next number opens
//   frame  = header(40 bytes) data(length bytes)
//   header = u32 magic 'CLF1' | u8 stream | u8[3] zero | u64 log_id | u64 offset | i64 wall_us | u32 length | u32
//   checksum (CRC-32 as in zlib)
//
// `log_id` names the attempt; `offset` counts the attempt's data bytes before this frame, over all streams, so
// that a reader who sees a frame twice can tell. The checksum is over header (with it as zero) and data. A
// frame that is cut short at the end of the last segment is an unfinished write: a writer that opens the log
// truncates it; a reader waits there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cromt::seglog {

inline constexpr uint32_t kMagic = 0x31464C43;  // "CLF1"
inline constexpr uint32_t kHeaderBytes = 40;
inline constexpr uint32_t kMaxDataBytes = 64 << 10;  // of one frame
inline constexpr uint64_t kSegmentBytes = 64 << 20;

enum class Stream : uint8_t {
  kStdout = 1,
  kStderr = 2,
  kStep = 3,  // marks of cromt-step: "task run", "task exit" (agent/step/marks.h); no bytes of a job
  kNote = 4,  // lines of cromt itself: what was dropped, stopped or left behind; one line each
};

struct Frame {
  Stream stream = Stream::kStdout;
  uint64_t log_id = 0;
  uint64_t offset = 0;
  int64_t wall_us = 0;
  std::string_view data;  // into the buffer it was decoded from
};

// Appends the frame to `out`. REQUIRES: data.size() <= kMaxDataBytes.
void EncodeFrame(const Frame& frame, std::string& out);

// Takes one whole frame off the front of `in`; nullopt when `in` holds only part of one; kCorrupt when the
// bytes are not a frame (bad magic, stream, length or sum).
Result<std::optional<Frame>> DecodeFrame(std::string_view& in);

// How many bytes the damaged frame at the front of `in` has; nullopt where nobody can say. One bit that has flipped,
// wherever it is, never leads into the frame's own data, in which a job may have printed what looks like frames.
// REQUIRES: DecodeFrame is kCorrupt.
std::optional<size_t> BytesOfDamaged(std::string_view in);

// A record on descriptor 3 of a process started with `records`: u8 stream | u8[3] zero | u32 length | data.
// length <= kMaxDataBytes; anything else ends the reading of that pipe with a note.
inline constexpr uint32_t kRecordHeaderBytes = 8;
struct Record {
  Stream stream = Stream::kStdout;
  std::string_view data;
};
void EncodeRecord(Stream stream, std::string_view data, std::string& out);
Result<std::optional<Record>> DecodeRecord(std::string_view& in);

}  // namespace cromt::seglog
