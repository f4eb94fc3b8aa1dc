// Frames of the segmented log, and the records of a step. A stream of bytes is taken apart frame by frame until it is
// damaged or cut short; each frame lies within the bytes and is written again as the very bytes it was read from.
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "io/seglog/frame.h"
#include "tests/fuzz/fuzz.h"

namespace cromt::fuzz {
namespace {

using namespace seglog;

// Takes frames or records off `bytes`; `encode` writes one again.
template <class Decode, class Encode>
void TakeAll(std::string_view bytes, size_t header_bytes, Decode decode, Encode encode) {
  for (std::string_view rest = bytes; !rest.empty();) {
    std::string_view before = rest;
    auto item = decode(rest);
    if (!item) {
      Require(item.error().code == ErrorCode::kCorrupt, "what is no frame is damage");
      return RequireShowable(item.error().message);
    }
    if (!*item) {
      Require(rest == before, "a part of a frame is left alone");
      return Require(rest.size() < header_bytes + kMaxDataBytes, "no frame is longer than the longest");
    }
    std::string_view data = (*item)->data;
    Require(before.size() - rest.size() == header_bytes + data.size(), "a frame is as long as it says");
    Require(data.empty() || data.data() == before.data() + header_bytes, "its bytes are those behind the header");
    std::string written;
    encode(**item, written);
    Require(written == before.substr(0, written.size()) && written.size() == header_bytes + data.size(),
            "a frame is written as it was read");
  }
}

}  // namespace
}  // namespace cromt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace cromt::fuzz;
  std::string_view bytes = Text(data, size);
  TakeAll(bytes, kHeaderBytes, DecodeFrame, EncodeFrame);
  TakeAll(bytes, kRecordHeaderBytes, DecodeRecord,
          [](const Record& record, std::string& out) { EncodeRecord(record.stream, record.data, out); });
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Mutates, then makes the sum of the first frame right, for else nearly every input would be refused for its sum. A
// length beyond the end of the bytes is kept now and then, with the sum of what is there.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  using namespace cromt::seglog;
  size = LLVMFuzzerMutate(data, size, max_size);
  if (size < kHeaderBytes || seed % 8 == 0) return size;
  uint32_t length = 0, sum = 0;
  uint8_t* const length_at = data + kHeaderBytes - 2 * sizeof length;
  std::memcpy(&length, length_at, sizeof length);
  const auto available = static_cast<uint32_t>(size - kHeaderBytes);
  if (length > kMaxDataBytes || seed % 8 < 5) length = std::min(length, available);
  std::memcpy(length_at, &length, sizeof length);
  std::memset(length_at + sizeof length, 0, sizeof sum);
  sum = static_cast<uint32_t>(crc32(0, data, kHeaderBytes + std::min(length, available)));
  std::memcpy(length_at + sizeof length, &sum, sizeof sum);
  return size;
}
