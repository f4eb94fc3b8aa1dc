// The 512 bytes before each entry, as POSIX.1-2001 lays them out (ustar). Private to this folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cromt::tar {

inline constexpr size_t kBlockBytes = 512;

struct Header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char linkname[100];
  char magic[6];
  char version[2];
  char uname[32];
  char gname[32];
  char devmajor[8];
  char devminor[8];
  char prefix[155];
  char rest[12];
};
static_assert(sizeof(Header) == kBlockBytes);

inline constexpr char kFileType = '0';
inline constexpr char kLinkType = '2';
inline constexpr char kDirectoryType = '5';
inline constexpr char kPaxType = 'x';  // records for the next entry

inline constexpr int64_t kMaxOctalSize = 077777777777;  // 8 GiB - 1; more needs a pax record
inline constexpr size_t kMaxPaxBytes = 64 << 10;

// Sum of all bytes, the checksum field itself taken as spaces.
inline uint32_t ChecksumOf(const Header& header) {
  Header copy = header;
  std::memset(copy.checksum, ' ', sizeof copy.checksum);
  std::array<unsigned char, kBlockBytes> bytes;
  std::memcpy(bytes.data(), &copy, bytes.size());
  uint32_t sum = 0;
  for (unsigned char byte : bytes) sum += byte;
  return sum;
}

// How many zero bytes fill the last block of `size` bytes.
inline size_t PaddingOf(int64_t size) {
  return static_cast<size_t>((kBlockBytes - size % kBlockBytes) % kBlockBytes);
}

}  // namespace cromt::tar
