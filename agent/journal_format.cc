#include "agent/journal_format.h"

#include <fmt/format.h>
#include <zlib.h>

#include <optional>

#include "base/bytes.h"
#include "io/wire/journal.h"

namespace cromt {
namespace {

constexpr std::string_view kMagic = "CROMTJNL";

uint32_t Sum(std::string_view bytes, uint32_t before = 0) {
  return static_cast<uint32_t>(crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string U32Bytes(uint32_t value) {
  std::string bytes;
  ByteWriter(bytes).U32(value);
  return bytes;
}

uint32_t FrameSum(uint32_t length, std::string_view bytes) {
  return Sum(bytes, Sum(U32Bytes(length)));
}

// The mark of the file.
Result<uint32_t> ReadHeader(std::string_view file) {
  if (!file.starts_with(kMagic)) return Fail(ErrorCode::kCorrupt, "this is no journal of an agent");
  if (file.size() < kJournalHeaderBytes) return Fail(ErrorCode::kCorrupt, "its header is cut short");
  ByteReader reader(file.substr(kMagic.size(), kJournalHeaderBytes - kMagic.size()));
  uint32_t version = reader.U32();
  uint32_t mark = reader.U32();
  if (reader.U32() != Sum(file.substr(0, kJournalHeaderBytes - sizeof(uint32_t))))
    return Fail(ErrorCode::kCorrupt, "its header is damaged");
  if (version != kJournalVersion)
    return Fail(ErrorCode::kCorrupt, fmt::format("it has format version {} and this program knows version {}: it was "
                                                 "written by a newer one, use that",
                                                 version, kJournalVersion));
  return mark;
}

// The bytes of the frame at the start of `in`; nullopt if there is no whole and undamaged one.
std::optional<std::string_view> FrameAt(std::string_view in, uint32_t mark) {
  ByteReader reader(in.substr(0, kJournalFrameHeaderBytes));
  uint32_t begins = reader.U32();
  uint32_t length = reader.U32();
  uint32_t sum = reader.U32();
  if (!reader.ok() || begins != mark || length == 0 || length > kMaxRecordBytes) return std::nullopt;
  if (length > in.size() - kJournalFrameHeaderBytes) return std::nullopt;
  std::string_view bytes = in.substr(kJournalFrameHeaderBytes, length);
  if (sum != FrameSum(length, bytes)) return std::nullopt;
  return bytes;
}

// Where the next whole frame begins; npos if there is none.
size_t FindFrame(std::string_view in, uint32_t mark) {
  std::string begin = U32Bytes(mark);
  for (size_t at = in.find(begin); at != in.npos; at = in.find(begin, at + 1))
    if (FrameAt(in.substr(at), mark)) return at;
  return in.npos;
}

Result<JournalRecord> ReadRecord(std::string_view bytes, const std::shared_ptr<const TaskSpec>& previous) {
  v1::JournalRecord proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Fail(ErrorCode::kCorrupt, "not a record");
  return wire::FromProto(proto, previous);
}

}  // namespace

// ---- Writing ----------------------------------------------------------------------------------

std::string JournalEncoder::Header() const {
  std::string header(kMagic);
  ByteWriter writer(header);
  writer.U32(kJournalVersion);
  writer.U32(mark_);
  writer.U32(Sum(header));
  return header;
}

Status JournalEncoder::Encode(std::span<const JournalRecord> records, std::string& out) {
  size_t begin = out.size();
  auto spec = EncodeAll(records, out);
  if (!spec) {
    out.resize(begin);
    return tl::unexpected(std::move(spec).error());
  }
  last_spec_ = std::move(*spec);
  return {};
}

Result<std::shared_ptr<const TaskSpec>> JournalEncoder::EncodeAll(std::span<const JournalRecord> records,
                                                                  std::string& out) const {
  std::shared_ptr<const TaskSpec> last = last_spec_;
  v1::JournalRecord proto;
  for (const JournalRecord& record : records) {
    proto.Clear();
    wire::ToProto(record, proto, last.get());
    size_t length = proto.ByteSizeLong();
    if (length > kMaxRecordBytes)
      return Fail(ErrorCode::kInvalid,
                  fmt::format("a journal record of {} bytes; at most {} are allowed", length, kMaxRecordBytes));
    size_t begin = out.size();
    out.resize(begin + kJournalFrameHeaderBytes + length);
    std::string_view bytes = std::string_view(out).substr(begin + kJournalFrameHeaderBytes);
    proto.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(out.data() + begin + kJournalFrameHeaderBytes));
    std::string header;
    ByteWriter writer(header);
    writer.U32(mark_);
    writer.U32(static_cast<uint32_t>(length));
    writer.U32(FrameSum(static_cast<uint32_t>(length), bytes));
    out.replace(begin, header.size(), header);
    if (const auto* accepted = std::get_if<journal::Accepted>(&record)) last = accepted->spec;
  }
  return last;
}

// ---- Reading ----------------------------------------------------------------------------------

struct JournalDecoder {
  std::string_view file;
  uint32_t mark;
  std::string_view boot;
  JournalContent content;

  Status Run() {
    size_t& at = content.good_bytes;
    for (at = kJournalHeaderBytes; at < file.size();) {
      auto bytes = FrameAt(file.substr(at), mark);
      if (!bytes) return Rest();
      auto record = ReadRecord(*bytes, content.encoder.last_spec_);
      if (!record)
        return Fail(ErrorCode::kCorrupt, fmt::format("the record at byte {}: {}", at, record.error().message));
      if (const auto* accepted = std::get_if<journal::Accepted>(&*record)) content.encoder.last_spec_ = accepted->spec;
      content.records.push_back(std::move(*record));
      at += kJournalFrameHeaderBytes + bytes->size();
    }
    return {};
  }

  // Since the last record but these was written. `frames` begin with a whole one.
  bool HostHasCrashed(std::string_view frames) const {
    const journal::Opened* last = nullptr;
    for (const JournalRecord& record : content.records)
      if (const auto* opened = std::get_if<journal::Opened>(&record)) last = opened;
    if (boot.empty() || !last || last->boot == boot) return false;
    v1::JournalRecord proto;
    for (size_t at = 0; at != frames.npos; at = FindFrame(frames, mark)) {
      frames.remove_prefix(at);
      const std::string_view bytes = *FrameAt(frames, mark);
      if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || proto.has_opened()) return false;
      frames.remove_prefix(kJournalFrameHeaderBytes + bytes.size());
    }
    return true;
  }

  Status Rest() {
    std::string_view rest = file.substr(content.good_bytes);
    size_t next = FindFrame(rest.substr(1), mark);
    if (next != rest.npos && HostHasCrashed(rest.substr(1 + next))) {
      content.note = fmt::format(
          "the host has crashed, and not all of the journal's end is there: {} bytes are dropped", rest.size());
      return {};
    }
    if (next != rest.npos)
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("the record at byte {} is damaged, and whole ones follow from byte {} on: this is no end "
                              "that a crash cut short",
                              content.good_bytes, content.good_bytes + 1 + next));
    content.note = fmt::format("the journal's last record was cut short by a crash: {} bytes are dropped", rest.size());
    return {};
  }
};

Result<JournalContent> DecodeJournal(std::string_view file, std::string_view boot) {
  CROMT_ASSIGN(uint32_t mark, ReadHeader(file));
  JournalDecoder decoder{file, mark, boot, {.encoder = JournalEncoder(mark)}};
  CROMT_TRY(decoder.Run());
  return std::move(decoder.content);
}

}  // namespace cromt
