// Output that nobody is left to speak of: its launcher died, or its host crashed.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "core/queue.h"
#include "core/queue_event.h"
#include "io/file/file_system.h"

namespace cromt {

// What of the output of these attempts lies in the segmented log `dir` from `from` on; those of which none does are
// left out, as is what can't be read. Reads all of it: for when nobody can say it who has written it.
OutputsInLog OutputWritten(const std::string& dir, uint64_t from, const std::unordered_set<Ticket>& tickets,
                           FileSystem& files = SystemFiles());

// The same of attempts whose launcher is gone, once there is one whose log goes on at `log_end`.
OutputsInLog OutputOfLost(const std::string& dir, uint64_t log_end, std::span<const QueuedAttempt* const> lost,
                          FileSystem& files = SystemFiles());

// The same after a crash of the host, of the attempts that it has ended; `records` are those of the journal. The crash
// may have cost the log its end: a note in it tells that to who reads the output of an attempt that had begun, or had
// ended and is not all there; `warn` tells that from one attempt on there was no room for notes. What is written from
// now on lies behind all positions that were ever given out: an error if that can't be had, and then nothing may be
// written. REQUIRES: no launcher is there.
Result<OutputsInLog> OutputAfterCrash(const std::string& dir, const std::vector<JournalRecord>& records, Wall now,
                                      const std::function<void(const std::string&)>& warn,
                                      FileSystem& files = SystemFiles());

// The same if `boot` is not that of the last records; else nothing. An error says what can't be.
Result<OutputsInLog> OutputLeft(const std::string& dir, const std::vector<JournalRecord>& records,
                                const std::string& boot, Wall now, const std::function<void(const std::string&)>& warn,
                                FileSystem& files = SystemFiles());

}  // namespace cromt
