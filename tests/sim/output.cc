#include "tests/sim/output.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/control.h"
#include "io/seglog/frame.h"
#include "io/seglog/segments.h"

namespace cromt::sim {
namespace {

constexpr int64_t kLine = 32;
constexpr size_t kSliceBytes = 64 << 10;

AgentId AgentOf(size_t host) {
  return AgentId(fmt::format("agent-{}", host));
}

}  // namespace

std::string OutputOf(size_t process, int64_t offset, int64_t size) {
  std::string text;
  const int64_t first = offset / kLine;
  for (int64_t line = first; line * kLine < offset + size; ++line)
    text += fmt::format("{:<31}\n", fmt::format("process {} line {}", process, line));
  return text.substr(static_cast<size_t>(offset - first * kLine), static_cast<size_t>(size));
}

HostLogContents::Output HostLogContents::Of(Ticket ticket, uint64_t from) const {
  Output all;
  if (const auto found = outputs.find(ticket); found != outputs.end())
    for (const Output& one : found->second)
      if (one.end > from) all = {std::max(all.bytes, one.bytes), std::max(all.end, one.end)};
  return all;
}

HostLogContents ContentsOfHostLog(FileSystem& disk) {
  HostLogContents contents;
  std::vector<std::string> names;
  if (disk.List(kHostLog, names) != 0) return contents;
  for (const std::string& name : names) {
    auto file = disk.Open(fmt::format("{}/{}", kHostLog, name), O_RDONLY);
    const uint32_t segment = static_cast<uint32_t>(std::stoul(name));
    std::string bytes(static_cast<size_t>(file->Size()), '\0');
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(0, file->Read(bytes.data(), bytes.size(), 0))));
    std::string_view rest = bytes;
    for (auto frame = seglog::DecodeFrame(rest); !frame || *frame; frame = seglog::DecodeFrame(rest)) {
      if (!frame) {
        const size_t damaged = seglog::BytesOfDamaged(rest).value_or(SIZE_MAX);
        if (damaged > rest.size()) break;
        rest.remove_prefix(damaged);
        continue;
      }
      const auto& [stream, ticket, offset, at, data] = **frame;
      const uint64_t end = seglog::MakePosition(segment, bytes.size() - rest.size());
      contents.ends.insert(end);
      const auto size = static_cast<int64_t>(data.size());
      if (offset >= static_cast<uint64_t>(kNoteOffset)) {
        contents.notes[ticket] = size;
        continue;
      }
      contents.outputs[ticket].push_back({static_cast<int64_t>(offset) + size, end});
    }
  }
  return contents;
}

void OutputLedger::Printed(const PrintedFrame& frame) {
  int64_t& size = processes_[frame.attempt][frame.process];
  size = std::max(size, frame.offset + frame.size);
}

void OutputLedger::Written(size_t host, const PrintedFrame& frame) {
  std::vector<Frame>& frames = printed_[host];
  if (!frames.empty() && frames.back().frame.position >= frame.position)
    Violation(
        fmt::format("host {} writes at {} what lies behind {}", host, frame.position, frames.back().frame.position));
  frames.push_back({.frame = frame, .is_nobodys = nobodys_[host].contains(frame.ticket)});
}

void OutputLedger::HostLoses(size_t host, bool machine) {
  std::erase_if(printed_[host], [](const Frame& one) { return !one.was_stored; });
  for (Frame& one : printed_[host]) one.is_gone = true;
  if (!machine) return;
  std::ranges::move(printed_[host], std::back_inserter(before_[host]));
  printed_[host].clear();
}

void OutputLedger::HostCrashes(size_t host, const HostLogContents& log) {
  some_host_crashed_ = true;
  std::vector<Frame> left;
  for (Frame& one : printed_[host]) {
    if (log.ends.contains(one.frame.position))
      left.push_back(std::move(one));
    else if (one.was_stored)
      before_[host].push_back(std::move(one));
    else
      situations_.Saw("output", "lost in a crash of its host");
  }
  printed_[host] = std::move(left);
}

bool OutputLedger::Rots(size_t host, uint64_t position) {
  std::vector<Frame>& frames = printed_[host];
  const auto found =
      std::ranges::upper_bound(frames, position, {}, [](const Frame& one) { return one.frame.position; });
  if (found == frames.end() || found->is_rotten) return false;
  if (found->frame.position - seglog::kHeaderBytes - static_cast<uint64_t>(found->frame.size) > position) return false;
  if (found->was_stored)
    found->is_rotten = true;
  else
    frames.erase(found);
  return true;
}

void OutputLedger::Lost(size_t host, Ticket ticket) {
  if (!nobodys_[host].insert(ticket).second) return;
  for (Frame& one : printed_[host]) one.is_nobodys |= one.frame.ticket == ticket && !one.was_stored;
}

void OutputLedger::Stored(size_t host, uint64_t from, uint64_t to, const void* coordinator) {
  std::vector<Frame>& frames = printed_[host];
  auto position = [](const Frame& one) { return one.frame.position; };
  for (auto next = std::ranges::upper_bound(frames, from, {}, position);
       next != frames.end() && next->frame.position <= to; ++next) {
    if (next->is_gone || nobodys_[host].contains(next->frame.ticket)) continue;  // so that was not sent
    next->stored_by.insert(coordinator);
    next->was_stored = true;
  }
}

void OutputLedger::Arrives(const AttemptId& id, int64_t offset, const void* coordinator) {
  if (!arrived_.emplace(coordinator, id, offset).second) situations_.Saw("output", "comes again");
}

void OutputLedger::MayBeGone(const void* coordinator) {
  for (auto* all : {&before_, &printed_})
    for (auto& [host, frames] : *all)
      for (Frame& frame : frames)
        if (frame.stored_by.contains(coordinator)) frame.may_be_gone.insert(coordinator);
}

bool OutputLedger::IsNobodys(size_t host, const Frame& frame, const void* coordinator) const {
  if (frame.is_nobodys) return true;
  if (!ledger_.went_back() && !ledger_.second_is_heard()) return false;
  const auto owner = owners_.find({coordinator, frame.frame.attempt});
  return owner != owners_.end() &&
         std::ranges::any_of(owner->second, [&](const AgentId& agent) { return agent != AgentOf(host); });
}

void OutputLedger::Take(const RunId& run, const LogPiece& piece, Pieces& pieces) {
  const AttemptId id{run, piece.task, piece.attempt};
  const auto size = static_cast<int64_t>(piece.data.size());
  const int64_t end = piece.offset + size;
  if (piece.offset >= kNoteOffset) {
    if (!some_host_crashed_) Violation(fmt::format("of {} there is a note, and no host has crashed", ToString(id)));
    return situations_.Saw("output", "a note says that some may be missing");
  }
  const auto processes = processes_.find(id);
  const auto has_printed = [&](const auto& process) {
    return end <= process.second && piece.data == OutputOf(process.first, piece.offset, size);
  };
  if (processes == processes_.end() || std::ranges::none_of(processes->second, has_printed))
    Violation(
        fmt::format("of {} there is stored at {} what no process of it has printed there", ToString(id), piece.offset));
  auto& own = pieces[id];
  if (!own.empty() && piece.offset < own.rbegin()->second)
    Violation(fmt::format("of {} there is twice stored what begins at {}", ToString(id), piece.offset));
  if (!own.empty() && piece.offset == own.rbegin()->second)
    own.rbegin()->second = end;
  else
    own[piece.offset] = end;
}

void OutputLedger::CheckStored(const void* coordinator, LogStore& logs) {
  Pieces pieces;
  const auto kept = logs.List();
  if (!kept) return Violation("the output can't be listed: " + kept.error().message);
  for (const LogStore::Kept& file : *kept)
    for (uint64_t cursor = 0;;) {
      const auto slice = logs.Read(file.run, cursor, kSliceBytes);
      if (!slice) return Violation("the output can't be read: " + slice.error().message);
      if (slice->pieces.empty()) break;
      cursor = slice->next_cursor;
      for (const LogPiece& piece : slice->pieces) Take(file.run, piece, pieces);
    }
  for (const auto& all : {&before_, &printed_})
    for (const auto& [host, frames] : *all)
      for (const Frame& one : frames) CheckStored(host, one, coordinator, pieces);
}

void OutputLedger::CheckStored(size_t host, const Frame& one, const void* coordinator, const Pieces& pieces) {
  const PrintedFrame& frame = one.frame;
  if (frame.plain || !one.stored_by.contains(coordinator) || one.may_be_gone.contains(coordinator)) return;
  const auto found = pieces.find(frame.attempt);
  std::string there;
  if (found != pieces.end())
    for (const auto& [begin, end] : found->second) {
      if (begin <= frame.offset && frame.offset + frame.size <= end) return;
      there += fmt::format(" {}-{}", begin, end);
    }
  if (IsNobodys(host, one, coordinator)) return situations_.Saw("output", "nobody's");
  Violation(fmt::format("host {} was told that bytes {}-{} of the output of {} are stored, and there is{}", host,
                        frame.offset, frame.offset + frame.size, ToString(frame.attempt),
                        there.empty() ? " nothing" : there));
}

void OutputLedger::CheckAll(const std::set<size_t>& hosts) {
  for (const size_t host : hosts)
    for (const Frame& one : printed_[host])
      if (!one.frame.plain && !one.was_stored && !one.is_nobodys)
        Violation(fmt::format("what {} has printed on host {} from byte {} on is not stored",
                              ToString(one.frame.attempt), host, one.frame.offset));
}

}  // namespace cromt::sim
