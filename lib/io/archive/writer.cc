#include "io/archive/writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/archive/header.h"

namespace cromt {

namespace {

using tar::Header;

// The earliest time that every archive format can hold (1980-01-01): tools stumble over 1970.
constexpr int64_t kFixedTime = 315532800;

template <size_t N>
void PutOctal(char (&field)[N], int64_t value) {
  fmt::format_to_n(field, N, "{:0{}o}", value, N - 1);
  field[N - 1] = '\0';
}

template <size_t N>
void PutText(char (&field)[N], std::string_view text) {
  std::memcpy(field, text.data(), std::min(N, text.size()));
}

constexpr uint32_t kMaxOctalId = 07777777;

std::string Block(char type, std::string_view name, std::string_view target, int64_t size, int64_t mode,
                  ArchiveOwner owner) {
  Header header{};
  PutText(header.name, name);
  PutOctal(header.mode, mode);
  PutOctal(header.uid, owner.user <= kMaxOctalId ? owner.user : 0);
  PutOctal(header.gid, owner.group <= kMaxOctalId ? owner.group : 0);
  PutOctal(header.size, size <= tar::kMaxOctalSize ? size : 0);
  PutOctal(header.mtime, kFixedTime);
  header.type = type;
  PutText(header.linkname, target);
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  fmt::format_to_n(header.checksum, 7, "{:06o}", tar::ChecksumOf(header));
  header.checksum[7] = ' ';
  return std::string(reinterpret_cast<const char*>(&header), sizeof header);
}

// "LENGTH key=value\n", where LENGTH counts its own digits too.
void AppendPaxRecord(std::string_view key, std::string_view value, std::string& out) {
  const size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) ++length;
  out += fmt::format("{} {}={}\n", length, key, value);
}

std::string PaxBlocks(const std::string& records) {
  std::string out = Block(tar::kPaxType, "pax", "", static_cast<int64_t>(records.size()), 0644, {}) + records;
  out.append(tar::PaddingOf(static_cast<int64_t>(records.size())), '\0');
  return out;
}

char TypeOf(EntryKind kind) {
  switch (kind) {
    case EntryKind::kDirectory: return tar::kDirectoryType;
    case EntryKind::kSymlink: return tar::kLinkType;
    case EntryKind::kFile:
    case EntryKind::kExecutable: break;
  }
  return tar::kFileType;
}

int64_t ModeOf(EntryKind kind) {
  switch (kind) {
    case EntryKind::kFile: return 0644;
    case EntryKind::kSymlink: return 0777;
    case EntryKind::kExecutable:
    case EntryKind::kDirectory: break;
  }
  return 0755;
}

}  // namespace

Status ArchiveWriter::Add(const ArchiveEntry& entry) {
  if (missing_bytes_ != 0) return Fail(ErrorCode::kInternal, "archive: an entry before the last file was complete");
  CROMT_TRY(CheckEntry(entry));
  const bool is_file = entry.kind == EntryKind::kFile || entry.kind == EntryKind::kExecutable;
  const int64_t size = is_file ? entry.size_bytes : 0;
  const std::string name = entry.kind == EntryKind::kDirectory ? entry.path + "/" : entry.path;
  std::string records;
  if (name.size() > sizeof(Header::name)) AppendPaxRecord("path", name, records);
  if (entry.target.size() > sizeof(Header::linkname)) AppendPaxRecord("linkpath", entry.target, records);
  if (size > tar::kMaxOctalSize) AppendPaxRecord("size", std::to_string(size), records);
  if (owner_.user > kMaxOctalId) AppendPaxRecord("uid", std::to_string(owner_.user), records);
  if (owner_.group > kMaxOctalId) AppendPaxRecord("gid", std::to_string(owner_.group), records);
  std::string out = records.empty() ? std::string() : PaxBlocks(records);
  out += Block(TypeOf(entry.kind), name, entry.kind == EntryKind::kSymlink ? entry.target : "", size,
               ModeOf(entry.kind), owner_);
  missing_bytes_ = size;
  padding_ = tar::PaddingOf(size);
  return sink_(out);
}

Status ArchiveWriter::Data(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (static_cast<int64_t>(bytes.size()) > missing_bytes_) {
    return Fail(ErrorCode::kInternal, "archive: more bytes than the file's size");
  }
  missing_bytes_ -= static_cast<int64_t>(bytes.size());
  CROMT_TRY(sink_(bytes));
  if (missing_bytes_ == 0 && padding_ != 0) return sink_(std::string(padding_, '\0'));
  return {};
}

Status ArchiveWriter::Finish() {
  if (missing_bytes_ != 0) return Fail(ErrorCode::kInternal, "archive: it ended before the last file was complete");
  return sink_(std::string(2 * tar::kBlockBytes, '\0'));
}

}  // namespace cromt
