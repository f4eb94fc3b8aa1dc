// A small binary encoding for what is not protobuf: the launcher's socket and the segmented log, whose
// programs are static and small. Little-endian fixed-width integers; strings are a u32 length and bytes.
// A format built on it carries a version of its own; fields are written and read in one order.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace cromt {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "formats are little-endian; add swaps for this target");

// Appends to a string that the caller owns.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  void U8(uint8_t v) { Raw(&v, sizeof v); }
  void U32(uint32_t v) { Raw(&v, sizeof v); }
  void U64(uint64_t v) { Raw(&v, sizeof v); }
  void I64(int64_t v) { Raw(&v, sizeof v); }
  void Text(std::string_view v) {
    U32(static_cast<uint32_t>(v.size()));
    out_.append(v);
  }

 private:
  void Raw(const void* data, size_t size) { out_.append(static_cast<const char*>(data), size); }
  std::string& out_;
};

// Reads from bytes that outlive it. After a read past the end, ok() is false and every further read
// returns zero or an empty view: check ok() once, at the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}
  uint8_t U8() { return Fixed<uint8_t>(); }
  uint32_t U32() { return Fixed<uint32_t>(); }
  uint64_t U64() { return Fixed<uint64_t>(); }
  int64_t I64() { return Fixed<int64_t>(); }
  std::string_view Text() {
    uint32_t size = U32();
    if (!ok_ || size > in_.size()) return Broken();
    std::string_view v = in_.substr(0, size);
    in_.remove_prefix(size);
    return v;
  }
  bool ok() const { return ok_; }
  // True when everything was read, and nothing beyond.
  bool done() const { return ok_ && in_.empty(); }
  bool more() const { return ok_ && !in_.empty(); }

 private:
  template <class T>
  T Fixed() {
    T v{};
    if (in_.size() < sizeof v) {
      Broken();
      return v;
    }
    std::memcpy(&v, in_.data(), sizeof v);
    in_.remove_prefix(sizeof v);
    return v;
  }
  std::string_view Broken() {
    ok_ = false;
    in_ = {};
    return {};
  }
  std::string_view in_;
  bool ok_ = true;
};

}  // namespace cromt
