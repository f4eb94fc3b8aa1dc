#include "io/archive/reader.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/name.h"
#include "io/archive/header.h"

namespace cromt {

struct ArchiveReader::Overrides {
  std::optional<std::string> path;
  std::optional<std::string> target;
  std::optional<int64_t> size;
};

namespace {

using tar::Header;

constexpr size_t kBufferBytes = 256 << 10;
constexpr size_t kMaxEndBlocks = 20;

tl::unexpected<Error> Corrupt(std::string_view why) {
  return Fail(ErrorCode::kCorrupt, fmt::format("archive: {}", why));
}
tl::unexpected<Error> Refuse(std::string_view why) {
  return Fail(ErrorCode::kInvalid, fmt::format("archive: {}", why));
}

// A field ends at its first NUL, or is full.
template <size_t N>
std::string_view Text(const char (&field)[N]) {
  return std::string_view(field, strnlen(field, N));
}

// Octal digits, then blanks or NULs. Base-256, as GNU tar writes it, is not in the subset.
template <size_t N>
std::optional<int64_t> Octal(const char (&field)[N]) {
  std::string_view text = Text(field);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<int64_t> Decimal(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool IsZero(std::string_view block) {
  return std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; });
}

Result<Header> ParseHeader(std::string_view block) {
  Header header;
  std::memcpy(&header, block.data(), sizeof header);
  if (std::memcmp(header.magic, "ustar", 6) != 0 || std::memcmp(header.version, "00", 2) != 0) {
    return Corrupt("this is not a POSIX tar header");
  }
  auto sum = Octal(header.checksum);
  if (!sum || *sum != tar::ChecksumOf(header)) return Corrupt("the sum of a header is wrong");
  return header;
}

std::string NameOf(const Header& header) {
  std::string name(Text(header.name));
  if (header.prefix[0] == '\0') return name;
  return fmt::format("{}/{}", Text(header.prefix), name);
}

std::string_view WhatIs(char type) {
  switch (type) {
    case '1': return "a hard link";
    case '3':
    case '4': return "a device";
    case '6': return "a FIFO";
    case 'S': return "a sparse file";
    default: return "of a kind that is not taken here";
  }
}

Result<EntryKind> KindOf(const Header& header, std::string_view path) {
  auto mode = Octal(header.mode);
  if (!mode) return Corrupt("a mode is not a number");
  switch (header.type) {
    case tar::kFileType: return (*mode & 0100) != 0 ? EntryKind::kExecutable : EntryKind::kFile;
    case tar::kDirectoryType: return EntryKind::kDirectory;
    case tar::kLinkType: return EntryKind::kSymlink;
    default: return Refuse(fmt::format("{} is {}", Quote(path), WhatIs(header.type)));
  }
}

}  // namespace

Result<size_t> ArchiveReader::Fill(size_t bytes) {
  size_t ready = buffer_.size() - at_;
  if (ready >= bytes) return ready;
  buffer_.erase(0, std::exchange(at_, 0));
  buffer_.resize(std::max(kBufferBytes, bytes));
  while (ready < bytes) {
    ssize_t got = read(fd_, buffer_.data() + ready, buffer_.size() - ready);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected<Error>(ErrnoError("reading an archive", errno));
    if (got == 0) break;
    ready += static_cast<size_t>(got);
  }
  buffer_.resize(ready);
  return ready;
}

Result<std::string_view> ArchiveReader::Take(size_t bytes) {
  CROMT_ASSIGN(size_t ready, Fill(bytes));
  if (ready < bytes) return Corrupt("it ends too early");
  std::string_view taken = std::string_view(buffer_).substr(at_, bytes);
  at_ += bytes;
  return taken;
}

Result<std::string_view> ArchiveReader::Data() {
  if (left_bytes_ == 0) return std::string_view();
  // What is buffered first, then a buffer at a time.
  size_t ready = buffer_.size() - at_;
  size_t want = static_cast<size_t>(std::min<int64_t>(left_bytes_, ready > 0 ? ready : kBufferBytes));
  CROMT_ASSIGN(std::string_view bytes, Take(want));
  left_bytes_ -= static_cast<int64_t>(want);
  return bytes;
}

Status ArchiveReader::SkipRest() {
  while (left_bytes_ > 0) CROMT_TRY(Data());
  if (padding_ > 0) CROMT_TRY(Take(std::exchange(padding_, 0)));
  return {};
}

// The end mark is two blocks of zeros; tar programs fill up to a record of 20 blocks, as old tapes wanted it.
Result<std::optional<ArchiveEntry>> ArchiveReader::End() {
  for (size_t blocks = 1; blocks <= kMaxEndBlocks; ++blocks) {
    CROMT_ASSIGN(size_t ready, Fill(tar::kBlockBytes));
    if (blocks >= 2 && ready == 0) return std::optional<ArchiveEntry>();
    if (blocks >= 2 && ready < tar::kBlockBytes) break;
    CROMT_ASSIGN(std::string_view block, Take(tar::kBlockBytes));
    if (!IsZero(block)) break;
  }
  return Corrupt("something follows its end");
}

// Only what changes where bytes go is read; times and the like are skipped.
Status ArchiveReader::ReadOverrides(std::string_view header, Overrides& out) {
  CROMT_ASSIGN(Header parsed, ParseHeader(header));
  auto size = Octal(parsed.size);
  if (!size || *size > static_cast<int64_t>(tar::kMaxPaxBytes)) return Refuse("extended records of more than 64 KiB");
  CROMT_ASSIGN(std::string_view block, Take(static_cast<size_t>(*size) + tar::PaddingOf(*size)));
  std::string_view records = block.substr(0, static_cast<size_t>(*size));
  while (!records.empty()) {
    size_t blank = records.find(' ');
    if (blank == std::string_view::npos) return Corrupt("an extended record is malformed");
    auto length = Decimal(records.substr(0, blank));
    if (!length || static_cast<size_t>(*length) > records.size() || static_cast<size_t>(*length) < blank + 3 ||
        records[static_cast<size_t>(*length) - 1] != '\n') {
      return Corrupt("an extended record is malformed");
    }
    std::string_view record = records.substr(blank + 1, static_cast<size_t>(*length) - blank - 2);
    records.remove_prefix(static_cast<size_t>(*length));
    size_t equals = record.find('=');
    if (equals == std::string_view::npos) return Corrupt("an extended record is malformed");
    std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") out.path = std::string(value);
    if (key == "linkpath") out.target = std::string(value);
    if (key == "size" && !(out.size = Decimal(value))) return Corrupt("a size is not a number");
    if (key.starts_with("GNU.sparse")) return Refuse("a sparse file");
  }
  return {};
}

Result<std::optional<ArchiveEntry>> ArchiveReader::Next() {
  CROMT_TRY(SkipRest());
  Overrides overrides;
  CROMT_ASSIGN(std::string_view block, Take(tar::kBlockBytes));
  if (IsZero(block)) return End();
  CROMT_ASSIGN(Header header, ParseHeader(block));
  if (header.type == tar::kPaxType) {
    CROMT_TRY(ReadOverrides(std::string_view(reinterpret_cast<const char*>(&header), sizeof header), overrides));
    CROMT_ASSIGN(block, Take(tar::kBlockBytes));
    CROMT_ASSIGN(header, ParseHeader(block));
  }
  ArchiveEntry entry;
  entry.path = overrides.path ? *overrides.path : NameOf(header);
  CROMT_ASSIGN(entry.kind, KindOf(header, entry.path));
  if (entry.kind == EntryKind::kDirectory && entry.path.ends_with('/')) entry.path.pop_back();
  if (entry.kind == EntryKind::kSymlink) entry.target = overrides.target ? *overrides.target : Text(header.linkname);
  auto size = overrides.size ? overrides.size : Octal(header.size);
  if (!size) return Corrupt("a size is not a number");
  const bool is_file = entry.kind == EntryKind::kFile || entry.kind == EntryKind::kExecutable;
  if (!is_file && *size != 0) return Corrupt(fmt::format("{} has bytes though it is no file", Quote(entry.path)));
  entry.size_bytes = *size;
  if (auto ok = CheckEntry(entry); !ok) return Fail("archive", ok.error());
  left_bytes_ = *size;
  padding_ = tar::PaddingOf(*size);
  return std::optional(std::move(entry));
}

}  // namespace cromt
