#include "agent/fake_journal.h"

#include <algorithm>

namespace cromt {
namespace {

constexpr uint32_t kMark = 0x4B52414D;

}  // namespace

FakeJournal::FakeJournal() : bytes_(JournalEncoder(kMark).Header()), encoder_(kMark), synced_bytes_(bytes_.size()) {}

Status FakeJournal::Append(std::span<const JournalRecord> records) {
  JournalEncoder encoder = encoder_;
  size_t before = bytes_.size();
  CROMT_TRY(encoder.Encode(records, bytes_));
  if ((fail_writes_ || bytes_.size() > room_to_.value_or(bytes_.size())) && bytes_.size() != before) {
    bytes_.resize(before);
    return Fail(ErrorCode::kExhausted, "writing the journal: no space left on the simulated disk");
  }
  encoder_ = std::move(encoder);
  return {};
}

Status FakeJournal::Sync() {
  sync_failed_ = sync_failed_ || fail_syncs_;
  if (sync_failed_) return Fail(ErrorCode::kUnavailable, "syncing the journal: the simulated disk fails");
  synced_bytes_ = bytes_.size();
  return {};
}

Status FakeJournal::Rewrite(std::span<const JournalRecord> snapshot) {
  JournalEncoder encoder(kMark);
  std::string bytes = encoder.Header();
  CROMT_TRY(encoder.Encode(snapshot, bytes));
  if (fail_writes_ || fail_syncs_ || room_to_)
    return Fail(ErrorCode::kExhausted, "rewriting the journal: the simulated disk fails");
  bytes_ = std::move(bytes);
  encoder_ = std::move(encoder);
  synced_bytes_ = bytes_.size();
  sync_failed_ = false;
  return {};
}

Status FakeJournal::KeepReserve() {
  if (room_to_) return Fail(ErrorCode::kExhausted, "keeping room for the journal: no space left on the simulated disk");
  return {};
}

void FakeJournal::FillDisk(bool full, uint64_t reserve) {
  room_to_ = full ? std::optional(bytes_.size() + reserve) : std::nullopt;
}

void FakeJournal::CrashHost(uint64_t kept_bytes) {
  bytes_.resize(synced_bytes_ + std::min<uint64_t>(kept_bytes, unsynced_bytes()));
}

Result<JournalContent> FakeJournal::Reopen() {
  CROMT_ASSIGN(JournalContent content, DecodeJournal(bytes_));
  bytes_.resize(content.good_bytes);
  synced_bytes_ = std::min<uint64_t>(synced_bytes_, bytes_.size());
  encoder_ = content.encoder;
  sync_failed_ = false;
  return content;
}

}  // namespace cromt
