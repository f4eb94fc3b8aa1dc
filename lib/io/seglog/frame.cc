#include "io/seglog/frame.h"

#include <zlib.h>

#include <bit>
#include <cassert>
#include <cstring>
#include <string>

#include "base/bytes.h"

namespace cromt::seglog {
namespace {

constexpr size_t kChecksumAt = kHeaderBytes - sizeof(uint32_t);
constexpr size_t kLengthAt = kChecksumAt - sizeof(uint32_t);

bool IsStream(uint8_t value) {
  return value >= 1 && value <= 4;
}

uint32_t Checksum(std::string_view header_without_sum, std::string_view data) {
  constexpr unsigned char kZero[sizeof(uint32_t)] = {};
  uLong sum =
      crc32(0, reinterpret_cast<const Bytef*>(header_without_sum.data()), static_cast<uInt>(header_without_sum.size()));
  sum = crc32(sum, kZero, sizeof kZero);
  // zlib takes a null pointer as "give me the first value", so an empty view must not reach it.
  if (!data.empty()) sum = crc32(sum, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size()));
  return static_cast<uint32_t>(sum);
}

tl::unexpected<Error> NotAFrame(const char* why) {
  return Fail(ErrorCode::kCorrupt, std::string("not a frame: ") + why);
}

// How many bytes the frame at the front of `in` has if one bit of its length has flipped, and nothing else is wrong.
std::optional<size_t> BytesByAnotherLength(std::string_view in) {
  const uint32_t length = ByteReader(in.substr(kLengthAt)).U32();
  for (int bit = 0; bit < 32; ++bit) {
    const uint32_t other = length ^ (uint32_t{1} << bit);
    if (other > kMaxDataBytes || in.size() < kHeaderBytes + other) continue;
    std::string header(in.substr(0, kLengthAt));
    ByteWriter(header).U32(other);
    if (Checksum(header, in.substr(kHeaderBytes, other)) == ByteReader(in.substr(kChecksumAt)).U32())
      return kHeaderBytes + other;
  }
  return std::nullopt;
}

}  // namespace

void EncodeFrame(const Frame& frame, std::string& out) {
  assert(frame.data.size() <= kMaxDataBytes);
  size_t begin = out.size();
  ByteWriter writer(out);
  writer.U32(kMagic);
  writer.U32(static_cast<uint8_t>(frame.stream));  // u8 stream, u8[3] zero
  writer.U64(frame.log_id);
  writer.U64(frame.offset);
  writer.I64(frame.wall_us);
  writer.U32(static_cast<uint32_t>(frame.data.size()));
  writer.U32(Checksum(std::string_view(out).substr(begin, kChecksumAt), frame.data));
  out.append(frame.data);
}

Result<std::optional<Frame>> DecodeFrame(std::string_view& in) {
  if (in.size() < kHeaderBytes) return std::optional<Frame>();
  ByteReader reader(in.substr(0, kHeaderBytes));
  if (reader.U32() != kMagic) return NotAFrame("bad magic");
  uint32_t stream = reader.U32();
  if (stream > 0xff || !IsStream(static_cast<uint8_t>(stream))) return NotAFrame("unknown stream");
  Frame frame;
  frame.stream = static_cast<Stream>(stream);
  frame.log_id = reader.U64();
  frame.offset = reader.U64();
  frame.wall_us = reader.I64();
  uint32_t length = reader.U32();
  uint32_t checksum = reader.U32();
  if (length > kMaxDataBytes) return NotAFrame("impossible length");
  if (in.size() < kHeaderBytes + length) {
    // It may be there as a whole, and only say that it is longer.
    if (BytesByAnotherLength(in)) return NotAFrame("wrong length");
    return std::optional<Frame>();
  }
  frame.data = in.substr(kHeaderBytes, length);
  if (checksum != Checksum(in.substr(0, kChecksumAt), frame.data)) return NotAFrame("wrong checksum");
  in.remove_prefix(kHeaderBytes + length);
  return std::optional<Frame>(frame);
}

std::optional<size_t> BytesOfDamaged(std::string_view in) {
  if (in.size() < kHeaderBytes) return std::nullopt;
  const uint32_t magic = ByteReader(in).U32();
  const uint32_t length = ByteReader(in.substr(kLengthAt)).U32();
  if (std::popcount(magic ^ kMagic) > 1) return std::nullopt;
  if (const auto other = BytesByAnotherLength(in); other && magic == kMagic) return other;
  if (length > kMaxDataBytes) return std::nullopt;
  return kHeaderBytes + length;
}

void EncodeRecord(Stream stream, std::string_view data, std::string& out) {
  assert(data.size() <= kMaxDataBytes);
  ByteWriter writer(out);
  writer.U32(static_cast<uint8_t>(stream));  // u8 stream, u8[3] zero
  writer.U32(static_cast<uint32_t>(data.size()));
  out.append(data);
}

Result<std::optional<Record>> DecodeRecord(std::string_view& in) {
  if (in.size() < kRecordHeaderBytes) return std::optional<Record>();
  ByteReader reader(in);
  uint32_t stream = reader.U32();
  uint32_t length = reader.U32();
  if (stream > 0xff || !IsStream(static_cast<uint8_t>(stream)))
    return Fail(ErrorCode::kCorrupt, "not a record: unknown stream");
  if (length > kMaxDataBytes) return Fail(ErrorCode::kCorrupt, "not a record: impossible length");
  if (in.size() < kRecordHeaderBytes + length) return std::optional<Record>();
  Record record{static_cast<Stream>(stream), in.substr(kRecordHeaderBytes, length)};
  in.remove_prefix(kRecordHeaderBytes + length);
  return std::optional<Record>(record);
}

}  // namespace cromt::seglog
