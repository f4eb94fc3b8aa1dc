// The agent's journal: the file from which the queue is restored after a crash (core/queue.h says what its records
// mean, agent/journal_format.h how they lie in the file).
//
// Appending writes to the page cache, which a crash of the process does not lose; what a crash of the host must not
// lose is synced. So is each Opened, at once, and with it all that came before: after a crash of the host one knows
// what need not be whole (DecodeJournal). An Append that fails leaves the journal as it was, unless it is that sync
// which fails. After a failed Sync nobody knows what is on disk: every further Sync fails until Rewrite has written all
// anew, and a new process writes again what it has read.
//
// So that what has begun can still be written down when the disk is full, kJournalReserve bytes beyond the end of the
// file are allocated (fallocate with FALLOC_FL_KEEP_SIZE) where the file system can do that.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "agent/journal_format.h"
#include "base/durability.h"
#include "base/result.h"
#include "core/queue_event.h"
#include "io/file/file_system.h"

namespace cromt {

// What the agent needs of a journal. Sync: any thread, also meanwhile. All else: one thread.
class JournalStore {
 public:
  virtual ~JournalStore() = default;
  // All of the records or none. kInvalid for a record above kMaxRecordBytes; kExhausted when the file would grow beyond
  // kMaxJournalBytes (Rewrite makes it small) or the disk is full; a later Append may succeed.
  virtual Status Append(std::span<const JournalRecord> records) = 0;
  // What was appended before this call is durable: it survives a crash of the host, if the journal is to.
  virtual Status Sync() = 0;
  // Puts `snapshot` in the place of all records, synced. When it fails, the journal still holds what it held, and after
  // kExhausted (the disk is full) a later one may succeed.
  virtual Status Rewrite(std::span<const JournalRecord> snapshot) = 0;
  // Whether the room that is kept for a full disk is there; gets it back if it can. kExhausted says what is full: then
  // nothing new should be begun. Cheap; call it after each Append.
  virtual Status KeepReserve() = 0;
  virtual uint64_t size_bytes() const = 0;
};

inline constexpr uint64_t kMaxJournalBytes = uint64_t{1} << 30;
// Twice the largest message, whose leases are all written at once.
inline constexpr uint64_t kJournalReserve = 8 << 20;

struct JournalOptions {
  Durability durability = Durability::kHost;
  std::string boot = {};  // of the host, as in Opened; empty = not known
  FileSystem* files = &SystemFiles();
  uint64_t reserve_bytes = kJournalReserve;
};

// `DIR/journal`, mode 0600. One a directory: whoever opens it holds a lock of its own on the directory.
class Journal final : public JournalStore {
 public:
  struct Opened {
    std::unique_ptr<Journal> journal;
    std::vector<JournalRecord> records;  // oldest first; empty for a new journal
    std::string note;                    // a sentence when an end that a crash cut short was dropped, else empty
  };
  // Makes the directory (mode 0700) and the file where they are missing. kCorrupt, naming the file and leaving it as it
  // is, for what a crash can't explain: see DecodeJournal.
  static Result<Opened> Open(const std::string& dir, const JournalOptions& options = {});

  Status Append(std::span<const JournalRecord> records) override;
  Status Sync() override;
  Status Rewrite(std::span<const JournalRecord> snapshot) override;
  Status KeepReserve() override;
  uint64_t size_bytes() const override { return size_; }

 private:
  struct Content {
    std::shared_ptr<File> file;
    JournalEncoder encoder;
    uint64_t size = 0;
  };
  Journal(std::string dir, const JournalOptions& options, Content content);
  static Result<Content> WriteNew(const std::string& dir, const JournalOptions& options,
                                  std::span<const JournalRecord> records);
  static Result<Content> Create(const std::string& dir, const JournalOptions& options);
  Status MakeDurable(std::string_view bytes, std::span<const JournalRecord> records);
  Status DropLeftover();
  Result<uint64_t> Reserve(File& file, uint64_t size) const;

  const std::string dir_;
  const JournalOptions options_;
  JournalEncoder encoder_;
  uint64_t size_ = 0;
  bool leftover_ = false;     // bytes of a failed Append may lie behind size_
  uint64_t reserved_to_ = 0;  // the file is allocated up to here, as far as we know
  std::string buffer_;

  std::mutex mutex_;  // for what Sync shares with the other calls
  std::shared_ptr<File> file_;
  bool sync_failed_ = false;
};

}  // namespace cromt
