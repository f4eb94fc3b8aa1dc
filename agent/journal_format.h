// The bytes of the agent's journal file. Pure: whoever holds the bytes (agent/journal.h, the simulator's fake) brings
// them here.
//
//   file   = header frame*
//   header = 'CROMTJNL' | u32 version | u32 mark | u32 sum of the 16 bytes before it
//   frame  = u32 mark | u32 length | u32 sum of length and bytes | bytes: JournalRecord of proto/cromt/v1/journal.proto
//
// Integers are little-endian, sums CRC-32 as in zlib, 1 <= length <= kMaxRecordBytes. The mark is random and new with
// each file, so that whole frames behind a damaged one can be told from what a job wrote into its own variables.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/queue_event.h"

namespace cromt {

inline constexpr uint32_t kJournalVersion = 1;
inline constexpr size_t kJournalHeaderBytes = 20;
inline constexpr size_t kJournalFrameHeaderBytes = 12;
inline constexpr size_t kMaxRecordBytes = 4 << 20;

// Makes the bytes of one file, from its header on, in order. A value: a copy taken before Encode is the way back.
class JournalEncoder {
 public:
  explicit JournalEncoder(uint32_t mark) : mark_(mark) {}
  std::string Header() const;
  // Appends the frames to `out`. kInvalid for a record above kMaxRecordBytes; then `out` and the encoder are as before.
  // REQUIRES: an Accepted has a spec.
  Status Encode(std::span<const JournalRecord> records, std::string& out);

 private:
  friend struct JournalDecoder;
  Result<std::shared_ptr<const TaskSpec>> EncodeAll(std::span<const JournalRecord> records, std::string& out) const;

  uint32_t mark_;
  std::shared_ptr<const TaskSpec> last_spec_;  // of the newest Accepted: one like it is written without
};

struct JournalContent {
  std::vector<JournalRecord> records;
  JournalEncoder encoder{0};  // for what is to be appended
  size_t good_bytes = 0;      // the rest was being written when the host or the process died
  std::string note;           // a sentence when there is such a rest, else empty
};

// kCorrupt for what a crash can't explain: no journal, a newer version, a damaged frame with whole ones behind it, a
// record that can't be read. A host that crashes may have written later pages and not earlier ones; so if `boot`, that
// of the host now (empty: not known), is another than the last Opened before a damaged frame says, and no Opened
// follows, all from that frame on is such a rest. REQUIRES: an Opened is durable before anything follows it.
Result<JournalContent> DecodeJournal(std::string_view file, std::string_view boot = {});

}  // namespace cromt
