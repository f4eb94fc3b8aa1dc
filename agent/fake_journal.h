// The journal in memory, for the simulator and for tests: the same bytes as the real one's, on a disk that can be told
// to fail. A crash of the process loses nothing that was appended; a crash of the host loses what was not synced. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/journal.h"

namespace cromt {

class FakeJournal final : public JournalStore {
 public:
  FakeJournal();

  Status Append(std::span<const JournalRecord> records) override;
  Status Sync() override;
  Status Rewrite(std::span<const JournalRecord> snapshot) override;
  Status KeepReserve() override;
  uint64_t size_bytes() const override { return bytes_.size(); }

  // From now on Append and Rewrite fail with kExhausted, as on a full disk.
  void FailWrites(bool fail) { fail_writes_ = fail; }
  // The disk is full but for the reserve: Append may use it up, of so many bytes, and Rewrite and KeepReserve fail.
  void FillDisk(bool full, uint64_t reserve = kJournalReserve);
  // From now on Sync fails; like the real one it then fails until Rewrite.
  void FailSyncs(bool fail) { fail_syncs_ = fail; }

  // The host dies: of what was not synced only the first `kept_bytes` are there afterwards, maybe half a record.
  void CrashHost(uint64_t kept_bytes = 0);
  // What a new process reads; an end that was cut short is dropped. To be called after a crash, and then Append goes
  // on.
  Result<JournalContent> Reopen();

  uint64_t unsynced_bytes() const { return bytes_.size() - synced_bytes_; }

 private:
  std::string bytes_;
  JournalEncoder encoder_;
  uint64_t synced_bytes_ = 0;
  bool fail_writes_ = false;
  std::optional<uint64_t> room_to_;  // how far the file may grow, on a full disk
  bool fail_syncs_ = false;
  bool sync_failed_ = false;
};

}  // namespace cromt
