#include "io/sqlite/file_header.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace cromt::sqlite {
namespace {

// Of SQLite's file format, section 1.3.
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr size_t kHeaderBytes = 100;
constexpr size_t kWriteFormatAt = 18;  // and behind it that for who only reads: 1, or with a WAL 2
constexpr unsigned char kNewestFormat = 2;
constexpr size_t kUserVersionAt = 60;
constexpr size_t kApplicationIdAt = 68;

uint32_t BigEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (char byte : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

Result<FileHeader> ReadFileHeader(const std::string& path, FileSystem& files) {
  const std::unique_ptr<File> file = files.Open(path, O_RDONLY);
  if (!file && errno == ENOENT) return FileHeader{};
  if (!file) return tl::unexpected<Error>(ErrnoError("can't open " + path, errno));
  std::array<char, kHeaderBytes> bytes{};
  ssize_t n = file->Read(bytes.data(), bytes.size(), 0);
  if (n < 0) return tl::unexpected<Error>(ErrnoError("can't read " + path, errno));
  const std::string_view header(bytes.data(), static_cast<size_t>(n));
  if (header.empty()) return FileHeader{FileHeader::Kind::kEmpty};
  if (header.find_first_not_of('\0') == header.npos) return FileHeader{FileHeader::Kind::kUnwritten};
  if (header.size() < kHeaderBytes || !header.starts_with(kMagic)) return FileHeader{FileHeader::Kind::kForeign};
  const auto known = [&](size_t at) { return static_cast<unsigned char>(header[at]) <= kNewestFormat; };
  return FileHeader{FileHeader::Kind::kDatabase, BigEndian(header.substr(kApplicationIdAt)),
                    BigEndian(header.substr(kUserVersionAt)), known(kWriteFormatAt) && known(kWriteFormatAt + 1)};
}

}  // namespace cromt::sqlite
