#include "agent/output_left.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/control.h"
#include "io/seglog/reader.h"
#include "io/seglog/writer.h"

namespace cromt {
namespace {

constexpr size_t kReadBytes = 256 << 10;

constexpr std::string_view kNote =
    "the host was restarted: what was printed in the last moments before may be missing here\n";

uint64_t HighestPosition(const std::vector<JournalRecord>& records) {
  uint64_t highest = 0;
  for (const JournalRecord& record : records) {
    if (const auto* seen = std::get_if<journal::MeshSeen>(&record)) highest = std::max(highest, seen->logs_stored);
    if (const auto* stored = std::get_if<journal::Stored>(&record)) highest = std::max(highest, stored->position);
    if (const auto* started = std::get_if<journal::Started>(&record)) highest = std::max(highest, started->log_begin);
    if (const auto* ended = std::get_if<journal::Ended>(&record)) highest = std::max(highest, ended->log_end);
  }
  return highest;
}

std::optional<std::string> LastBoot(const std::vector<JournalRecord>& records) {
  std::optional<std::string> boot;
  for (const JournalRecord& record : records)
    if (const auto* opened = std::get_if<journal::Opened>(&record)) boot = opened->boot;
  return boot;
}

// What the journal knew before the crash.
std::map<Ticket, QueuedAttempt> AttemptsBefore(const std::vector<JournalRecord>& records) {
  AgentQueue queue({}, LastBoot(records).value_or(""), JournalId("before"));
  queue.Restore(records, {});
  std::map<Ticket, QueuedAttempt> attempts;
  for (const InventoryTicket& item : queue.Tickets()) attempts.emplace(item.ticket, *queue.Find(item.ticket));
  return attempts;
}

}  // namespace

OutputsInLog OutputWritten(const std::string& dir, uint64_t from, const std::unordered_set<Ticket>& tickets,
                           FileSystem& files) {
  OutputsInLog outputs;
  auto reader = seglog::Reader::Open(dir, from, files);
  // What is stored already may have been removed: what is still needed begins later.
  if (!reader && reader.error().code == ErrorCode::kNotFound) reader = seglog::Reader::Open(dir, 0, files);
  while (reader) {
    auto frames = reader->Read(kReadBytes);
    if (!frames && frames.error().code == ErrorCode::kCorrupt && reader->SkipDamage()) continue;
    if (!frames || frames->empty()) break;
    for (const auto& [frame, position] : *frames) {
      if (!tickets.contains(frame.log_id) || frame.offset >= static_cast<uint64_t>(kNoteOffset)) continue;
      OutputInLog& output = outputs.try_emplace(frame.log_id, OutputInLog{.begin = position}).first->second;
      output.bytes = std::max(output.bytes, static_cast<int64_t>(frame.offset + frame.data.size()));
      output.end = position + seglog::kHeaderBytes + frame.data.size();
    }
  }
  return outputs;
}

OutputsInLog OutputOfLost(const std::string& dir, uint64_t log_end, std::span<const QueuedAttempt* const> lost,
                          FileSystem& files) {
  std::unordered_set<Ticket> tickets;
  uint64_t begin = log_end;
  for (const QueuedAttempt* attempt : lost) {
    tickets.insert(attempt->ticket);
    begin = std::min(begin, attempt->log_begin);  // 0 where its start was not told
  }
  return tickets.empty() ? OutputsInLog() : OutputWritten(dir, begin, tickets, files);
}

Result<OutputsInLog> OutputAfterCrash(const std::string& dir, const std::vector<JournalRecord>& records, Wall now,
                                      const std::function<void(const std::string&)>& warn, FileSystem& files) {
  using Phase = QueuedAttempt::Phase;
  CROMT_ASSIGN(seglog::Writer writer, seglog::Writer::Open(dir, seglog::kSegmentBytes, files));
  CROMT_TRY(writer.GoBehind(HighestPosition(records)));
  const auto attempts = AttemptsBefore(records);
  std::unordered_set<Ticket> tickets;
  for (const auto& [ticket, attempt] : attempts) tickets.insert(ticket);
  OutputsInLog outputs = OutputWritten(dir, 0, tickets, files);
  for (const auto& [ticket, attempt] : attempts) {
    const bool ended = attempt.phase == Phase::kEnded;
    const bool is_there = outputs.contains(ticket);
    const bool may_miss = ended ? attempt.result.log_bytes > (is_there ? outputs[ticket].bytes : 0)
                                : is_there || attempt.phase >= Phase::kLaunching;
    if (!may_miss) continue;
    std::string frame;
    const uint64_t position = writer.position();
    // The coordinator may have more than what is left here. At this offset it is new to it in any case, and the same
    // when it is said again because this was interrupted.
    seglog::EncodeFrame({seglog::Stream::kNote, ticket, static_cast<uint64_t>(kNoteOffset), Micros(now), kNote}, frame);
    if (auto noted = writer.Append(frame); !noted) {
      warn("no note can say where output may end before it should, for the host was restarted: " +
           noted.error().message);
      break;
    }
    OutputInLog& output = outputs.try_emplace(ticket, OutputInLog{.begin = position}).first->second;
    output.bytes += static_cast<int64_t>(kNote.size());
    output.end = writer.position();
  }
  return outputs;
}

Result<OutputsInLog> OutputLeft(const std::string& dir, const std::vector<JournalRecord>& records,
                                const std::string& boot, Wall now, const std::function<void(const std::string&)>& warn,
                                FileSystem& files) {
  if (LastBoot(records).value_or(boot) == boot) return OutputsInLog();
  auto outputs = OutputAfterCrash(dir, records, now, warn, files);
  if (!outputs)
    return Fail("the log can't go on behind the output from before the restart of the host", outputs.error());
  return outputs;
}

}  // namespace cromt
